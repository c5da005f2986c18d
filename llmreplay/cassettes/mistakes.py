"""Mistakes in a cassette: where and what, so that a person finds all of them at once."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["Mistake", "Place", "keys_at", "unknown_keys"]

_KEY = re.compile(r"""( *)((?:- )*)([^\s:]+|'[^']*'|"[^"]*"):(?: |$)""")

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


def keys_at(text: str, position: int) -> str:
    """The keys under which `position` is in the text of a document, from the outside in."""
    *above, line = text[: text.find("\n", position)].split("\n")
    keys: list[str] = []
    column = len(line)
    for each in (line, *reversed(above)):
        found = _KEY.match(each)
        if found is None:
            continue
        indent, dashes, key = len(found[1]), len(found[2]), found[3]
        if indent + dashes < column:
            keys.append(key)
            column = indent + dashes
        if dashes and indent + dashes == column:
            column = indent + 1  # a dash may stand right below the key of its list
    return ".".join(reversed(keys)) or "its text"
