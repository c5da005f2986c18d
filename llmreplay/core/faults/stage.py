"""The way through faults: pieces of an answer go in one by one, and come out changed.

A `Stage` is one fault at work on one answer; a `Chain` is the stages of one request, in the order
written. The same chain works on a recording, where all is known, and on an answer that is still
arriving. Nothing here knows which faults there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmreplay.core.exchange import Ending, Headers
from llmreplay.core.plan import Wire
from llmreplay.core.streams import Framing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from llmreplay.core.streams import Event

__all__ = ["Chain", "End", "Opening", "Piece", "Stage"]


@dataclass(frozen=True, slots=True)
class Opening:
    """How an answer begins.

    `total_bytes` is the length of its body, None while that is not known. `held_ms` is by how much
    faults have put off its start; `live` answers cannot come earlier than they arrive.
    """

    status: int
    reason: str
    headers: Headers
    streamed: bool
    total_bytes: int | None = None
    held_ms: float = 0.0
    live: bool = False


@dataclass(frozen=True, slots=True)
class Piece:
    """An event, or the whole of a body that is no stream, due `at_ms` after the request."""

    event: Event
    at_ms: float

    @property
    def raw(self) -> bytes:
        """Its bytes."""
        return self.event.raw


@dataclass(frozen=True, slots=True)
class End:
    """How an answer ends."""

    ending: Ending = Ending.COMPLETE
    wire: Wire = Wire.SOUND


class Stage:
    """One fault at work on one answer. As it stands, it changes nothing.

    A stage that ends the answer sets `end` and is not fed again. One that finds no place to do
    what it was asked says so in `missing`, at the end.
    """

    end: End | None = None
    missing: str = ""
    framing: Framing = Framing.NONE
    """How the answer falls into events; of a live one only sure once it is fed."""
    total_bytes: int | None = None
    """The length of the body as it would be without faults, once it is known."""
    needs_total = False
    """Whether it can do nothing before the length of the body is known."""
    comes_last = False
    """Whether it is of the wire and not of the answer, and so after all others."""

    def open(self, opening: Opening) -> Opening:
        """Called once, before any piece."""
        return opening

    def feed(self, piece: Piece) -> Iterable[Piece]:
        """What comes of `piece`, now."""
        return (piece,)

    def finish(self) -> Iterable[Piece]:
        """What is left when the answer has ended before this stage ended it."""
        return ()


class Chain:
    """The stages of one request, each fed with what the one before lets through."""

    def __init__(self, stages: Sequence[Stage], opening: Opening, framing: Framing) -> None:
        self._stages = sorted(stages, key=lambda stage: stage.comes_last)
        self.needs_total = any(stage.needs_total for stage in stages)
        self.frame(framing)
        self.measure(opening.total_bytes)
        for stage in self._stages:
            opening = stage.open(opening)
        self.opening = opening
        self.end: End | None = None
        """How the answer ends, once it has."""

    def frame(self, framing: Framing) -> None:
        """Say how the answer falls into events."""
        for stage in self._stages:
            stage.framing = framing

    def measure(self, total_bytes: int | None) -> None:
        """Say how long the body is."""
        for stage in self._stages:
            stage.total_bytes = total_bytes

    def feed(self, piece: Piece) -> list[Piece]:
        """What goes to the client when `piece` has come; nothing once `end` is known."""
        return [] if self.end is not None else self._run(0, [piece], None)

    def finish(self, end: End) -> list[Piece]:
        """What still goes to the client when the answer has ended with `end`."""
        return [] if self.end is not None else self._run(0, [], end)

    def _run(self, place: int, pieces: list[Piece], end: End | None) -> list[Piece]:
        """Feed `pieces` to the stage at `place`, and what it gives to those after it."""
        if place == len(self._stages):
            self.end = end
            return pieces
        stage = self._stages[place]
        passed: list[Piece] = []
        for piece in pieces:
            passed += stage.feed(piece)
            if stage.end is not None:
                break
        if end is not None and stage.end is None:
            passed += stage.finish()
        if end is None and stage.end is not None:
            for earlier in self._stages[:place]:
                earlier.finish()  # what it waited for will not come
        return self._run(place + 1, passed, stage.end or end)
