"""`cut`: the answer ends at a point, in one of four ways. What came before it is untouched."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

from llmreplay.core.exchange import Ending
from llmreplay.core.faults.fault import Fault
from llmreplay.core.faults.points import Amount
from llmreplay.core.faults.stage import End, Piece, Stage
from llmreplay.core.plan import Wire
from llmreplay.core.streams import Event

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmreplay.core.dialect import Dialect
    from llmreplay.core.faults.fault import Firing
    from llmreplay.core.faults.points import Point

__all__ = ["Cut", "How"]


class How(StrEnum):
    """How a cut answer ends."""

    TRUNCATE = "truncate"
    """Cleanly, as if that were all."""
    CLOSE = "close"
    """The connection is closed, the last chunk or the rest of the length missing."""
    RESET = "reset"
    """RST."""
    STALL = "stall"
    """Nothing more comes, and the connection stays."""


_ENDS = {
    How.TRUNCATE: End(),
    How.CLOSE: End(Ending.TRUNCATED),
    How.RESET: End(Ending.RESET),
    How.STALL: End(wire=Wire.STALL),
}


@dataclass(frozen=True, slots=True)
class Cut(Fault):
    """Ends the answer at `point`."""

    point: Point = Amount(0)  # noqa: RUF009  # frozen
    how: How = How.CLOSE
    kind: ClassVar[str] = "cut"

    def begin(self, firing: Firing) -> Stage:
        """See `Fault`."""
        return _Cutting(self, firing.asked.dialect)

    def __str__(self) -> str:
        return f"cut {self.point}, {self.how}"


class _Cutting(Stage):
    def __init__(self, cut: Cut, dialect: Dialect) -> None:
        self.needs_total = cut.point.needs_total
        self._end = _ENDS[cut.how]
        self._seeker = cut.point.seeker(dialect, self)

    def feed(self, piece: Piece) -> Iterable[Piece]:
        at = self._seeker.offset(piece.event)
        if at is None:
            return (piece,)
        self.end = self._end
        return (piece,) if at == len(piece.raw) else (Piece(Event(piece.raw[:at]), piece.at_ms),)

    def finish(self) -> Iterable[Piece]:
        if self._seeker.is_at_start:
            self.end = self._end
        else:
            self.missing = self._seeker.missing
        return ()
