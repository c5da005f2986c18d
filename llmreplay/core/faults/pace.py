"""`pace`: the answer comes at a speed of its own, whatever was recorded.

Events are due at absolute times, so waits do not add up. A live answer cannot come before it is
there; then it is as late as it came.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from llmreplay.core.faults.chance import fraction
from llmreplay.core.faults.fault import Fault
from llmreplay.core.faults.stage import Opening, Piece, Stage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmreplay.core.faults.fault import Firing

__all__ = ["Pace"]


@dataclass(frozen=True, slots=True)
class Pace(Fault):
    """The first event after `ttft_ms`, then `tps` events a second; None brings all at once."""

    ttft_ms: float = 0.0
    tps: float | None = None
    jitter_ms: float = 0.0
    kind: ClassVar[str] = "pace"

    def begin(self, firing: Firing) -> Stage:
        """See `Fault`."""
        return _Pacing(self, firing.key)

    def __str__(self) -> str:
        parts = [f"ttft {self.ttft_ms:g}ms"] if self.ttft_ms else []
        if self.tps is not None:
            parts.append(f"{self.tps:g} events a second")
        if self.jitter_ms:
            parts.append(f"jitter {self.jitter_ms:g}ms")
        return f"pace {', '.join(parts)}"


class _Pacing(Stage):
    def __init__(self, pace: Pace, key: bytes) -> None:
        self._pace = pace
        self._key = key
        self._place = 0
        self._start_ms = 0.0
        self._last_ms = 0.0
        self._live = False

    def open(self, opening: Opening) -> Opening:
        self._start_ms = opening.held_ms + self._pace.ttft_ms
        self._live = opening.live
        return replace(opening, held_ms=self._start_ms)

    def feed(self, piece: Piece) -> Iterable[Piece]:
        pace = self._pace
        due_ms = self._start_ms + (self._place * 1000 / pace.tps if pace.tps else 0.0)
        if pace.jitter_ms:
            due_ms += (2 * fraction(self._key, self._place) - 1) * pace.jitter_ms
        self._place += 1
        self._last_ms = max(self._last_ms, due_ms, piece.at_ms if self._live else 0.0)
        return (replace(piece, at_ms=self._last_ms),)
