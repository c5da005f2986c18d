"""Mistakes in a cassette: where and what, so that a person finds all of them at once."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from collections.abc import Set as AbstractSet

__all__ = ["Mistake", "Place", "keys_at", "unknown_keys"]

_LINE = re.compile(r"""( *)((?:- )*)(?:([^\s:]+|'[^']*'|"[^"]*"):(?=[ ]|$))?""")
_BLOCK = re.compile(r"[|>][0-9+-]*$")

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


def unknown_keys(mapping: Mapping[str, object], known: AbstractSet[str]) -> Iterator[Mistake]:
    """A mistake for each key that is not `known`, with the nearest one that is."""
    if mapping.keys() <= known:
        return
    words = sorted(known)
    for key in mapping:
        if key not in words:
            near = get_close_matches(key, words, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(words)}"
            yield Mistake((key,), f"unknown key {key!r}; {hint}")


def keys_at(text: str, position: int) -> str:
    """The keys under which `position` is in the text of a document, from the outside in."""
    path: list[tuple[int, str]] = []  # the column of each key, and the key
    block: int | None = None  # the column of what a block of text belongs to
    for line in text[: text.find("\n", position)].split("\n"):
        indent, dashes, key = _LINE.match(line).groups()  # type: ignore[union-attr]  # all match
        if block is not None and (not line.strip() or len(indent) > block):
            continue
        column = len(indent) + len(dashes)
        path = [(at, name) for at, name in path if at < column]
        if key:
            path.append((column, key))
        block = (column if key else column - 2) if _BLOCK.search(line) else None
    return ".".join(name for _, name in path) or "its text"
