"""`delay`: the answer begins later, and every event comes later after the one before."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from llmreplay.core.faults.chance import SPREADS, fraction
from llmreplay.core.faults.fault import Fault
from llmreplay.core.faults.stage import Opening, Piece, Stage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmreplay.core.faults.fault import Firing

__all__ = ["Delay"]


@dataclass(frozen=True, slots=True)
class Delay(Fault):
    """`before` the first byte, and `between` every two events; both may jitter."""

    before_ms: float = 0.0
    between_ms: float = 0.0
    jitter_ms: float = 0.0
    distribution: str = "uniform"
    kind: ClassVar[str] = "delay"

    def begin(self, firing: Firing) -> Stage:
        """See `Fault`."""
        return _Delaying(self, firing.key)

    def __str__(self) -> str:
        parts = [
            f"{name} {value:g}ms"
            for name, value in (
                ("before", self.before_ms),
                ("between", self.between_ms),
                ("jitter", self.jitter_ms),
            )
            if value
        ]
        return f"delay {', '.join(parts)}"


class _Delaying(Stage):
    def __init__(self, delay: Delay, key: bytes) -> None:
        self._delay = delay
        self._key = key
        self._place = 0
        self._late_ms = self._wait(delay.before_ms)
        self._last_ms = 0.0

    def open(self, opening: Opening) -> Opening:
        return replace(opening, held_ms=opening.held_ms + self._late_ms)

    def feed(self, piece: Piece) -> Iterable[Piece]:
        if self._place:
            self._late_ms += self._wait(self._delay.between_ms)
        self._place += 1
        self._last_ms = max(self._last_ms, piece.at_ms + self._late_ms)
        return (replace(piece, at_ms=self._last_ms),)

    def _wait(self, mean_ms: float) -> float:
        """One wait; where there is nothing to wait for, nothing jitters either."""
        delay = self._delay
        if not mean_ms or not delay.jitter_ms:
            return mean_ms
        even = fraction(self._key, self._place)
        return max(0.0, SPREADS[delay.distribution](mean_ms, delay.jitter_ms, even))
