"""Newline-delimited JSON: a line, an event. Blank lines are pieces without data."""

from __future__ import annotations

from llmreplay.core.streams.event import Event

__all__ = ["NdjsonParser"]


class NdjsonParser:
    """A `Parser` of lines that end in LF or CRLF; what the lines say is not looked at."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def feed(self, data: bytes) -> list[Event]:
        """The lines that `data` completes."""
        pending = self._pending
        search_from = len(pending)
        pending += data
        start = 0
        events: list[Event] = []
        while (end := pending.find(b"\n", search_from) + 1) > 0:
            events.append(_event(bytes(pending[start:end])))
            start = search_from = end
        del pending[:start]
        return events

    def finish(self) -> list[Event]:
        """The last line, if it has no end."""
        rest = bytes(self._pending)
        self._pending.clear()
        return [_event(rest)] if rest else []


def _event(raw: bytes) -> Event:
    return Event(raw, raw.strip() or None)
