"""`corrupt`: one event is broken: its JSON, its UTF-8, its checksum, or the framing around it.

Broken framing ends the answer: no client reads on after it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

from llmreplay.core.exchange import Ending
from llmreplay.core.faults.fault import Fault
from llmreplay.core.faults.points import Amount
from llmreplay.core.faults.stage import End, Opening, Piece, Stage
from llmreplay.core.plan import Wire
from llmreplay.core.streams import Event, Framing
from llmreplay.core.streams.event_stream import decode_frame, encode_frame

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmreplay.core.dialect import Dialect
    from llmreplay.core.faults.fault import Firing
    from llmreplay.core.faults.points import Point

__all__ = ["Corrupt", "What"]


class What(StrEnum):
    """What is broken."""

    JSON = "json"
    """The last byte of the event's JSON is not there; space after it is none of it."""
    UTF8 = "utf8"
    """A byte that is in no UTF-8 stands before the event's last quotation mark."""
    CHUNK = "chunk"
    """The HTTP chunk with the event has a size that is no number."""
    LENGTH = "length"
    """The length that HTTP announces, of the chunk or of the body, is one byte less."""
    CRC = "crc"
    """The checksum of the AWS frame is wrong."""


_WIRES = {What.CHUNK: Wire.BAD_CHUNK, What.LENGTH: Wire.BAD_LENGTH}


@dataclass(frozen=True, slots=True)
class Corrupt(Fault):
    """Breaks the event in which `point` is, or which begins there."""

    what: What = What.JSON
    point: Point = Amount(0)  # noqa: RUF009  # frozen
    kind: ClassVar[str] = "corrupt"

    def begin(self, firing: Firing) -> Stage:
        """See `Fault`."""
        return _Corrupting(self, firing.asked.dialect)

    def __str__(self) -> str:
        return f"corrupt {self.what} {self.point}"


class _Corrupting(Stage):
    def __init__(self, corrupt: Corrupt, dialect: Dialect) -> None:
        self.needs_total = corrupt.point.needs_total
        self._what = corrupt.what
        self._seeker = corrupt.point.seeker(dialect, self)
        self._is_next = False
        self._done = False

    def open(self, opening: Opening) -> Opening:
        return replace(opening, streamed=True) if self._what is What.CHUNK else opening

    def feed(self, piece: Piece) -> Iterable[Piece]:
        if self._done or not self._is_meant(piece.event):
            return (piece,)
        self._done = True
        wire = _WIRES.get(self._what)
        if wire is not None:
            self.end = End(Ending.TRUNCATED, wire)
            return (piece,)
        broken = _broken(self._what, piece.event, self.framing)
        if broken is None:
            self.missing = "the answer is no AWS event stream"
            return (piece,)
        return (replace(piece, event=Event(broken)),)

    def finish(self) -> Iterable[Piece]:
        if not self._done:
            self.missing = self._seeker.missing or "no event follows there"
        return ()

    def _is_meant(self, event: Event) -> bool:
        """Whether the point is in `event`, or right before it."""
        if not self._is_next:
            at = self._seeker.offset(event)
            if at is None:
                return False
            if at == len(event.raw):
                self._is_next = True
                return False
        self._is_next = event.data is None  # what is no event cannot be broken
        return not self._is_next


def _broken(what: What, event: Event, framing: Framing) -> bytes | None:
    raw, data = event.raw, event.data or b""
    if framing is Framing.EVENT_STREAM:
        if what is What.CRC:
            return raw[:-1] + bytes([raw[-1] ^ 0xFF])
        # A sound frame, in which only the payload is broken.
        frame = decode_frame(raw)
        return encode_frame(replace(frame, payload=_spoilt(what, frame.payload)))
    if what is What.CRC:
        return None
    start = raw.find(data)
    return raw[:start] + _spoilt(what, data) + raw[start + len(data) :]


def _spoilt(what: What, data: bytes) -> bytes:
    """An event's data, without its last byte or with one that is in no UTF-8."""
    if what is What.JSON:
        end = len(data.rstrip())
        return data[: end - 1] + data[end:] if end else data
    quotation = data.rfind(b'"')
    at = quotation if quotation >= 0 else len(data)
    return data[:at] + b"\xff" + data[at:]
