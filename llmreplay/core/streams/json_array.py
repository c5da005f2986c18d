"""A JSON array that arrives element by element, as Gemini streams without `alt=sse`.

An element is given at its last byte (a number or a word: at the byte after it), led by the
bracket, comma and space before it. The elements themselves are not judged.
"""

from __future__ import annotations

import re
from enum import Enum, auto

from llmreplay.core.streams.event import Event

__all__ = ["JsonArrayParser"]

_STRUCTURE = re.compile(rb'["{}\[\],]')
_IN_STRING = re.compile(rb'["\\]')
_NOT_SPACE = re.compile(rb"[^ \t\r\n]")
_OPENING = b"{["
_CLOSING = b"}]"


class _State(Enum):
    BEFORE = auto()
    """Nothing but space so far."""
    INSIDE = auto()
    """Between the outer brackets."""
    AFTER = auto()
    """The array is closed, or there was none: the rest is one piece."""


class JsonArrayParser:
    """A `Parser` of one JSON array. A body that is none is given whole, without data."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._state = _State.BEFORE
        self._scanned = 0  # what of _pending has been looked at
        self._value = 0  # where in _pending the current element may begin
        self._depth = 0  # 0 between elements, more inside one
        self._in_string = False

    def feed(self, data: bytes) -> list[Event]:
        """The elements that `data` completes."""
        self._pending += data
        if self._state is _State.BEFORE:
            self._open()
        events: list[Event] = []
        start = 0
        while self._state is _State.INSIDE and (end := self._next_end()) is not None:
            events.append(self._event(start, end))
            start = self._value = end
        if start:
            del self._pending[:start]
            self._scanned -= start
            self._value = max(0, self._value - start)
        return events

    def finish(self) -> list[Event]:
        """What follows the array, or the rest of a broken one."""
        rest = bytes(self._pending)
        self._pending.clear()
        return [Event(rest)] if rest else []

    def _open(self) -> None:
        at = _find(_NOT_SPACE, self._pending, self._scanned)
        if at is None:
            self._scanned = len(self._pending)
            return
        self._state = _State.INSIDE if self._pending[at] in b"[" else _State.AFTER
        self._scanned = self._value = at + 1

    def _next_end(self) -> int | None:
        """Scans on; the end of the element, or of the closing piece, once it is seen."""
        pending = self._pending
        while True:
            at = _find(_IN_STRING if self._in_string else _STRUCTURE, pending, self._scanned)
            if at is None:
                self._scanned = len(pending)
                return None
            end = self._step(at)
            if self._scanned > len(pending):  # an escape whose second byte is still to come
                self._scanned = at
                return None
            if end is not None:
                return end

    def _step(self, at: int) -> int | None:
        """Takes the one byte at `at` into account; the end of a piece, if it is one."""
        byte = self._pending[at]
        self._scanned = at + 1
        if self._in_string:
            if byte in b"\\":
                self._scanned += 1
                return None
            self._in_string = False
            return at + 1 if self._depth == 0 else None
        if byte in b'"':
            self._in_string = True
        elif self._depth == 0 and byte in b",]":
            return self._between(at)
        elif byte in _OPENING:
            self._depth += 1
        elif byte in _CLOSING:
            self._depth = max(0, self._depth - 1)
            return at + 1 if self._depth == 0 else None
        return None

    def _between(self, at: int) -> int | None:
        """At a comma or the last bracket: ends a bare number or word, else begins anew."""
        if self._pending[self._value : at].strip():
            self._scanned = at
            return at
        if self._pending[at] in b",":
            self._value = at + 1
            return None
        self._state = _State.AFTER
        return at + 1

    def _event(self, start: int, end: int) -> Event:
        raw = bytes(self._pending[start:end])
        if self._state is _State.AFTER:
            return Event(raw)
        return Event(raw, bytes(self._pending[self._value : end]).strip())


def _find(pattern: re.Pattern[bytes], pending: bytearray, start: int) -> int | None:
    # A match object would pin the bytearray, hence only the number leaves here.
    found = pattern.search(pending, start)
    return found.start() if found else None
