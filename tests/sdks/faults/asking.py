"""One question to one SDK, and what came of it, as plain JSON.

Each SDK's module enters functions here that ask as any program would and give what they hear,
bit by bit. It knows no SDK and nothing of faults.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["CLIENTS", "PROMPT", "TOOL", "Heard", "Job", "Part", "client", "run"]

PROMPT = "When does the tide come in?"
TOOL: dict[str, Any] = {
    "name": "get_tide",
    "description": "When the tide comes in.",
    "schema": {
        "type": "object",
        "properties": {"harbour": {"type": "string"}, "day": {"type": "string"}},
        "required": ["harbour"],
    },
}

Part = tuple[str, str]
"""What is heard: `text`, `arguments`, `usage`, or a `note` of something odd; and what it says."""


@dataclass(frozen=True, slots=True)
class Job:
    """What to ask, and where. `shape` is answer, stream or tools; `times` how often in a row.

    One that `may_hang` takes no other's turn.
    """

    case: str
    sdk: str
    url: str
    shape: str = "answer"
    timeout_s: float = 20.0
    times: int = 1
    may_hang: bool = False

    @property
    def streams(self) -> bool:
        return self.shape != "answer"

    @property
    def calls(self) -> bool:
        return self.shape == "tools"


@dataclass(slots=True)
class Heard:
    """What a client was given before it ended or raised."""

    text: str = ""
    arguments: str = ""
    pieces: int = 0
    usage: bool = False
    note: str = ""
    error: str = ""
    status: int | None = None
    message: str = ""


CLIENTS: dict[str, Callable[[Job], Iterator[Part]]] = {}


def client(name: str) -> Callable[[Any], Any]:
    """Enters a function in the list."""

    def enter(ask: Callable[[Job], Iterator[Part]]) -> Callable[[Job], Iterator[Part]]:
        CLIENTS[name] = ask
        return ask

    return enter


def run(job: Job) -> Heard:
    """Asks; of several times, the last is told."""
    ask = CLIENTS[job.sdk]
    heard = Heard()
    for _ in range(job.times):
        heard = _listen(ask(job))
    return heard


def _listen(parts: Iterator[Part]) -> Heard:
    heard = Heard()
    try:
        for kind, value in parts:
            if kind == "usage":
                heard.usage = True
            elif kind == "note":
                heard.note = value
            elif value:
                setattr(heard, kind, getattr(heard, kind) + value)
                heard.pieces += 1
    except Exception as error:  # noqa: BLE001  # whatever it is, it is what the user sees
        heard.error = type(error).__name__
        heard.status = _status(error)
        heard.message = " ".join(_message(error).split())
    return heard


def _status(error: Exception) -> int | None:
    response = getattr(error, "response", None)
    if isinstance(response, dict):  # botocore
        found = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    else:
        found = getattr(error, "status_code", None) or getattr(error, "code", None)
    return found if isinstance(found, int) and found > 0 else None


def _message(error: Exception) -> str:
    """The provider's own words where the error has them, else the SDK's."""
    response = getattr(error, "response", None)
    if isinstance(response, dict):  # botocore
        return str(response.get("Error", {}).get("Message", error))
    body = getattr(error, "body", None)
    if isinstance(body, str) and body.startswith("{"):
        with suppress(json.JSONDecodeError):
            body = json.loads(body)
    for _ in range(2):
        if isinstance(body, dict):
            body = body.get("error") or body.get("message")
    said = body if isinstance(body, str) else getattr(error, "message", None)
    return said if isinstance(said, str) and said else str(error)
