"""The chain: each stage gets what the one before lets through, and the first end ends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmreplay.core.exchange import Ending
from llmreplay.core.faults.stage import Chain, End, Opening, Piece, Stage
from llmreplay.core.streams import Event, Framing

if TYPE_CHECKING:
    from collections.abc import Iterable

OPENING = Opening(200, "OK", (), True, 9)  # noqa: FBT003  # a field
RESET = End(Ending.RESET)


class Held(Stage):
    """Holds all and gives it at the end."""

    def __init__(self) -> None:
        self.held: list[Piece] = []

    def feed(self, piece: Piece) -> Iterable[Piece]:
        self.held.append(piece)
        return ()

    def finish(self) -> Iterable[Piece]:
        return self.held


class EndsAt(Stage):
    """Ends after so many pieces."""

    def __init__(self, count: int) -> None:
        self.count = count

    def feed(self, piece: Piece) -> Iterable[Piece]:
        self.count -= 1
        if self.count == 0:
            self.end = RESET
        return (piece,)


class Last(Stage):
    """Of the wire."""

    comes_last = True

    def feed(self, piece: Piece) -> Iterable[Piece]:
        return (Piece(Event(piece.raw + b"!"), 0),)


def piece(text: bytes) -> Piece:
    return Piece(Event(text), 0)


def run(*stages: Stage, pieces: tuple[bytes, ...] = (b"a", b"b", b"c")) -> tuple[bytes, End | None]:
    chain = Chain(stages, OPENING, Framing.SSE)
    out = [each for one in pieces for each in chain.feed(piece(one))]
    out += chain.finish(End())
    return b"|".join(each.raw for each in out), chain.end


def test_nothing_changes_without_stages_or_by_a_stage_that_does_nothing() -> None:
    assert run() == (b"a|b|c", End())
    assert run(Stage()) == (b"a|b|c", End())


def test_what_is_held_comes_at_the_end() -> None:
    assert run(Held(), Last()) == (b"a!|b!|c!", End())


def test_the_first_end_ends_it() -> None:
    assert run(EndsAt(2), EndsAt(3)) == (b"a|b", RESET)
    assert run(EndsAt(2), Held()) == (b"a|b", RESET)
    assert run(Held(), EndsAt(2)) == (b"a|b", RESET)


def test_stages_before_an_end_are_finished_too() -> None:
    class Told(Stage):
        def finish(self) -> Iterable[Piece]:
            self.missing = "it is over"
            return ()

    told = Told()
    assert run(told, EndsAt(1)) == (b"a", RESET)
    assert told.missing == "it is over"


def test_what_is_of_the_wire_comes_last() -> None:
    assert run(Last(), EndsAt(2)) == (b"a!|b!", RESET)


def test_stages_know_framing_and_length() -> None:
    stage = Stage()
    chain = Chain([stage], OPENING, Framing.SSE)
    assert (stage.framing, stage.total_bytes) == (Framing.SSE, 9)
    chain.frame(Framing.NDJSON)
    chain.measure(3)
    assert (stage.framing, stage.total_bytes) == (Framing.NDJSON, 3)
