"""Plans as HTTP/1.1 bytes: heads, framing, and answers rendered once and kept.

Pure. Framing is always made anew from what is sent (RFC 9112 §6); stored headers never decide
it. `deliver` writes what is made here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from llmreplay.core.exchange import Ending, Headers
from llmreplay.core.plan import Wire

if TYPE_CHECKING:
    from llmreplay.core.plan import Plan

__all__ = ["LAST_CHUNK", "Framed", "Prepared", "broken", "chunk", "frame", "has_no_body", "head"]

LAST_CHUNK = b"0\r\n\r\n"

_FRAMING = frozenset({"connection", "content-length", "keep-alive", "transfer-encoding"})


@dataclass(frozen=True, slots=True)
class Framed:
    """An answer as it goes over one connection: its head, the bytes of each step, its end."""

    head: bytes
    steps: tuple[tuple[float, bytes], ...]
    end: bytes
    keep_alive: bool

    @property
    def whole(self) -> bytes:
        """All of it, for an answer in which nothing waits."""
        return b"".join((self.head, *(data for _, data in self.steps), self.end))


@dataclass(frozen=True)
class Prepared:
    """A plan and, made on first use, its bytes for the usual client.

    The usual client speaks HTTP/1.1, keeps its connection and wants a body.
    """

    plan: Plan

    @cached_property
    def instant(self) -> bytes | None:
        """The whole answer in one piece, or None if it waits or does not end well."""
        if not self.plan.instant or self.plan.ending is not Ending.COMPLETE:
            return None
        return frame(self.plan, keep_alive=True).whole

    @cached_property
    def size(self) -> int:
        """Bytes that keeping this costs, nearly."""
        return 2 * sum(len(step.data) for step in self.plan.steps) + 1024


def frame(
    plan: Plan, *, keep_alive: bool, http_1_0: bool = False, head_only: bool = False
) -> Framed:
    """`plan` for a client that speaks HTTP/1.0 or 1.1, keeps its connection or does not."""
    bodiless = has_no_body(plan.status)
    chunked = plan.streamed and not http_1_0 and not bodiless
    length = None if plan.streamed or bodiless else _length(plan)
    whole = plan.ending is Ending.COMPLETE and plan.wire is Wire.SOUND
    # An answer that is going to break says nothing of it: after `connection: close`, undici
    # (Node 20) takes an early end or a reset for the end of the message.
    announced = keep_alive and (chunked or length is not None or bodiless)
    keep_alive = announced and whole
    opening = head(
        plan.status,
        plan.reason,
        plan.headers,
        length=length,
        chunked=chunked,
        keep_alive=announced,
        http_1_0=http_1_0,
    )
    # A step without data is a head that is late.
    if head_only or bodiless:
        return Framed(opening, tuple((s.at_ms, b"") for s in plan.steps[:1]), b"", keep_alive)
    steps = [(step.at_ms, chunk(step.data) if chunked else step.data) for step in plan.steps]
    if chunked and steps:
        steps[-1] = (steps[-1][0], broken(plan.steps[-1].data, plan.wire))
    return Framed(opening, tuple(steps), LAST_CHUNK if chunked and whole else b"", keep_alive)


def head(  # noqa: PLR0913  # the parts of a head, each given by name
    status: int,
    reason: str,
    headers: Headers,
    *,
    length: int | None,
    chunked: bool,
    keep_alive: bool,
    http_1_0: bool = False,
) -> bytes:
    """The status line and headers, with framing for a body of `length` bytes, or chunked.

    What `headers` say of framing is left out: twice the same length is an error for Node.
    """
    lines = [f"HTTP/1.1 {status} {reason}"]
    lines += (f"{name}: {value}" for name, value in headers if name.lower() not in _FRAMING)
    if chunked:
        lines.append("transfer-encoding: chunked")
    elif length is not None:
        lines.append(f"content-length: {length}")
    if not keep_alive:
        lines.append("connection: close")
    elif http_1_0:
        lines.append("connection: keep-alive")
    return "\r\n".join((*lines, "\r\n")).encode("utf-8", "surrogateescape")


def chunk(data: bytes) -> bytes:
    """`data` as one HTTP chunk. Empty data gives nothing: an empty chunk would end the body."""
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""


def broken(data: bytes, wire: Wire) -> bytes:
    """`data` as an HTTP chunk that is wrong in the way of `wire`; a sound one for all others."""
    match wire:
        case Wire.BAD_CHUNK:
            return b"no size\r\n%b\r\n" % data
        case Wire.BAD_LENGTH:
            return b"%x\r\n%b\r\n" % (len(data) - 1, data)
        case _:
            return chunk(data)


def has_no_body(status: int) -> bool:
    """Whether an answer with this status never has a body (RFC 9110 §6.4.1)."""
    return status < 200 or status in (204, 304)  # noqa: PLR2004  # status codes name themselves


def _length(plan: Plan) -> int:
    """The announced length: what is sent, and one byte that never comes if it ended early."""
    if plan.announced is not None:
        return plan.announced
    sent = sum(len(step.data) for step in plan.steps)
    return sent if plan.ending is Ending.COMPLETE else sent + 1
