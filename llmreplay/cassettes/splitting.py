"""A cassette's bytes → where each document is, without parsing any.

Lines of `---` and `...` in the first column part documents; blocks are indented, so no body can
hold one. What comes after the last `...` and is no comment is a torn tail: an append that was
cut short. What stands in a document is not looked at.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Span", "Spans", "find_conflict", "split_documents"]

_BOM: Final = b"\xef\xbb\xbf"
_MARKER = re.compile(rb"(?:---|\.\.\.)(?=[ \t\r\n]|\Z)")
_CONTENT = re.compile(rb"^[ \t]*[^ \t\r\n#]", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Span:
    """One document: `data[start:end]`. `line`, from 1, is where it starts.

    `lead` is where the document before it ends; comments may stand between.
    """

    lead: int
    start: int
    end: int
    line: int


@dataclass(frozen=True, slots=True)
class Spans:
    """The documents that have an end, and the unfinished one that follows them, if there is."""

    documents: tuple[Span, ...]
    torn: Span | None


def split_documents(data: bytes) -> Spans:
    """Where the documents of `data` are."""
    documents: list[Span] = []
    lead = cursor = len(_BOM) if data.startswith(_BOM) else 0
    start: int | None = None
    line, counted = 1, 0
    for marker, line_end in (*_markers(data), (len(data), len(data))):
        if start is None:
            start = _content(data, cursor, marker)
        is_end = data.startswith(b"...", marker)
        if start is not None:
            line, counted = line + data.count(b"\n", counted, start), start
            span = Span(lead, start, line_end if is_end else marker, line)
            if marker == len(data):
                return Spans(tuple(documents), span)
            documents.append(span)
            lead = span.end
        start = None if is_end else marker
        cursor = line_end
    return Spans(tuple(documents), None)


def find_conflict(data: bytes) -> int | None:
    """The line of the first conflict marker that git left in `data`, or None."""
    for sign in (b"<<<<<<< ", b">>>>>>> "):
        position = 0 if data.startswith(sign) else data.find(b"\n" + sign) + 1
        if position or data.startswith(sign):
            return data.count(b"\n", 0, position) + 1
    return None


def _markers(data: bytes) -> Iterator[tuple[int, int]]:
    """Each line that parts documents: where it is, and where the next line begins."""
    for position in sorted({*_line_starts(data, b"---"), *_line_starts(data, b"...")}):
        if _MARKER.match(data, position):
            line_end = data.find(b"\n", position) + 1
            yield position, line_end or len(data)


def _line_starts(data: bytes, text: bytes) -> Iterator[int]:
    """Where lines begin with `text`. A search for bytes is many times faster than a pattern."""
    start = len(_BOM) if data.startswith(_BOM) else 0
    if data.startswith(text, start):
        yield start
    position = data.find(b"\n" + text, start)
    while position >= 0:
        yield position + 1
        position = data.find(b"\n" + text, position + 1)


def _content(data: bytes, start: int, end: int) -> int | None:
    """Where the first line begins that is neither blank nor a comment, or None."""
    found = _CONTENT.search(data, start, end)
    return found.start() if found else None
