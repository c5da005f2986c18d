"""Plans: what a client is going to receive, as timed steps and an ending.

A plan is a value. `deliver` plays it on a socket; overlays turn one plan into another.
"""

from __future__ import annotations

from dataclasses import dataclass

from llmreplay.core.exchange import Ending, Headers

__all__ = ["Plan", "Step"]


@dataclass(frozen=True, slots=True)
class Step:
    """Bytes to write, `at_ms` after the start of the answer (absolute, so waits never add up)."""

    at_ms: float
    data: bytes


@dataclass(frozen=True, slots=True)
class Plan:
    """An answer.

    `headers` are the stored ones, without framing; `streamed` answers go out chunked, one HTTP
    chunk a step, others with a content length.
    """

    status: int
    reason: str
    headers: Headers
    steps: tuple[Step, ...]
    streamed: bool = False
    ending: Ending = Ending.COMPLETE

    @property
    def instant(self) -> bool:
        """Whether nothing in it waits."""
        return all(step.at_ms <= 0 for step in self.steps)
