"""How rules are written: what each field may hold, as one table for reading and for the schema.

A `Kind` is a sort of value: how it is read (ValueError has a sentence for a person) and what a
JSON Schema says of it. `kinds` makes the tables of these, `reading` and `schema` walk them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import orjson

from llmreplay.core.canonical.paths import compiled_path
from llmreplay.core.faults.glob import Glob
from llmreplay.core.faults.points import parse_amount
from llmreplay.core.timing import parse_duration_ms
from llmreplay.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from enum import StrEnum

    from llmreplay.core.dialect import Json
    from llmreplay.core.exchange import Headers

__all__ = [
    "AMOUNT",
    "BODY",
    "CHANCE",
    "COUNT",
    "COUNTS",
    "DURATION",
    "GLOBS",
    "HEADERS",
    "HEADER_GLOBS",
    "JSON_VALUE",
    "NUMBER",
    "PATHS",
    "RATE",
    "STATUS",
    "SWITCH",
    "TEXT",
    "Field",
    "Form",
    "Kind",
    "nearest",
    "one_of",
]

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """A sort of value."""

    read: Callable[[Json], Any]
    schema: Schema


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its name, what it holds, what it is for, and the argument that it becomes."""

    name: str
    kind: Kind
    told: str
    to: str = ""

    @property
    def argument(self) -> str:
        """What `Form.make` gets it as."""
        return self.to or self.name


@dataclass(frozen=True, slots=True)
class Form:
    """A mapping in a rule: its fields, and what is made of them.

    A value that is no mapping is that of the field `short`. `make` raises ValueError for fields
    that do not go together; those `required` must be there.
    """

    told: str
    fields: tuple[Field, ...]
    make: Callable[..., Any]
    short: str = ""
    required: tuple[str, ...] = ()
    by_name: Mapping[str, Field] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {one.name: one for one in self.fields})


def nearest(word: str, words: Iterable[str]) -> str:
    """`; did you mean "x"?` for the valid word nearest to `word`, else all of them."""
    known = list(words)
    close = get_close_matches(word, known, n=1)
    return f'; did you mean "{close[0]}"?' if close else f"; known are {', '.join(known)}"


def one_of(words: type[StrEnum] | Iterable[str]) -> Kind:
    """One of a few words."""
    known = {str(word): word for word in words}

    def read(value: Json) -> Any:  # noqa: ANN401  # a member, where they are an enumeration's
        if not isinstance(value, str) or value not in known:
            raise ValueError(f'"{_shown(value)}" is no such word{nearest(_shown(value), known)}')
        return known[value]

    return Kind(read, {"enum": [*known]})


def _count(value: Json) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _MOST:
        raise ValueError(f'"{_shown(value)}" is no count: a whole number from 0')
    return value


def _counts(value: Json) -> tuple[int, ...]:
    if not isinstance(value, list):
        return (_positive(value),)
    if not value:
        raise ValueError("the list is empty")
    return tuple(map(_positive, value))


def _positive(value: Json) -> int:
    if value == 0:
        raise ValueError("they are counted from 1")
    return _count(value)


def _number(value: Json) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < _MOST:
        raise ValueError(f'"{_shown(value)}" is no number above 0')
    return float(value)


def _chance(value: Json) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError(f'"{_shown(value)}" is no chance: 0 is never, 1 always, 0.1 one in ten')
    return float(value)


def _duration(value: Json) -> float:
    return parse_duration_ms(_shown(value))


def _status(value: Json) -> int:
    least, most = 200, 999
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ValueError(f'"{_shown(value)}" is no status from {least} to {most}')
    return value


def _switch(value: Json) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f'"{_shown(value)}" is neither true nor false')  # noqa: TRY004  # told as others are
    return value


def _text(value: Json) -> str:
    if isinstance(value, dict | list) or value is None:
        raise ValueError(f'"{_shown(value)}" is no text')
    return _shown(value)


def _rate(value: Json) -> float:
    unit = _shown(value).removesuffix("/s").strip()
    for suffix, factor in (("MB", 1e6), ("kB", 1e3), ("B", 1.0)):
        number = unit.removesuffix(suffix).strip()
        if unit.endswith(suffix) and number.replace(".", "", 1).isdecimal() and float(number):
            return float(number) * factor
    raise ValueError(f'"{_shown(value)}" is no rate: write it as 500B/s or 2kB/s')


def _globs(value: Json) -> tuple[Glob, ...]:
    listed = value if isinstance(value, list) else [value]
    if not listed:
        raise ValueError("the list is empty")
    return tuple(Glob(_text(each)) for each in listed)


def _header_globs(value: Json) -> tuple[tuple[str, tuple[Glob, ...]], ...]:
    return tuple((name.lower(), _globs(wanted)) for name, wanted in _mapping(value).items())


def _headers(value: Json) -> Headers:
    pairs = tuple((name, _text(given)) for name, given in _mapping(value).items())
    wrong = next((name for name, given in pairs if not _is_header(name, given)), None)
    if wrong is not None:
        raise ValueError(f'"{wrong}" cannot be a header: a name, and a value on one line')
    return pairs


def _is_header(name: str, value: str) -> bool:
    is_name = bool(name) and all(one.isalnum() or one in "!#$%&'*+-.^_`|~" for one in name)
    return is_name and name.isascii() and value.isprintable() and value.isascii()


def _paths(value: Json) -> tuple[tuple[str, Json], ...]:
    for path in _mapping(value):
        try:
            compiled_path(path)
        except UsageError as error:
            raise ValueError(str(error).removeprefix("match.ignore: ")) from error
    return tuple(value.items())


def _body(value: Json) -> bytes:
    """A text as it is, anything else as JSON."""
    return value.encode() if isinstance(value, str) else orjson.dumps(value)


def _mapping(value: Json) -> dict[str, Json]:
    if not isinstance(value, dict) or not value:
        raise ValueError(f'"{_shown(value)}" is no mapping of names to values')
    return value


def _shown(value: Json) -> str:
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


_MOST = 10**15
_LONGEST_SHOWN = 80
_STRING: Schema = {"type": "string"}
_ONE_OR_MORE: Schema = {
    "anyOf": [_STRING, {"type": "array", "items": _STRING, "minItems": 1}],
}
_NATURAL: Schema = {"type": "integer", "minimum": 0}
_NUMBERED: Schema = {"type": "integer", "minimum": 1}

AMOUNT = Kind(
    parse_amount,
    {"anyOf": [_NATURAL, {"type": "string", "pattern": r"^\d+(\.\d+)?\s*(%|B|kB|c)?$"}]},
)
BODY = Kind(_body, {})
CHANCE = Kind(_chance, {"type": "number", "minimum": 0, "maximum": 1})
COUNT = Kind(_count, _NATURAL)
COUNTS = Kind(_counts, {"anyOf": [_NUMBERED, {"type": "array", "items": _NUMBERED, "minItems": 1}]})
DURATION = Kind(_duration, {"type": "string", "pattern": r"^\d+(\.\d+)?\s*(ms|s|m|h)$"})
GLOBS = Kind(_globs, _ONE_OR_MORE)
HEADERS = Kind(_headers, {"type": "object", "minProperties": 1})
HEADER_GLOBS = Kind(
    _header_globs,
    {"type": "object", "additionalProperties": _ONE_OR_MORE, "minProperties": 1},
)
JSON_VALUE = Kind(orjson.dumps, {})
NUMBER = Kind(_number, {"type": "number", "exclusiveMinimum": 0})
PATHS = Kind(_paths, {"type": "object", "minProperties": 1})
RATE = Kind(_rate, {"type": "string", "pattern": r"^\d+(\.\d+)?\s*(B|kB|MB)(/s)?$"})
STATUS = Kind(_status, {"type": "integer", "minimum": 200, "maximum": 999})
SWITCH = Kind(_switch, {"type": "boolean"})
TEXT = Kind(_text, {"type": ["string", "number", "boolean"]})
