"""An event of a stream, and what a parser is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

__all__ = ["Event", "Parser"]


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `raw` is every byte of it, separators included.

    `data` is its payload (SSE: the `data:` lines joined by LF; NDJSON: the line; JSON array:
    the element; AWS: the frame's payload), `name` its type where the framing has one (SSE
    `event:`, AWS `:event-type` or `:exception-type`), else "". A piece that is no event of its
    own (comments, blank lines, brackets, an unfinished rest) has `data` None.
    """

    raw: bytes
    data: bytes | None = None
    name: str = ""


class Parser(Protocol):
    """Bytes in, events out."""

    def feed(self, data: bytes) -> list[Event]:
        """The events that `data` completes."""
        ...

    def finish(self) -> list[Event]:
        """What is left at the end of the body: nothing, or one unfinished event."""
        ...
