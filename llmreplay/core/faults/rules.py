"""Rules: under which conditions, when, and which faults.

A rule is a value; `reading` makes it of what a person wrote, `overlay` asks whether it fires.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from llmreplay.core.canonical.paths import compiled_path
from llmreplay.core.faults.glob import Glob
from llmreplay.core.faults.when import ALWAYS, When

if TYPE_CHECKING:
    from llmreplay.core.dialect import Json
    from llmreplay.core.exchange import Headers
    from llmreplay.core.faults.fault import AtConnection, Fault
    from llmreplay.core.faults.request import Arrival, Asked

__all__ = ["ANYWHERE", "Match", "Rule"]

Globs = tuple[Glob, ...]
"""One of them is to match; none given, anything does."""


@dataclass(frozen=True, slots=True)
class Match:
    """The conditions of a rule. All that are given must hold."""

    session: Globs = ()
    upstream: Globs = ()
    method: Globs = ()
    path: Globs = ()
    model: Globs = ()
    stream: bool | None = None
    headers: tuple[tuple[str, Globs], ...] = ()
    turn: tuple[int, ...] = ()
    text: Globs = ()
    body: tuple[tuple[str, Json], ...] = ()

    @property
    def needs_request(self) -> bool:
        """Whether it asks for more than what is known of a connection."""
        return self != Match(session=self.session, upstream=self.upstream)

    def holds(self, asked: Asked) -> bool:
        """Whether `asked` is as the conditions say. What is dear to know is asked last."""
        return (
            _any(self.session, asked.session)
            and _any(self.upstream, asked.upstream or "")
            and _any(self.method, asked.method.upper())
            and _any(self.path, asked.path)
            and (self.stream is None or self.stream == asked.stream)
            and (not self.model or _any(self.model, asked.model))
            and all(_has(asked.headers, name, globs) for name, globs in self.headers)
            and all(_found(asked.body, path, wanted) for path, wanted in self.body)
            and (not self.turn or asked.turn in self.turn)
            and (not self.text or _any(self.text, asked.text))
        )

    def meets(self, arrival: Arrival) -> bool:
        """Whether a connection is as the conditions say."""
        return _any(self.session, arrival.session) and _any(self.upstream, arrival.upstream or "")


ANYWHERE = Match()


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: its name tells it from all others, and chance follows from it and `seed`."""

    name: str
    faults: tuple[Fault, ...]
    match: Match = ANYWHERE
    when: When = ALWAYS
    seed: int = 0

    @property
    def at_connection(self) -> AtConnection | None:
        """What it does to connections; None for a rule about requests."""
        return next((found for fault in self.faults if (found := fault.at_connection)), None)


def _any(globs: Globs, text: str) -> bool:
    return not globs or any(glob.matches(text) for glob in globs)


def _has(headers: Headers, name: str, globs: Globs) -> bool:
    return any(key.lower() == name and _any(globs, value) for key, value in headers)


def _found(body: Json, path: str, wanted: Json) -> bool:
    """Whether any of the places that `path` means holds what is wanted."""
    found = (node[key] for node, key in compiled_path(path).select(body))
    return any(_same(value, wanted) for value in found)


def _same(value: Json, wanted: Json) -> bool:
    """A text is a pattern, for texts as they are and for anything else as JSON."""
    if isinstance(wanted, str):
        text = value if isinstance(value, str) else orjson.dumps(value).decode()
        return Glob(wanted).matches(text)
    return type(value) is type(wanted) and bool(value == wanted)
