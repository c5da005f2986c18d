"""`error_event`: a stream that began well tells of an error, in the provider's words, and ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from llmreplay.core.failure import Problem, StreamError
from llmreplay.core.faults.error import trouble_of
from llmreplay.core.faults.fault import Fault
from llmreplay.core.faults.points import Amount
from llmreplay.core.faults.stage import End, Piece, Stage
from llmreplay.core.streams import Event, Framing
from llmreplay.core.streams.event_stream import Frame, FrameHeader, HeaderKind, encode_frame

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmreplay.core.faults.fault import Firing

__all__ = ["ErrorEvent"]


@dataclass(frozen=True, slots=True)
class ErrorEvent(Fault):
    """`problem` after so many events."""

    problem: Problem = Problem.OVERLOADED
    after: int = 1
    kind: ClassVar[str] = "error_event"

    def begin(self, firing: Firing) -> Stage:
        """See `Fault`."""
        return _Erring(self, firing)

    def __str__(self) -> str:
        return f"error event {self.problem} {Amount(self.after)}"


class _Erring(Stage):
    def __init__(self, fault: ErrorEvent, firing: Firing) -> None:
        self._fault = fault
        self._firing = firing
        self._seeker = Amount(fault.after).seeker(firing.asked.dialect, self)
        self._last: Event | None = None

    def feed(self, piece: Piece) -> Iterable[Piece]:
        if self.framing is Framing.NONE:
            return (piece,)
        at = self._seeker.offset(piece.event)
        if at != 0 and piece.event.data is not None:
            self._last = piece.event
        if at is None:
            return (piece,)
        self.end = End()
        told = self._told()
        return (*((piece,) if at else ()), *(Piece(event, piece.at_ms) for event in told))

    def finish(self) -> Iterable[Piece]:
        is_stream = self.framing is not Framing.NONE
        self.missing = self._seeker.missing if is_stream else "the answer is no stream"
        return ()

    def _told(self) -> list[Event]:
        firing = self._firing
        trouble = trouble_of(self._fault.problem, firing)
        failures = firing.asked.dialect.failures
        errors = failures.in_stream(trouble, self.framing, self._last)
        is_first = self._last is None
        return [
            Event(_rendered(error, self.framing, is_first=is_first), error.data, error.name)
            for error in errors
        ]


def _rendered(error: StreamError, framing: Framing, *, is_first: bool) -> bytes:
    """The event in the stream's own framing; one in a JSON array closes it."""
    match framing:
        case Framing.SSE:
            name = f"event: {error.name}\n".encode() if error.name else b""
            return b"%bdata: %b\n\n" % (name, error.data)
        case Framing.JSON_ARRAY:
            return b"%b%b\n]" % (b"[" if is_first else b",\n", error.data)
        case Framing.EVENT_STREAM:
            said = {
                ":exception-type": error.name,
                ":content-type": "application/json",
                ":message-type": "exception",
            }
            headers = (FrameHeader(key, HeaderKind.STRING, value) for key, value in said.items())
            return encode_frame(Frame(tuple(headers), error.data))
        case _:
            return error.data + b"\n"
