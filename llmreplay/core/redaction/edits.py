"""Changes to bytes by place, also where the bytes are in pieces or a text is joined from some."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmreplay.core.redaction.leaves import SEPARATOR

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from llmreplay.core.redaction.leaves import Piece


__all__ = ["Edit", "Joined", "applied"]


@dataclass(frozen=True, slots=True)
class Edit:
    """What is at `start` to `end` becomes `text`."""

    start: int
    end: int
    text: bytes


class Joined:
    """Texts put together from pieces of `source`, one text a group, and the way back."""

    def __init__(self, source: bytes, groups: Iterable[Sequence[Piece]]) -> None:
        parts: list[bytes] = []
        self._starts: list[int] = []
        self._pieces: list[Piece] = []
        at = 0
        for group in groups:
            texts = [source[start:end] for start, end in group]
            for piece, text in zip(group, texts, strict=True):
                self._starts.append(at)
                self._pieces.append(piece)
                at += len(text)
            parts += [*texts, SEPARATOR]
            at += len(SEPARATOR)
        self.text = b"".join(parts)

    def places(self, start: int, end: int) -> tuple[Piece, ...]:
        """Where in the source `start` to `end` of the text is; at least one place."""
        places: list[Piece] = []
        number = bisect_right(self._starts, start) - 1
        while number < len(self._starts) and self._starts[number] < end:
            first, last = self._pieces[number]
            offset = first - self._starts[number]
            place = max(first, start + offset), min(last, end + offset)
            if place[0] < place[1]:
                places.append(place)
            number += 1
        return tuple(places)


def applied(pieces: Iterable[bytes], edits: Iterable[Edit]) -> list[bytes]:
    """`pieces` after `edits`, whose places count from the start of the first piece.

    Edits do not overlap. One that spans several pieces puts its text into the first.
    """
    left = sorted(edits, key=lambda edit: edit.start, reverse=True)
    changed: list[bytes] = []
    begin = 0
    for piece in pieces:
        end = begin + len(piece)
        parts: list[bytes] = []
        at = begin
        while left and left[-1].start < end:
            edit = left[-1]
            parts.append(piece[at - begin : max(edit.start, begin) - begin])
            if edit.start >= begin:
                parts.append(edit.text)
            at = min(edit.end, end)
            if edit.end > end:
                break
            left.pop()
        parts.append(piece[at - begin :])
        changed.append(b"".join(parts))
        begin = end
    return changed
