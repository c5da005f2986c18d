"""YAML text → plain values, safely and within bounds.

One pass over libyaml's events refuses and builds at once: no anchors, aliases or foreign tags,
nothing deep, nothing endless, no key twice. Loading with `CSafeLoader` instead takes twice as
long after such a pass, dies of a stack overflow without one, and makes booleans and dates of
text. `document` says what the values mean.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llmreplay.cassettes.mistakes import Place

__all__ = [
    "DEFAULT_LIMITS",
    "EXCHANGE",
    "JSON",
    "PART",
    "TEXT",
    "Limits",
    "Shape",
    "UnreadableError",
    "json_scalar",
    "line_of",
    "read_yaml",
]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a cassette may be at most; beyond it, it is refused."""

    max_file_bytes: int = 1 << 30
    max_document_bytes: int = 256 << 20
    max_depth: int = 64
    max_values: int = 5_000_000
    """In one document, keys included."""


DEFAULT_LIMITS: Final = Limits()


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """How the scalars in a value are understood, and with it what its children are.

    `children` are the shapes of the values under some keys, `others` that of all other values,
    this one if None. (An enum would be hashed in Python at each lookup.)
    """

    is_json: bool = False
    children: Mapping[str, Shape] = field(default_factory=dict)
    others: Shape | None = None


TEXT: Final = Shape()
"""Every scalar is the text that stands there: `1.10` and `no` are no number and no boolean."""

JSON: Final = Shape(is_json=True)
"""Plain scalars that JSON would read as number, boolean or null are that."""

_ITEM: Final = Shape(children={"json": JSON}, others=TEXT)
PART: Final = Shape(children={"json": JSON, "multipart": _ITEM, "event_stream": _ITEM}, others=TEXT)
"""A mapping that holds a body: under `json` there is JSON, all the rest is text."""

EXCHANGE: Final = Shape(children={"request": PART, "response": PART}, others=TEXT)
"""A document: request and response are parts."""

_CONSTANTS: Final[Mapping[str, bool | None]] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True,
    "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_NUMBER_START = frozenset("-0123456789")
_TEXT_TAGS: Final = frozenset({"tag:yaml.org,2002:str", "!"})
_TAGS: Final = _TEXT_TAGS | {
    f"tag:yaml.org,2002:{name}" for name in ("int", "float", "bool", "null", "map", "seq")
}


class UnreadableError(ValueError):
    """Text that gives no value. `line` counts from 1 within the text."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line
        self.reason = reason


def read_yaml(data: bytes, shape: Shape, limits: Limits = DEFAULT_LIMITS) -> Any:  # noqa: ANN401
    """The one document in `data` (UTF-8): mappings, lists, strings, numbers, booleans, None.

    Raises:
        UnreadableError: it is not YAML, or YAML that no cassette holds.
    """
    if len(data) > limits.max_document_bytes:
        raise UnreadableError(1, f"larger than {limits.max_document_bytes:,} bytes")
    try:
        return _Builder(data, limits).document(shape)
    except yaml.YAMLError as error:
        raise _unreadable(error, data) from error


def line_of(data: bytes, place: Place) -> int:
    """The line on which the value at `place` begins, or its nearest parent.

    For text that `read_yaml` has read. Costs another pass: for messages only.
    """
    return _Finder(data).line_of(place)


class _Builder:
    """Makes the value of one document, event by event.

    Events have no types of their own in PyYAML's C part. The most frequent case, a scalar in a
    mapping, is dealt with in place: this loop is what a cold start spends its time in.
    """

    def __init__(self, data: bytes, limits: Limits) -> None:
        self._next: Callable[[], Any] = yaml.CSafeLoader(data).get_event
        self._max_depth = limits.max_depth
        self._values_left = limits.max_values

    def document(self, shape: Shape) -> Any:  # noqa: ANN401  # whatever stands there
        self._next()  # the stream's start
        if not isinstance(self._next(), yaml.DocumentStartEvent):
            raise UnreadableError(1, "nothing stands in this document")
        value = self._value(self._next(), shape, 1)
        self._next()  # the document's end
        event = self._next()
        if not isinstance(event, yaml.StreamEndEvent):
            raise UnreadableError(_line(event), "a second document begins without a line of `---`")
        return value

    def _value(self, event: Any, shape: Shape, depth: int) -> Any:  # noqa: ANN401  # untyped events
        if type(event) is yaml.AliasEvent or event.anchor is not None:
            reason = "anchors and aliases are not read; write the value out"
            raise UnreadableError(_line(event), reason)
        if event.tag is not None and event.tag not in _TAGS:
            raise UnreadableError(_line(event), f"the tag {event.tag!r} is not read; take it out")
        if type(event) is yaml.ScalarEvent:
            return _typed(event) if shape.is_json else event.value
        if depth > self._max_depth:
            raise UnreadableError(_line(event), f"nested more than {self._max_depth} deep")
        if type(event) is yaml.MappingStartEvent:
            return self._mapping(shape, depth)
        return self._sequence(shape, depth)

    def _sequence(self, shape: Shape, depth: int) -> list[Any]:
        items = []
        while type(event := self._next()) is not yaml.SequenceEndEvent:
            self._count(event)
            items.append(self._value(event, shape, depth + 1))
        return items

    def _mapping(self, shape: Shape, depth: int) -> dict[str, Any]:
        next_event, children, others = self._next, shape.children, shape.others or shape
        mapping: dict[str, Any] = {}
        while type(event := next_event()) is not yaml.MappingEndEvent:
            self._count(event)
            if type(event) is not yaml.ScalarEvent:
                raise UnreadableError(_line(event), "a key that is no text")
            key = self._value(event, TEXT, depth)
            if key in mapping:
                raise UnreadableError(_line(event), f"the key {key!r} stands here twice")
            mapping[key] = self._value(next_event(), children.get(key, others), depth + 1)
        return mapping

    def _count(self, event: Any) -> None:  # noqa: ANN401  # untyped events
        self._values_left -= 1
        if self._values_left < 0:
            raise UnreadableError(_line(event), "too many values")


class _Finder:
    """Walks the events of a document down to one place."""

    def __init__(self, data: bytes) -> None:
        self._next: Callable[[], Any] = yaml.CSafeLoader(data).get_event

    def line_of(self, place: Place) -> int:
        self._next()  # the stream's start
        self._next()  # the document's
        event = self._next()
        line = _line(event)
        for step in place:
            event = self._child(event, step)
            if event is None:
                break
            line = _line(event)
        return line

    def _child(self, parent: Any, step: str | int) -> Any:  # noqa: ANN401  # untyped events
        """The event that begins the child of `parent` under `step`, or None."""
        if not isinstance(parent, yaml.CollectionStartEvent):
            return None
        position = 0
        while not isinstance(event := self._next(), yaml.CollectionEndEvent):
            if isinstance(parent, yaml.MappingStartEvent):
                key, event = event.value, self._next()
            else:
                key, position = position, position + 1
            if key == step:
                return event
            self._skip(event)
        return None

    def _skip(self, event: Any) -> None:  # noqa: ANN401  # untyped events
        """Pass over the value that `event` begins."""
        depth = 0
        while True:
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth == 0:
                return
            event = self._next()


def json_scalar(text: str) -> str | int | float | bool | None:
    """What a plain scalar is where JSON stands.

    Raises:
        ValueError: a number that JSON may hold and Python may not.
    """
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text[0] not in _NUMBER_START or (number := _NUMBER.fullmatch(text)) is None:
        return text
    if not number[1] and not number[2]:
        return int(text)  # Python reads none of more than 4,300 digits
    value = float(text)
    if math.isinf(value):
        raise ValueError("too large")
    return value


def _typed(event: Any) -> str | int | float | bool | None:  # noqa: ANN401  # untyped events
    """A scalar as JSON would have it: quoted it is text, plain it may be something else."""
    text: str = event.value
    if event.style or event.tag in _TEXT_TAGS:
        return text
    try:
        return json_scalar(text)
    except ValueError as error:
        raise UnreadableError(_line(event), "a number too large to be read") from error


def _unreadable(error: yaml.YAMLError, data: bytes) -> UnreadableError:
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        return UnreadableError(mark.line + 1 if mark else 1, f"not valid YAML: {error.problem}")
    # A byte or character that may not stand in YAML: libyaml gives its offset.
    line = data.count(b"\n", 0, getattr(error, "position", 0)) + 1
    return UnreadableError(line, f"not valid YAML: {str(error).partition(chr(10))[0]}")


def _line(event: Any) -> int:  # noqa: ANN401  # untyped events
    return int(event.start_mark.line) + 1
