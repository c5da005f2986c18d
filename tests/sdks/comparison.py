"""What a runner printed, and where two such prints differ.

It knows which headers a replay does not give back, and why; everything else must be equal.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Given", "differences", "first_difference", "read"]

# Not given back, by design: they belong to one connection or one answer at one moment, or would
# tell who recorded (DESIGN 4, 6, 8).
NOT_REPLAYED = frozenset(
    {
        # framing and encoding of that connection
        "connection", "keep-alive", "transfer-encoding", "content-length", "content-encoding",
        # what says how the answer travelled, not what it is
        "date", "server", "via", "x-envoy-upstream-service-time",
        "cf-ray", "cf-cache-status", "strict-transport-security",
        # who asked
        "set-cookie", "openai-organization", "openai-project", "anthropic-organization-id",
        # a recorded wait is shortened when nothing waits
        "retry-after", "retry-after-ms",
    }
)  # fmt: skip

ABSENT = "(absent)"


@dataclass(frozen=True, slots=True)
class Given:
    """What one scenario was given: objects by label, and HTTP responses in their order."""

    shown: list[Any]
    http: list[dict[str, Any]]

    @property
    def statuses(self) -> list[int]:
        return [response["status"] for response in self.http]

    @property
    def crash(self) -> str | None:
        """The traceback of a scenario that did not get to its end."""
        return next((value for label, value in self.shown if label == "crashed"), None)

    def kept(self, *, in_order: bool) -> dict[str, Any]:
        """What must come back on replay."""
        http = [_kept(response) for response in self.http]
        return {"shown": self.shown, "http": http if in_order else sorted(http, key=json.dumps)}


def _kept(response: dict[str, Any]) -> dict[str, Any]:
    headers: dict[str, list[str]] = {}
    for name, value in response["headers"]:
        if name not in NOT_REPLAYED and not name.startswith("x-llmreplay-"):
            headers.setdefault(name, []).append(value)
    return response | {"headers": headers}


def read(output: str) -> dict[str, Given]:
    """Scenario → what it was given, from a runner's lines; an unfinished last line is left out."""
    # Not splitlines: the texts hold U+2028, which is no end of a line in JSON.
    lines = (json.loads(line) for line in output.split("\n")[:-1])
    return {line["scenario"]: Given(line["shown"], line["http"]) for line in lines}


def differences(expected: dict[str, Given], actual: dict[str, Given]) -> dict[str, str]:
    """Scenario → the first thing that differs; empty if all are equal."""
    found = {}
    for name, given in expected.items():
        other = actual.get(name)
        # Which of several parallel answers comes first is nobody's promise.
        in_order = "parallel" not in name
        text: str | None = "missing"
        if other is not None:
            text = first_difference(given.kept(in_order=in_order), other.kept(in_order=in_order))
        if text:
            found[name] = text
    return found


def first_difference(expected: Any, actual: Any, path: str = "$") -> str | None:  # noqa: ANN401  # any JSON values
    """Path and both values, at the first place where they differ."""
    pairs: Iterable[tuple[str, Any, Any]] = ()
    if isinstance(expected, dict) and isinstance(actual, dict):
        keys = dict.fromkeys((*expected, *actual))
        pairs = [
            (f"{path}.{key}", expected.get(key, ABSENT), actual.get(key, ABSENT)) for key in keys
        ]
    elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        places = (f"{path}[{number}]" for number in range(len(expected)))
        pairs = zip(places, expected, actual, strict=True)
    elif expected != actual:
        return f"{path}: {json.dumps(expected)[:300]} != {json.dumps(actual)[:300]}"
    return next(filter(None, (first_difference(one, other, at) for at, one, other in pairs)), None)
