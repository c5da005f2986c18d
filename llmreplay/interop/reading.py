"""Reads a recording of any tool: finds its format by its shape, gives exchanges or says why not.

File names mean nothing here: `.yaml` is five formats, and some have no ending at all. Commands
and tests call `read_any`; each format is one module, registered in `FORMATS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from llmreplay.errors import CassetteError, UsageError
from llmreplay.interop import ddjson, govcr, har, httprr, nock, rubyvcr, vcrpy
from llmreplay.interop.assembly import UnplayableError, exchange_of
from llmreplay.interop.field import Field, MisfitError
from llmreplay.interop.not_http import NOT_HTTP
from llmreplay.interop.source import UnreadableError, line_of, parse, read_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from llmreplay.core.exchange import Exchange
    from llmreplay.interop.assembly import Stored

__all__ = ["FORMATS", "Format", "Imported", "Skipped", "read_any"]


@dataclass(frozen=True, slots=True)
class Format:
    """One tool's format. `recognises` looks at the shape alone; `read` gives interactions."""

    name: str
    tool: str
    recognises: Callable[[Field], bool]
    read: Callable[[Field], Iterator[Stored]]


FORMATS: Final = (
    Format("har", "HAR", har.recognises, har.read),
    Format("rubyvcr", "Ruby VCR, R vcr", rubyvcr.recognises, rubyvcr.read),
    Format("nock", "nock", nock.recognises, nock.read),
    Format("ddjson", "ddapm-test-agent", ddjson.recognises, ddjson.read),
    Format("govcr", "go-vcr", govcr.recognises, govcr.read),
    Format("vcrpy", "VCR.py", vcrpy.recognises, vcrpy.read),
)
"""The formats that are documents. httprr, the one that is not, is known by its first line."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """An interaction that cannot be replayed. `number` counts from 1 within the file."""

    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class Imported:
    """What was in a file. The numbers of `exchanges` are those of their interactions."""

    format: str
    exchanges: tuple[Exchange, ...]
    skipped: tuple[Skipped, ...] = ()


def read_any(path: Path) -> Imported:
    """The exchanges in a recording of any known format.

    Raises `UsageError` for a file that cannot be opened, and `CassetteError` (beginning with
    `path:line`) for one that is damaged, of no known format, or of one that holds no HTTP.
    """
    try:
        data = read_bytes(path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    except UnreadableError as error:
        raise CassetteError(f"{path}:{error.line}: {error.reason}") from error
    try:
        return _read(path, data)
    except UnreadableError as error:
        raise CassetteError(f"{path}:{error.line}: {error.reason}") from error
    except MisfitError as error:
        line = line_of(data, error.place)
        raise CassetteError(f"{path}:{line}: {error.reason}") from error


def _read(path: Path, data: bytes) -> Imported:
    if httprr.recognises(data):
        return _imported("httprr", httprr.read(data))
    document = Field(parse(data))
    for other in NOT_HTTP:
        if other.recognises(document):
            raise CassetteError(
                f"{path}:1: a recording of kind {other.name!r}: it holds {other.holds}, "
                "no HTTP that could be replayed; leave it out"
            )
    for candidate in FORMATS:
        if candidate.recognises(document):
            return _imported(candidate.name, candidate.read(document))
    tools = ", ".join(sorted(["httprr", *(candidate.tool for candidate in FORMATS)], key=str.lower))
    raise CassetteError(f"{path}:1: no recording of a known format; these are read: {tools}")


def _imported(name: str, interactions: Iterable[Stored]) -> Imported:
    exchanges: list[Exchange] = []
    skipped: list[Skipped] = []
    for number, stored in enumerate(interactions, start=1):
        try:
            exchanges.append(exchange_of(number, stored))
        except UnplayableError as error:
            skipped.append(Skipped(number, str(error)))
    return Imported(name, tuple(exchanges), tuple(skipped))
