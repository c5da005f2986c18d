"""`duplicate`: some events come twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from llmreplay.core.faults.fault import Fault
from llmreplay.core.faults.numbered import Numbered

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmreplay.core.faults.fault import Firing
    from llmreplay.core.faults.stage import Piece, Stage

__all__ = ["Duplicate"]


@dataclass(frozen=True, slots=True)
class Duplicate(Fault):
    """Sends the events with these numbers, counted from 1, twice in a row."""

    events: tuple[int, ...]
    kind: ClassVar[str] = "duplicate"

    def begin(self, firing: Firing) -> Stage:  # noqa: ARG002  # `Fault`'s signature
        """See `Fault`."""
        return _Duplicating(self.events)

    def __str__(self) -> str:
        return f"duplicate events {', '.join(map(str, self.events))}"


class _Duplicating(Numbered):
    def feed(self, piece: Piece) -> Iterable[Piece]:
        return (piece, piece) if self.is_meant(piece) else (piece,)
