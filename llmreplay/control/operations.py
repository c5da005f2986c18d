"""An operation of the control API: method, path, what it takes and gives, and who answers.

One table of these is what requests are routed by and what the OpenAPI document is made of, so
that neither can say what the other does not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import parse_qsl, unquote

import orjson

from llmreplay.control.answers import JSON, Answer, Mistake, ProblemError, Streamed
from llmreplay.core.routing import valid_name

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from llmreplay.core.dialect import Json

__all__ = ["PREFIX", "SESSION_NAME", "Asked", "Operation", "Operations", "Parameter", "Returns"]

PREFIX = "/_llmreplay"

_Schema: TypeAlias = "Mapping[str, Json]"

_MOST_NUMBER = 2**53


@dataclass(frozen=True, slots=True)
class Asked:
    """A request to an operation, read: `names` are from its path, `query` from its parameters."""

    names: Mapping[str, Json] = field(default_factory=dict)
    query: Mapping[str, Json] = field(default_factory=dict)
    body: Json = None
    headers: Mapping[str, str] = field(default_factory=dict)
    """Their names in lower case."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of path or query. `read` makes a value of its text, or raises ValueError."""

    name: str
    told: str
    schema: _Schema
    read: Callable[[str], Json] = str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Returns:
    """What an answer of a status is."""

    told: str
    schema: _Schema | None = None
    media_type: str = JSON


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. `path` is below `/_llmreplay`, with names in braces: `/sessions/{name}`.

    `returns` are the answers it has besides those that all have.
    """

    method: str
    path: str
    told: str
    handle: Callable[[Asked], Awaitable[Answer | Streamed]]
    returns: Mapping[int, Returns]
    parameters: tuple[Parameter, ...] = ()
    takes: _Schema | None = None
    """The schema of its body, if it has one."""
    example: Json = None
    for_all: bool = False
    """Whether it needs no password where there is one."""

    @property
    def steps(self) -> tuple[str, ...]:
        """The path, cut."""
        return tuple(self.path.strip("/").split("/"))

    @property
    def names(self) -> tuple[Parameter, ...]:
        """The parameters in its path."""
        return tuple(one for one in self.parameters if f"{{{one.name}}}" in self.path)

    @property
    def queries(self) -> tuple[Parameter, ...]:
        """Those in its query."""
        return tuple(one for one in self.parameters if f"{{{one.name}}}" not in self.path)

    def asked(
        self, steps: Sequence[str], query: str, body: bytes, headers: Mapping[str, str]
    ) -> Asked:
        """The request as this operation reads it. Raises `ProblemError` for what makes no sense."""
        given = {
            known[1:-1]: step
            for known, step in zip(self.steps, steps, strict=True)
            if known[:1] == "{"
        }
        mistakes: list[Mistake] = []
        names = _read(self.names, given, "path", mistakes)
        asked = _read(self.queries, _query(query, mistakes), "query", mistakes)
        if mistakes:
            raise ProblemError(400, _sentence(mistakes), mistakes)
        return Asked(names, asked, self._body(body), headers)

    def _body(self, body: bytes) -> Json:
        if self.takes is None:
            if body.strip() not in {b"", b"{}", b"null"}:
                raise ProblemError(400, "this takes no body")
            return None
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise ProblemError(400, f"the body is no JSON: {error}") from error


class Operations:
    """All operations, found by method and path."""

    def __init__(self, table: Sequence[Operation]) -> None:
        self.table = tuple(table)

    def find(self, method: str, path: str) -> tuple[Operation, tuple[str, ...]]:
        """The operation for a path (as on the wire, below the prefix), and the path's steps.

        Raises `ProblemError`: 404 for a path that nobody has, 405 for another method.
        """
        steps = tuple(unquote(step) for step in path.removeprefix("/").split("/"))
        found = [one for one in self.table if _fits(one.steps, steps)]
        if len(found) > 1:  # a word in a path goes before a name
            literal = [one for one in found if one.steps == steps]
            found = literal or found
        if not found:
            raise ProblemError(404, f"nothing is here; what is, says {PREFIX}/docs")
        wanted = "GET" if method == "HEAD" else method
        for one in found:
            if one.method == wanted:
                return one, steps
        methods = ", ".join(one.method for one in found)
        raise ProblemError(405, f"here one can {methods}", headers=(("allow", methods),))


def whole_number(least: int, most: int = _MOST_NUMBER) -> Callable[[str], int]:
    """Reads a number between these, or raises ValueError."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and least <= int(text[:20]) <= most):
            raise ValueError(f"this is a whole number from {least} to {most}")
        return int(text)

    return read


def one_of(*words: str) -> Callable[[str], str]:
    """Reads one of these words, or raises ValueError."""

    def read(text: str) -> str:
        if text not in words:
            raise ValueError(f"this is one of {', '.join(words)}")
        return text

    return read


def _session_name(text: str) -> str:
    if not valid_name(text):
        raise ValueError("letters, digits, '.', '_' and '-', up to 128, with no dot first")
    return text


SESSION_NAME = Parameter(
    "name",
    "The session.",
    {"type": "string", "pattern": "^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$"},
    _session_name,
    required=True,
)


def _fits(known: Sequence[str], steps: Sequence[str]) -> bool:
    return len(known) == len(steps) and all(
        one == step or (one[:1] == "{" and step != "")
        for one, step in zip(known, steps, strict=True)
    )


def _query(query: str, mistakes: list[Mistake]) -> dict[str, str]:
    """The query's fields, each once."""
    found: dict[str, str] = {}
    try:
        pairs = parse_qsl(
            query, keep_blank_values=True, errors="strict", max_num_fields=64, strict_parsing=False
        )
    except ValueError:
        mistakes.append(Mistake("query", "this is not percent-encoded UTF-8, or too much of it"))
        return {}
    for name, value in pairs:
        if name in found:
            mistakes.append(Mistake(name, "this is given twice"))
        found[name] = value
    return found


def _read(
    parameters: Sequence[Parameter],
    given: Mapping[str, str],
    where: str,
    mistakes: list[Mistake],
) -> dict[str, Json]:
    by_name = {one.name: one for one in parameters}
    read: dict[str, Json] = {}
    for name, text in given.items():
        known = by_name.get(name)
        if known is None:
            near = get_close_matches(name, by_name, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            mistakes.append(Mistake(name, f"nothing in the {where} is called so{hint}"))
            continue
        try:
            read[name] = known.read(text)
        except ValueError as error:
            mistakes.append(Mistake(name, str(error)))
    mistakes += [
        Mistake(one.name, "this is missing")
        for one in parameters
        if one.required and one.name not in given
    ]
    return read


def _sentence(mistakes: Sequence[Mistake]) -> str:
    return "; ".join(f"{mistake.field}: {mistake.what}" for mistake in mistakes)
