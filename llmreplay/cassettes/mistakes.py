"""Mistakes in a cassette: where and what, so that a person finds all of them at once."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["Mistake", "Place", "unknown_keys"]

Place: TypeAlias = tuple[str | int, ...]
"""Keys and indexes from the top of a document to a value in it."""


class Mistake(ValueError):  # noqa: N818  # gathered as often as raised
    """Something in a document that cannot be meant. The text says what, and what to do."""

    def __init__(self, place: Place, reason: str) -> None:
        super().__init__(reason)
        self.place = place
        self.reason = reason

    def below(self, *place: str | int) -> Mistake:
        """The same, seen from further up."""
        return Mistake((*place, *self.place), self.reason)


def unknown_keys(mapping: Mapping[str, object], known: Iterable[str]) -> Iterator[Mistake]:
    """A mistake for each key that is not `known`, with the nearest one that is."""
    words = sorted(known)
    for key in mapping:
        if key not in words:
            near = get_close_matches(key, words, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(words)}"
            yield Mistake((key,), f"unknown key {key!r}; {hint}")
