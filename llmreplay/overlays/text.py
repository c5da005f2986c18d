"""YAML text → plain values and the line of each, safely and within bounds.

No anchors, aliases or tags, nothing deep, no key twice; plain scalars are what JSON would make of
them, so that `no` is a text. `files` calls it.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmreplay.core.faults.reading import Place

__all__ = ["MAX_BYTES", "UnreadableError", "Written", "read_text"]

MAX_BYTES: Final = 2**20
"""An overlay of a thousand rules has a tenth of it."""

_MOST_DEEP = 32
_CONSTANTS: Final = {
    "": None, "~": None, "null": None, "true": True, "false": False,
}  # fmt: skip
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(\.[0-9]{1,17})?([eE][-+]?[0-9]{1,3})?", re.ASCII)


class UnreadableError(ValueError):
    """Text that gives no value, and its line, from 1."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Written:
    """A value as it was written, and on which line each place in it begins."""

    value: Any
    lines: dict[Place, int]

    def line_of(self, place: Place) -> int:
        """The line of a place, or of the nearest one above it that is there."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)


def read_text(data: bytes) -> Written:
    """The one document in `data`. Raises UnreadableError if it is none."""
    if len(data) > MAX_BYTES:
        raise UnreadableError(1, "over 1 MiB; is it an overlay?")
    lines: dict[Place, int] = {}
    try:
        events = iter(yaml.parse(data, Loader=yaml.CSafeLoader))
        value = _Builder(events, lines).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise UnreadableError(mark.line + 1 if mark else 1, f"no YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        reason = str(error).partition("\n")[0]
        line = data.count(b"\n", 0, getattr(error, "position", 0)) + 1
        raise UnreadableError(line, f"no YAML: {reason}") from error
    return Written(value, lines)


class _Builder:
    """Makes the value, event by event."""

    def __init__(self, events: Iterator[Any], lines: dict[Place, int]) -> None:
        self._events = events
        self._lines = lines

    def document(self) -> Any:  # noqa: ANN401  # whatever stands there
        next(self._events)  # the stream's start
        if not isinstance(next(self._events), yaml.DocumentStartEvent):
            return None
        value = self._value(next(self._events), ())
        next(self._events)  # the document's end
        event = next(self._events)
        if not isinstance(event, yaml.StreamEndEvent):
            raise UnreadableError(_line(event), "a second document begins here; write another file")
        return value

    def _value(self, event: Any, place: Place) -> Any:  # noqa: ANN401  # untyped events
        self._lines.setdefault(place, _line(event))
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise UnreadableError(_line(event), "anchors and aliases are not read; write it out")
        if event.tag not in {None, "!"}:
            raise UnreadableError(_line(event), f"the tag {event.tag!r} is not read; take it out")
        if isinstance(event, yaml.ScalarEvent):
            return event.value if event.style or event.tag else _plain(event.value)
        if len(place) > _MOST_DEEP:
            raise UnreadableError(_line(event), f"nested more than {_MOST_DEEP} deep")
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(place)
        return self._sequence(place)

    def _sequence(self, place: Place) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._value(event, (*place, len(items))))
        return items

    def _mapping(self, place: Place) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise UnreadableError(_line(event), "a key that is no text")
            key = event.value
            if key in mapping:
                raise UnreadableError(_line(event), f'"{key}" stands here twice')
            self._lines[(*place, key)] = _line(event)
            mapping[key] = self._value(next(self._events), (*place, key))
        return mapping


def _plain(text: str) -> str | int | float | bool | None:
    """What JSON would make of a plain scalar; text, if nothing."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    number = _NUMBER.fullmatch(text)
    if number is None:
        return text
    if number[1] is None and number[2] is None:
        return int(text)
    value = float(text)
    return value if math.isfinite(value) else text


def _line(event: Any) -> int:  # noqa: ANN401  # untyped events
    return int(event.start_mark.line) + 1
