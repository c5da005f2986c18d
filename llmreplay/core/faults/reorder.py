"""`reorder`: some events change places."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from llmreplay.core.faults.fault import Fault
from llmreplay.core.faults.numbered import Numbered

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmreplay.core.faults.fault import Firing
    from llmreplay.core.faults.stage import Piece, Stage

__all__ = ["Reorder"]


@dataclass(frozen=True, slots=True)
class Reorder(Fault):
    """The events with these numbers, counted from 1, come in reverse; two change places."""

    events: tuple[int, ...]
    kind: ClassVar[str] = "reorder"

    def begin(self, firing: Firing) -> Stage:  # noqa: ARG002  # `Fault`'s signature
        """See `Fault`."""
        return _Reordering(self.events)

    def __str__(self) -> str:
        return f"reorder events {', '.join(map(str, self.events))}"


class _Reordering(Numbered):
    """Holds what comes from the first of its events to the last."""

    def __init__(self, events: tuple[int, ...]) -> None:
        super().__init__(events)
        self._held: list[Piece] = []
        self._places: list[int] = []

    def feed(self, piece: Piece) -> Iterable[Piece]:
        if self.is_meant(piece):
            self._places.append(len(self._held))
        if not self._places:
            return (piece,)
        self._held.append(piece)
        return () if self.left else self._turned()

    def finish(self) -> Iterable[Piece]:
        super().finish()
        return self._turned()

    def _turned(self) -> list[Piece]:
        """What is held, its events changed over if all of them are there."""
        turned = list(self._held)
        if not self.left:
            for to, of in zip(self._places, reversed(self._places), strict=True):
                turned[to] = self._held[of]
        at_ms = self._held[-1].at_ms if self._held else 0.0
        self._held, self._places = [], []
        return [replace(piece, at_ms=at_ms) for piece in turned]
