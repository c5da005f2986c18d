"""Rules: under which conditions, when, and which faults.

A rule is a value; `reading` makes it of what a person wrote, `overlay` asks whether it fires.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import orjson

from llmreplay.core.canonical.paths import compiled_path
from llmreplay.core.faults.glob import Glob
from llmreplay.core.faults.when import ALWAYS, When

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmreplay.core.dialect import Json
    from llmreplay.core.faults.fault import AtConnection, Fault
    from llmreplay.core.faults.request import Arrival, Asked

__all__ = ["ANYWHERE", "Check", "Match", "Rule"]

Globs = tuple[Glob, ...]
"""One of them is to match; none given, anything does."""

Check: TypeAlias = "Callable[[Asked], bool]"


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
        """Whether `asked` is as the conditions say."""
        return all(check(asked) for check in self.checks())

    def checks(self) -> tuple[Check, ...]:
        """The conditions that are given, each as a question; what is dear to know comes last.

        Made once for many requests: with a thousand rules the questions that need not be asked
        are what takes the time.
        """
        return (
            *_texts(self.session, lambda asked: asked.session),
            *_texts(self.upstream, lambda asked: asked.upstream or ""),
            *_texts(self.method, lambda asked: asked.method.upper()),
            *_texts(self.path, lambda asked: asked.path),
            *((lambda asked: asked.stream is self.stream,) if self.stream is not None else ()),
            *_texts(self.model, lambda asked: asked.model),
            *(partial(_has, *condition) for condition in self.headers),
            *(partial(_found, *condition) for condition in self.body),
            *((lambda asked: asked.turn in self.turn,) if self.turn else ()),
            *_texts(self.text, lambda asked: asked.text),
        )

    def may_concern(self, session: str) -> bool:
        """Whether any request of this session could be as the conditions say."""
        return _any(self.session, session)

    def meets(self, arrival: Arrival) -> bool:
        """Whether a connection is as the conditions say."""
        return self.may_concern(arrival.session) and _any(self.upstream, arrival.upstream or "")


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

    @property
    def reminder(self) -> str:
        """What its author may not know: whom it never meets; empty for nearly all."""
        at = self.at_connection
        if at is None or at.can_wait or not (self.match.upstream or self.match.session):
            return ""
        return (
            f'rule "{self.name}" meets clients of the proxy only, and nobody who comes by a base '
            f"URL: {at} happens before a request can say for which upstream or session it is"
        )


def _texts(globs: Globs, fact: Callable[[Asked], str]) -> tuple[Check, ...]:
    if not globs:
        return ()
    if len(globs) == 1:
        matches = globs[0].matches
        return (lambda asked: matches(fact(asked)),)
    return (lambda asked: _any(globs, fact(asked)),)


def _any(globs: Globs, text: str) -> bool:
    return not globs or any(glob.matches(text) for glob in globs)


def _has(name: str, globs: Globs, asked: Asked) -> bool:
    return any(key.lower() == name and _any(globs, value) for key, value in asked.headers)


def _found(path: str, wanted: Json, asked: Asked) -> bool:
    """Whether any of the places that `path` means holds what is wanted."""
    found = (node[key] for node, key in compiled_path(path).select(asked.body))
    return any(_same(value, wanted) for value in found)


def _same(value: Json, wanted: Json) -> bool:
    """A text is a pattern, for texts as they are and for anything else as JSON."""
    if isinstance(wanted, str):
        text = value if isinstance(value, str) else orjson.dumps(value).decode()
        return Glob(wanted).matches(text)
    return type(value) is type(wanted) and bool(value == wanted)
