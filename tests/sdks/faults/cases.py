"""The faults that every SDK is asked about: each preset, and each kind in its usual forms."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

__all__ = ["CASES", "GROUPS", "PATIENCE_S", "Case", "overlay_of"]

Fault = str | dict[str, Any]

PATIENCE_S = 30.0
"""How long is looked on where a client might wait for ever."""

_HANGS_S = 1.5
"""How long clients wait where nothing comes; their own deadlines are minutes."""

ERRORS = "Errors"
HINTS = "Hints to wait"
ANSWERS = "Broken answers"
STREAMS = "Broken streams"
ODD = "Odd streams"
BELOW = "Connections"
GROUPS = (ERRORS, HINTS, ANSWERS, STREAMS, ODD, BELOW)


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A fault, what is asked for meanwhile, and how often. `name` begins its sessions' names."""

    name: str
    fault: Fault
    group: str
    shape: str = "answer"
    when: dict[str, Any] = field(default_factory=dict)
    times: int = 1
    timeout_s: float = 20.0
    may_hang: bool = False
    own_server: bool = False
    """It happens before there is a request, and so before there is a session."""

    @property
    def shown(self) -> str:
        """As it is written in an overlay."""
        when = f", `when: {_flow(self.when)}`" if self.when else ""
        stream = ", for a stream" if self.group == ERRORS and self.shape == "stream" else ""
        return f"`{_flow(self.fault)}`{when}{stream}"

    @property
    def tls(self) -> bool:
        """Whether it is about TLS."""
        return self.own_server and self.name not in {"refused", "connection_refused", "reset_early"}


def overlay_of(cases: list[Case]) -> str:
    """An overlay (JSON is YAML) with a rule a case, which is about the case's sessions."""
    rules = [
        {
            "name": case.name,
            **({} if case.own_server else {"match": {"session": f"{case.name}.*"}}),
            **({"when": case.when} if case.when else {}),
            "fault": case.fault,
        }
        for case in cases
    ]
    return json.dumps({"rules": rules})


def _flow(value: Any, *, inner: bool = False) -> str:  # noqa: ANN401  # what YAML can hold
    """`value` in one line of YAML, without the outermost braces."""
    match value:
        case dict():
            text = ", ".join(f"{key}: {_flow(one, inner=True)}" for key, one in value.items())
            return f"{{{text}}}" if inner else text
        case list():
            return f"[{', '.join(map(str, value))}]"
        case bool():
            return str(value).lower()
        case _:
            return str(value)


_PRESETS = (
    "rate_limit",
    "quota",
    "overloaded",
    "server_error",
    "bad_gateway",
    "unavailable",
    "gateway_timeout",
    "auth",
    "forbidden",
    "not_found",
    "bad_request",
    "context_length",
    "content_filter",
)
_ENDS = ("truncate", "close", "reset", "stall")


def _cuts(name: str, shape: str, group: str, hows: tuple[str, ...], **where: Any) -> list[Case]:  # noqa: ANN401  # what YAML can hold
    return [
        Case(
            f"{name}-{how}",
            {"cut": {**where, "how": how}},
            group,
            shape,
            timeout_s=_HANGS_S if how == "stall" else 20.0,
            may_hang=how == "stall",
        )
        for how in hows
    ]


def _corrupt(what: str, group: str, shape: str) -> Case:
    fault = what if shape == "answer" else {"what": what, "at": 3}
    return Case(f"corrupt-{what}-{shape}", {"corrupt": fault}, group, shape)


def _early(trouble: str) -> Case:
    return Case(trouble, {"connection": trouble}, BELOW, own_server=True)


CASES: tuple[Case, ...] = (
    *(Case(preset, preset, ERRORS) for preset in _PRESETS),
    Case("status-418", {"error": {"status": 418}}, ERRORS),
    Case("overloaded-stream", "overloaded", ERRORS, "stream"),
    # What waits are asked for, and whether to come again
    *(
        Case(
            f"wait-{name}",
            {"error": {"preset": "rate_limit", "retry_after": wait}},
            HINTS,
            when={"first": 1},
            may_hang=wait == "10m",
        )
        for name, wait in (("400ms", "400ms"), ("2s", "2s"), ("10m", "10m"))
    ),
    Case(
        "should-retry",
        {"error": {"preset": "bad_request", "headers": {"x-should-retry": "true"}}},
        HINTS,
        when={"first": 1},
    ),
    Case(
        "should-not-retry",
        {"error": {"preset": "rate_limit", "headers": {"x-should-retry": "false"}}},
        HINTS,
        when={"first": 1},
    ),
    Case("limit", {"limit": {"requests": 1, "per": "4s"}}, HINTS, times=2),
    # Answers that are not streams
    Case("delay-answer", {"delay": "300ms"}, ANSWERS),
    Case("empty", "empty", ANSWERS),
    Case("malformed", "malformed", ANSWERS),
    *(_corrupt(what, ANSWERS, "answer") for what in ("utf8", "chunk", "length")),
    *_cuts("cut-answer", "answer", ANSWERS, _ENDS, at="40%"),
    Case("replace", {"replace": {"json": {}}}, ANSWERS),
    # Streams that break
    *_cuts("cut-0", "stream", STREAMS, _ENDS, at=0),
    *_cuts("cut-3", "stream", STREAMS, _ENDS, at=3),
    *_cuts("cut-half", "stream", STREAMS, ("truncate", "close"), at="50%"),
    *_cuts("cut-characters", "stream", STREAMS, ("truncate", "close"), at="10c"),
    *_cuts("cut-event", "stream", STREAMS, ("truncate", "close"), inside="event", at=3),
    *_cuts("cut-utf8", "stream", STREAMS, ("truncate", "close"), inside="utf8"),
    *_cuts("cut-tool", "tools", STREAMS, ("truncate", "close", "reset"), inside="tool_arguments"),
    *_cuts("cut-usage", "stream", STREAMS, ("truncate", "close"), before="usage"),
    *_cuts("cut-end", "stream", STREAMS, ("truncate", "close"), before="end"),
    *(
        Case(
            f"error-event-{preset}-{after}",
            {"error_event": {"preset": preset, "after": after}},
            STREAMS,
            "stream",
        )
        for preset, after in (("overloaded", 0), ("overloaded", 3), ("rate_limit", 3))
    ),
    *(_corrupt(what, STREAMS, "stream") for what in ("json", "utf8", "chunk", "length", "crc")),
    # Streams that are only odd
    Case("delay", {"delay": {"before": "200ms", "between": "10ms"}}, ODD, "stream"),
    Case("pace", {"pace": {"ttft": "200ms", "tps": 50}}, ODD, "stream"),
    Case("throttle", {"throttle": "20kB/s"}, ODD, "stream"),
    Case("drop-1", {"drop": {"events": [1]}}, ODD, "stream"),
    Case("drop-4", {"drop": {"events": [4]}}, ODD, "stream"),
    Case("duplicate", {"duplicate": {"events": [4]}}, ODD, "stream"),
    Case("reorder", {"reorder": {"events": [4, 5]}}, ODD, "stream"),
    # Below HTTP
    Case("timeout", "timeout", BELOW, timeout_s=_HANGS_S, may_hang=True),
    Case("connection_reset", "connection_reset", BELOW),
    Case("connection_refused", "connection_refused", BELOW, own_server=True),
    Case("tls_error", "tls_error", BELOW, own_server=True),
    _early("reset_early"),
    _early("expired_certificate"),
    _early("wrong_host"),
)
