"""`throttle`: no more than so many bytes a second.

It is of the wire, and so comes last wherever it is written: events go out in parts, and no other
fault would know them again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from llmreplay.core.faults.fault import Fault
from llmreplay.core.faults.stage import Piece, Stage
from llmreplay.core.streams import Event

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llmreplay.core.faults.fault import Firing

__all__ = ["Throttle"]

_PARTS_A_SECOND = 20


@dataclass(frozen=True, slots=True)
class Throttle(Fault):
    """At most `bytes_per_s`, headers not counted."""

    bytes_per_s: float
    kind: ClassVar[str] = "throttle"

    def begin(self, firing: Firing) -> Stage:  # noqa: ARG002  # `Fault`'s signature
        """See `Fault`."""
        return _Throttling(self.bytes_per_s)

    def __str__(self) -> str:
        return f"throttle to {self.bytes_per_s:g} bytes a second"


class _Throttling(Stage):
    comes_last = True

    def __init__(self, bytes_per_s: float) -> None:
        self._bytes_per_ms = bytes_per_s / 1000
        self._part_bytes = max(1, int(bytes_per_s / _PARTS_A_SECOND))
        self._free_ms = 0.0  # when the wire has taken what was sent so far

    def feed(self, piece: Piece) -> Iterable[Piece]:
        return tuple(self._parts(piece))

    def _parts(self, piece: Piece) -> Iterator[Piece]:
        """Parts of `piece`, each due when the wire has taken it."""
        raw = piece.raw
        self._free_ms = max(self._free_ms, piece.at_ms)
        for start in range(0, len(raw), self._part_bytes):
            part = raw[start : start + self._part_bytes]
            self._free_ms += len(part) / self._bytes_per_ms
            yield Piece(Event(part), self._free_ms)
