"""Server-sent events, as the WHATWG HTML standard (section 9.2) parses them.

An event ends with its blank line and is given at that byte, never one later. Comments and
blank lines with no event are pieces of their own or lead the next event, by the bytes alone.
One departure from the standard: an event that the body's end cuts short is given, not
dropped, because providers do leave out the last blank line and SDKs read the event.
"""

from __future__ import annotations

import re

from llmreplay.core.streams.event import Event

__all__ = ["BOM", "SseParser", "field_of"]

BOM = b"\xef\xbb\xbf"

# A line's end and the blank line after it. After a bare CR the blank line is taken to be a bare
# CR too, so that nothing waits; should an LF follow after all, it leads the next piece.
# Only a CR after an LF waits for one more byte: CRLF streams end every event so.
_BLANK_LINE = re.compile(rb"\n\n|\n\r\n|\n\r(?=[^\n])|\r\r")
_LONGEST_UNDECIDED = 2


class SseParser:
    """A `Parser` of server-sent events."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._first = True

    def feed(self, data: bytes) -> list[Event]:
        """The events whose blank line `data` completes."""
        events: list[Event] = []
        pending = self._pending
        search_from = max(0, len(pending) - _LONGEST_UNDECIDED)
        pending += data
        start = 0
        while (end := _end_of_event(pending, search_from)) is not None:
            events.append(self._event(bytes(pending[start:end])))
            start = search_from = end
        del pending[:start]
        return events

    def finish(self) -> list[Event]:
        """The rest as one event, if there is any."""
        rest = bytes(self._pending)
        self._pending.clear()
        return [self._event(rest)] if rest else []

    def _event(self, raw: bytes) -> Event:
        if raw.startswith(b"data: ") and raw.find(b"\n") == len(raw) - 2 and b"\r" not in raw:
            self._first = False  # nine of ten events are one line of data
            return Event(raw, raw[6:-2])
        skip = len(BOM) if self._first and raw.startswith(BOM) else 0
        self._first = False
        data: list[bytes] = []
        name = b""
        for line in raw[skip:].splitlines():
            field, value = field_of(line)
            if field == b"data":
                data.append(value)
            elif field == b"event":
                name = value
        if not data:
            return Event(raw)
        return Event(raw, b"\n".join(data), name.decode("utf-8", "replace"))


def field_of(line: bytes) -> tuple[bytes, bytes]:
    """A line without its end → name and value of its field; a comment's name is empty."""
    name, _, value = line.partition(b":")
    return name, value.removeprefix(b" ")


def _end_of_event(pending: bytearray, start: int) -> int | None:
    # A match object would pin the bytearray, hence only the number leaves here.
    found = _BLANK_LINE.search(pending, start)
    return found.end() if found else None
