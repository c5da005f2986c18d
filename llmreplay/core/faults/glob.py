"""Patterns with `*`, which stands for any text, also none. Linear in the text, whatever it is."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Glob"]


@dataclass(frozen=True, slots=True)
class Glob:
    """A pattern that a whole text matches or does not."""

    pattern: str
    pieces: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "pieces", tuple(self.pattern.split("*")))

    def matches(self, text: str) -> bool:
        """Whether all of `text` is as the pattern says."""
        pieces = self.pieces
        first = pieces[0]
        if len(pieces) == 1:
            return text == first
        if not text.startswith(first) or not text.endswith(pieces[-1]):
            return False
        position, end = len(first), len(text) - len(pieces[-1])
        if position > end:
            return False
        for piece in pieces[1:-1]:
            position = text.find(piece, position, end)
            if position < 0:
                return False
            position += len(piece)
        return True
