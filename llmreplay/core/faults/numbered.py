"""What faults about single events have in common: finding events by their number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmreplay.core.faults.stage import Stage
from llmreplay.core.streams import Framing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmreplay.core.faults.stage import Piece

__all__ = ["Numbered"]


class Numbered(Stage):
    """A stage about the events with some numbers, counted from 1; `left` are those to come."""

    def __init__(self, events: tuple[int, ...]) -> None:
        self.left = set(events)
        self._seen = 0

    def is_meant(self, piece: Piece) -> bool:
        """Whether this is one of its events. To be asked of each piece once."""
        if piece.event.data is None or self.framing is Framing.JSON_ARRAY:
            return False
        self._seen += 1
        if self._seen not in self.left:
            return False
        self.left.discard(self._seen)
        return True

    def finish(self) -> Iterable[Piece]:
        """Says which of its events never came."""
        if self.framing is Framing.JSON_ARRAY:
            self.missing = "the events of a JSON array hang together by its commas"
        elif self.left:
            numbers = ", ".join(map(str, sorted(self.left)))
            self.missing = f"no event {numbers}: the answer had {self._seen}"
        return ()
