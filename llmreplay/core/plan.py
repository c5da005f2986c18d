"""Plans: what a client is going to receive, as timed steps and an ending.

A plan is a value. `deliver` plays it on a socket; overlays turn one plan into another.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import TYPE_CHECKING

from llmreplay.core.exchange import Ending, Headers, Response
from llmreplay.core.streams import Framing, framing_of
from llmreplay.core.timing import Pace, Timing

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Plan", "Step", "Wire", "plan_replay", "reason_phrase"]

_WAIT_HINTS = frozenset({"retry-after", "retry-after-ms", "x-ms-retry-after-ms"})
_FIRST_ERROR_STATUS = 400


@dataclass(frozen=True, slots=True)
class Step:
    """Bytes to write, `at_ms` after the start of the answer (absolute, so waits never add up)."""

    at_ms: float
    data: bytes


class Wire(StrEnum):
    """What is wrong with an answer that HTTP has no word for. Only faults ask for it."""

    SOUND = "sound"
    """Nothing is."""
    STALL = "stall"
    """After the steps nothing more comes: no end, no close, until the client leaves."""
    BAD_CHUNK = "bad chunk"
    """The last step is a chunk whose size is no number; then the connection is closed."""
    BAD_LENGTH = "bad length"
    """The last step is a chunk whose size is one less than its bytes; then as above."""
    SILENCE = "silence"
    """Not even a head: the request was read, and that is all."""
    HANG_UP = "hang up"
    """Not even a head: the request was read, then comes RST."""


@dataclass(frozen=True, slots=True)
class Plan:
    """An answer.

    `headers` are the stored ones, without framing; `streamed` answers go out chunked, one HTTP
    chunk a step, others with a content length: that of the steps, or `announced` bytes, where a
    fault has it that these differ.
    """

    status: int
    reason: str
    headers: Headers
    steps: tuple[Step, ...]
    streamed: bool = False
    ending: Ending = Ending.COMPLETE
    wire: Wire = Wire.SOUND
    announced: int | None = None

    @property
    def instant(self) -> bool:
        """Whether nothing in it waits, and nothing is wrong with how it is sent."""
        is_sound = self.wire is Wire.SOUND and self.announced is None
        return is_sound and all(step.at_ms <= 0 for step in self.steps)


def plan_replay(
    response: Response, timing: Timing, least_wait: Mapping[str, str], *, key: bytes = b""
) -> Plan:
    """The plan that gives a recorded response back under `timing`.

    `least_wait` are the dialect's shortest wait hints, given when nothing is to wait; `key`
    names the occurrence, so that jitter is the same in every run. A stream has one step an
    event.
    """
    due = timing.schedule((chunk.wait_ms for chunk in response.chunks), key=key)
    headers = response.headers
    if timing.pace is Pace.INSTANT and response.status >= _FIRST_ERROR_STATUS:
        headers = _with_least_wait(headers, least_wait)
    return Plan(
        status=response.status,
        reason=reason_phrase(response.status),
        headers=headers,
        steps=tuple(
            Step(at_ms, chunk.data) for at_ms, chunk in zip(due, response.chunks, strict=True)
        ),
        streamed=_is_stream(response),
        ending=response.ending,
    )


def reason_phrase(status: int) -> str:
    """The standard phrase of a status; empty for one that has none."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _is_stream(response: Response) -> bool:
    """Whether the body came in events: it fell into several, or its framing says so."""
    if len(response.chunks) != 1:
        return bool(response.chunks)
    start = response.chunks[0].data
    return framing_of(response.headers, start, length_known=True) is not Framing.NONE


def _with_least_wait(headers: Headers, least_wait: Mapping[str, str]) -> Headers:
    """`headers` with each hint to wait replaced by the shortest that SDKs accept.

    Headers without a hint stay as they are: nothing is promised that was not recorded.
    """
    if not any(name.lower() in _WAIT_HINTS for name, _ in headers):
        return headers
    return (
        *(pair for pair in headers if pair[0].lower() not in _WAIT_HINTS),
        *least_wait.items(),
    )
