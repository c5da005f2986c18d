"""Points in an answer: after so many events, bytes or characters, at a part of it, at a meaning.

A `Point` is a value, as written; `seeker` begins to look for it in one answer. Cutting, breaking
and errors in the middle of a stream share them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

import orjson

from llmreplay.core.faults.spelling import character_end, inside_string
from llmreplay.core.streams.event_stream import begins_frame

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmreplay.core.dialect import Dialect
    from llmreplay.core.faults.stage import Stage
    from llmreplay.core.streams import Event

__all__ = [
    "Ahead",
    "Amount",
    "Before",
    "Inside",
    "Place",
    "Point",
    "Seeker",
    "Unit",
    "parse_amount",
]


class Seeker(Protocol):
    """Looks for one point in one answer, event by event."""

    def offset(self, event: Event) -> int | None:
        """Where in `event.raw` the point is, from 0 to its length; None if it is not there."""
        ...

    @property
    def is_at_start(self) -> bool:
        """Whether an answer without any event has the point."""
        ...

    @property
    def missing(self) -> str:
        """Why an answer that has ended had no such point."""
        ...


class Point(Protocol):
    """A point, as written. Its text (`str`) says which, after "cut …"."""

    @property
    def needs_total(self) -> bool:
        """Whether it depends on the length of the body."""
        ...

    def seeker(self, dialect: Dialect, stage: Stage) -> Seeker:
        """What looks for it in the answer that `stage` works on."""
        ...


class Unit(StrEnum):
    """What an amount counts."""

    EVENTS = "events"
    BYTES = "bytes"
    PER_CENT = "per cent"
    CHARACTERS = "characters"


@dataclass(frozen=True, slots=True)
class Amount:
    """After so many events, bytes, characters of text, or so much of the body's bytes."""

    count: float
    unit: Unit = Unit.EVENTS

    @property
    def needs_total(self) -> bool:
        """Whether it is a part of the whole."""
        return self.unit is Unit.PER_CENT

    def seeker(self, dialect: Dialect, stage: Stage) -> Seeker:
        """See `Point`."""
        match self.unit:
            case Unit.EVENTS:
                return _AfterEvents(int(self.count))
            case Unit.BYTES:
                return _AfterBytes(lambda: int(self.count))
            case Unit.PER_CENT:
                return _AfterBytes(lambda: int((stage.total_bytes or 0) * self.count // 100))
            case Unit.CHARACTERS:  # pragma: no branch  # there is no fifth
                return _AfterCharacters(int(self.count), dialect)

    def __str__(self) -> str:
        if self.unit is Unit.PER_CENT:
            return f"at {self.count:g} %"
        unit = "characters of text" if self.unit is Unit.CHARACTERS else self.unit.value
        return f"after {self.count:g} {unit.removesuffix('s') if self.count == 1 else unit}"


class _AfterEvents:
    def __init__(self, count: int) -> None:
        self.is_at_start = count == 0
        self._count = count
        self._seen = 0

    def offset(self, event: Event) -> int | None:
        if self._count == 0:
            return 0
        self._seen += event.data is not None
        return len(event.raw) if self._seen == self._count else None

    @property
    def missing(self) -> str:
        return f"the answer has {_counted(self._seen, 'event')}"


class _AfterBytes:
    def __init__(self, count: Callable[[], int]) -> None:
        self._count = count
        self._seen = 0

    @property
    def is_at_start(self) -> bool:
        return self._count() == 0

    def offset(self, event: Event) -> int | None:
        before = self._seen
        self._seen += len(event.raw)
        return self._count() - before if self._seen >= self._count() else None

    @property
    def missing(self) -> str:
        return f"the answer has {_counted(self._seen, 'byte')}"


class _AfterCharacters:
    def __init__(self, count: int, dialect: Dialect) -> None:
        self.is_at_start = count == 0
        self._count = count
        self._dialect = dialect
        self._seen = 0
        self._unspelled = False

    def offset(self, event: Event) -> int | None:
        if self._count == 0:
            return 0
        if self._unspelled:
            return None
        said, before = len(self._dialect.event_text(event)), self._seen
        self._seen += said
        if self._seen < self._count:
            return None
        if self._seen == self._count and _is_delta(event):
            return len(event.raw)
        found = character_end(event, self._dialect.event_text, self._count - before)
        self._unspelled = found is None
        return found

    @property
    def missing(self) -> str:
        if self._unspelled:
            return f"character {self._count} is not spelled out in the bytes of its event"
        if not self._seen:
            return f"no text is known in it (dialect {self._dialect.name})"
        return f"the answer has {_counted(self._seen, 'character')} of text"


def _is_delta(event: Event) -> bool:
    """Whether it is an event of a stream and not all of a body."""
    return event.raw != event.data


class Place(StrEnum):
    """A meaning that can be cut in two."""

    TOOL_ARGUMENTS = "tool_arguments"
    UTF8 = "utf8"
    EVENT = "event"


@dataclass(frozen=True, slots=True)
class Inside:
    """In the middle of something: a tool call's arguments, a character, an event.

    The event is the one after `after` others.
    """

    place: Place
    after: int = 0
    needs_total = False

    def seeker(self, dialect: Dialect, stage: Stage) -> Seeker:  # noqa: ARG002  # `Point`'s signature
        """See `Point`."""
        match self.place:
            case Place.TOOL_ARGUMENTS:
                return _InArguments(dialect)
            case Place.UTF8:
                return _InCharacter()
            case Place.EVENT:  # pragma: no branch  # there is no fourth
                return _InEvent(self.after)

    def __str__(self) -> str:
        after = f" {self.after + 1}" if self.place is Place.EVENT else ""
        return f"inside {self.place}{after}"


class _InArguments:
    """Behind the first piece of arguments; if that may be all there is, in its middle."""

    is_at_start = False

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect

    def offset(self, event: Event) -> int | None:
        said = self._dialect.tool_arguments(event)
        if not said:
            return None
        if _is_delta(event) and said.lstrip().startswith(("{", "[")) and not _is_json(said):
            return len(event.raw)  # more must follow
        read = self._dialect.tool_arguments
        return character_end(event, read, (len(said) + 1) // 2) or inside_string(event, read)

    @property
    def missing(self) -> str:
        return f"no arguments of a tool call are known in it (dialect {self._dialect.name})"


class _InCharacter:
    is_at_start = False
    missing = "no character in it has more than one byte"

    def offset(self, event: Event) -> int | None:
        data = event.data or b""
        at = event.raw.find(data)
        found = _MULTIBYTE.search(event.raw, at, at + len(data)) if at >= 0 else None
        return found.start() + 1 if found else None


class _InEvent:
    is_at_start = False

    def __init__(self, after: int) -> None:
        self._left = after
        self._seen = 0

    def offset(self, event: Event) -> int | None:
        if event.data is None:
            return None
        self._seen += 1
        if self._seen <= self._left:
            return None
        raw = event.raw
        line_end = _LINE_END.search(raw)
        if line_end and line_end.end() < len(raw) and not begins_frame(raw):
            return line_end.end()
        return len(raw) // 2

    @property
    def missing(self) -> str:
        return f"the answer has {_counted(self._seen, 'event')}"


class Ahead(StrEnum):
    """What an answer can end before."""

    USAGE = "usage"
    END = "end"


@dataclass(frozen=True, slots=True)
class Before:
    """Before the event with the final count of tokens, or before the provider's end marker."""

    ahead: Ahead
    needs_total = False

    def seeker(self, dialect: Dialect, stage: Stage) -> Seeker:  # noqa: ARG002  # `Point`'s signature
        """See `Point`."""
        is_there = dialect.has_usage if self.ahead is Ahead.USAGE else dialect.ends_stream
        return _BeforeEvent(is_there, f"no {_AHEAD[self.ahead]} is known in it ({dialect.name})")

    def __str__(self) -> str:
        return f"before {self.ahead}"


class _BeforeEvent:
    is_at_start = False

    def __init__(self, is_there: Callable[[Event], bool], missing: str) -> None:
        self._is_there = is_there
        self.missing = missing

    def offset(self, event: Event) -> int | None:
        return 0 if _is_delta(event) and self._is_there(event) else None


_AHEAD = {Ahead.USAGE: "usage", Ahead.END: "end marker"}
_MULTIBYTE = re.compile(rb"[\xc2-\xf4][\x80-\xbf]")
_LINE_END = re.compile(rb"\r\n|\n|\r")
_AMOUNT = re.compile(r"(\d{1,15}(?:\.\d{1,6})?)\s*(%|B|kB|c)?", re.ASCII)
_ALL = 100


def parse_amount(value: object) -> Amount:
    """`3` (events), `512B`, `2kB`, `40%` or `120c` → an amount. ValueError says what is wrong."""
    found = _AMOUNT.fullmatch(str(value).strip())
    unit = found[2] if found else None
    if found is None or isinstance(value, bool) or (unit != "%" and "." in found[1]):
        raise ValueError(f'"{value}" is no point: write 3 (events), 512B, 40% or 120c (characters)')
    count = float(found[1])
    if unit == "%" and count > _ALL:
        raise ValueError(f'"{value}" is more than all of it')
    if unit == "kB":
        return Amount(count * 1000, Unit.BYTES)
    units = {None: Unit.EVENTS, "B": Unit.BYTES, "%": Unit.PER_CENT, "c": Unit.CHARACTERS}
    return Amount(count, units[unit])


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _is_json(text: str) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True
