"""`drop`: some events never come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from llmreplay.core.faults.fault import Fault
from llmreplay.core.faults.numbered import Numbered

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmreplay.core.faults.fault import Firing
    from llmreplay.core.faults.stage import Piece, Stage

__all__ = ["Drop"]


@dataclass(frozen=True, slots=True)
class Drop(Fault):
    """Leaves out the events with these numbers, counted from 1."""

    events: tuple[int, ...]
    kind: ClassVar[str] = "drop"

    def begin(self, firing: Firing) -> Stage:  # noqa: ARG002  # `Fault`'s signature
        """See `Fault`."""
        return _Dropping(self.events)

    def __str__(self) -> str:
        return f"drop events {', '.join(map(str, self.events))}"


class _Dropping(Numbered):
    def feed(self, piece: Piece) -> Iterable[Piece]:
        return () if self.is_meant(piece) else (piece,)
