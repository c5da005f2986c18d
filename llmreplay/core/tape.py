"""The tape: recordings in memory, found by fingerprint or by route, and how far each session is.

It decides which recordings a request may get and in which order; what happens after the last
one is `matching`'s. It holds no body: a recording loads its exchange when asked. The cassettes
fill it, sessions read it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from llmreplay.core.canonical import Strictness

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from llmreplay.core.exchange import Exchange
    from llmreplay.core.fingerprint import Fingerprint

__all__ = ["Asked", "Recording", "Sequel", "Tape"]

Route: TypeAlias = tuple[str, str]
"""Method and canonical path."""


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """One recorded exchange, without its bodies.

    `path` is the canonical one. `source` is `cassette#number`. `upstream` is None where it is
    not known: such a recording answers for any. `strictness` is what its cassette asks for.
    `features` may be any sequence of ints; an `array("Q")` is a quarter of a tuple.
    """

    fingerprint: Fingerprint
    features: Sequence[int]
    upstream: str | None
    method: str
    path: str
    source: str
    load: Callable[[], Exchange]
    strictness: Strictness = Strictness.EXACT


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request is looked up by. Sessions keep it for request bytes that come again."""

    fingerprint: Fingerprint
    method: str
    path: str
    upstream: str | None = None


class Sequel:
    """Recordings that answer one after the other, in the order they were added."""

    __slots__ = ("recordings",)

    def __init__(self) -> None:
        self.recordings: list[Recording] = []


class _Shelf:
    """Recordings under one key, all of them and by upstream."""

    __slots__ = ("all", "by_upstream", "mixed")

    def __init__(self) -> None:
        self.all = Sequel()
        self.by_upstream: dict[str, Sequel] = {}
        self.mixed = False


class Tape:
    """Recordings, and a cursor for each session and sequence."""

    def __init__(self) -> None:
        raise NotImplementedError

    def add(self, recording: Recording) -> None:
        """Put `recording` after all that are there."""
        raise NotImplementedError

    def __len__(self) -> int:
        raise NotImplementedError

    def __iter__(self) -> Iterator[Recording]:
        """All recordings, in the order they were added."""
        raise NotImplementedError

    def sequel(self, asked: Asked, strictness: Strictness) -> Sequel | None:
        """The recordings that may answer `asked`, or None."""
        raise NotImplementedError

    def advance(self, session: str, sequel: Sequel) -> int:
        """How many of `sequel` this session was given before; it is one more from now on."""
        raise NotImplementedError

    def forget(self, session: str) -> None:
        """Start `session` anew; nothing of it stays in memory."""
        raise NotImplementedError

    def unused(self, session: str) -> tuple[Recording, ...]:
        """The recordings that `session` was never given, in the order of the tape."""
        raise NotImplementedError
