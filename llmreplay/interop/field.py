"""A value within a document that remembers its place, for messages that name it.

Readers of formats ask it for mappings, items and text; a document of another shape raises
`MisfitError` with the place. It knows neither files nor formats.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

__all__ = ["Field", "MisfitError", "Place"]

Place: TypeAlias = tuple[str | int, ...]
"""Keys and indexes from the top of a document."""


_NUMBER = re.compile(r"[0-9]{1,12}")


class MisfitError(Exception):
    """A document is not what its format says. `place` is where."""

    def __init__(self, place: Place, reason: str) -> None:
        super().__init__(reason)
        self.place = place
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Field:
    """A value and its place.

    `field / "key"` goes down and never fails: what is not there is a field of None, and the
    error is raised where a value is asked of it.
    """

    value: object
    place: Place = ()

    def __truediv__(self, key: str) -> Field:
        value = self.value.get(key) if isinstance(self.value, dict) else None
        return Field(value, (*self.place, key))

    @property
    def keys(self) -> frozenset[str]:
        """The keys of a mapping; of anything else, none."""
        return frozenset(map(str, self.value)) if isinstance(self.value, dict) else frozenset()

    @property
    def present(self) -> bool:
        """Whether there is a value at all."""
        return self.value is not None

    def all_have(self, *keys: str) -> bool:
        """Whether this is a list, not empty, of mappings that have all these keys."""
        if not isinstance(self.value, list) or not self.value:
            return False
        return all(field.keys.issuperset(keys) for field in self.items())

    def items(self) -> list[Field]:
        """The items of a sequence. Raises `MisfitError` for anything else."""
        if not isinstance(self.value, list):
            raise self.misfit("should be a list")
        return [Field(item, (*self.place, index)) for index, item in enumerate(self.value)]

    def entries(self) -> list[tuple[str, Field]]:
        """Keys and fields of a mapping; of an absent one, none."""
        if self.value is None:
            return []
        if not isinstance(self.value, dict):
            raise self.misfit("should be a mapping")
        return [(_text(key), Field(item, (*self.place, key))) for key, item in self.value.items()]

    def text(self) -> str:
        """A scalar as text: numbers and words as YAML writes them, bytes as UTF-8."""
        if self.value is None:
            raise self.misfit("is missing")
        if isinstance(self.value, dict | list):
            raise self.misfit("should be text")
        return _text(self.value)

    def number(self) -> int:
        """A whole number. Raises `MisfitError` for anything else."""
        if isinstance(self.value, int) and not isinstance(self.value, bool):
            return self.value
        if isinstance(self.value, str) and _NUMBER.fullmatch(self.value):
            return int(self.value)
        raise self.misfit("should be a whole number" if self.present else "is missing")

    def misfit(self, reason: str) -> MisfitError:
        """An error that names this place."""
        name = ".".join(map(str, self.place)) or "the document"
        return MisfitError(self.place, f"{name} {reason}")


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
