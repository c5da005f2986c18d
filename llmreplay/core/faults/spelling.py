"""Where a meaning stands in the bytes of an event: which of them spell its text.

No dialect tells places, only what an event says. So the strings in its JSON are tried: the ones
that change what the dialect reads, when they are changed, are those that it reads.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import orjson

from llmreplay.core.streams import Event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["character_end", "inside_string", "spelled"]

_STRING = re.compile(rb'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_CHARACTER = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\."
    rb"|[\x00-\x7f]|[\xc0-\xff][\x80-\xbf]*"
)
_OTHER = "‡†‡"  # what no provider says


def spelled(event: Event, read: Callable[[Event], str]) -> tuple[tuple[int, int], ...]:
    """The places in `event.raw` of the strings that `read` reads, without their quotes.

    None where they do not make up what it reads: then its text is not spelled out there.
    """
    data, said = event.data, read(event)
    at = event.raw.find(data) if data else -1
    if data is None or at < 0 or not said:
        return ()
    places, found = [], ""
    for start, end in _strings(data):
        text = _decoded(data[start:end])
        is_next = bool(text) and said.startswith(text, len(found))
        if is_next and _OTHER in read(_changed(event, data, start, end)):
            places.append((at + start, at + end))
            found += text
    return tuple(places) if found == said else ()


def character_end(event: Event, read: Callable[[Event], str], count: int) -> int | None:
    """The place in `event.raw` behind the first `count` characters that `read` reads, or None."""
    for start, end in spelled(event, read):
        for character in _CHARACTER.finditer(event.raw, start, end):
            count -= 1
            if count == 0:
                return character.end()
    return None


def inside_string(event: Event, read: Callable[[Event], str]) -> int | None:
    """The place in `event.raw` where a string begins, the first that is read.

    For a meaning that is an object and not a text: it has strings, keys among them.
    """
    data = event.data or b""
    at = event.raw.find(data)
    for start, end in _strings(data) if at >= 0 else ():
        if _OTHER in read(_changed(event, data, start, end)):
            return at + start
    return None


def _strings(data: bytes) -> Iterator[tuple[int, int]]:
    for found in _STRING.finditer(data):
        yield found.start(1), found.end(1)


def _changed(event: Event, data: bytes, start: int, end: int) -> Event:
    return Event(b"", data[:start] + _OTHER.encode() + data[end:], event.name)


def _decoded(literal: bytes) -> str:
    try:
        text = orjson.loads(b'"' + literal + b'"')
    except orjson.JSONDecodeError:
        return ""
    return str(text)
