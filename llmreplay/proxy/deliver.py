"""Plays answers onto the socket: waits, writes, closes, resets.

It knows neither cassettes nor providers. `reverse` calls it: with a plan for what is replayed,
with a live answer for what is being forwarded, or with one that has faults in it.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from fcntl import ioctl
from termios import TIOCOUTQ
from typing import TYPE_CHECKING, cast

from aiohttp import web

from llmreplay.core.exchange import Ending
from llmreplay.core.plan import Wire
from llmreplay.proxy.wire import (
    LAST_CHUNK,
    Framed,
    Prepared,
    broken,
    chunk,
    frame,
    has_no_body,
    head,
)

if TYPE_CHECKING:
    from aiohttp.abc import AbstractStreamWriter

    from llmreplay.core.clock import Clock
    from llmreplay.core.plan import Plan
    from llmreplay.proxy.connection import Connection
    from llmreplay.session import Faulted, Live

__all__ = ["BIG", "deliver", "deliver_faulted", "deliver_live"]

BIG = 1 << 16
"""Above this many bytes a write waits for a slow reader; below, the kernel takes it."""

_FLUSH_SECONDS = 5.0
"""How long a reset waits until the client has what was sent before it."""

_READ_SECONDS = 0.02
"""And then, until the client has read it: libuv, which finds data and a reset at once, reports
the data and an ordinary end (1.46, `uv__stream_io`), so that Node would never see the reset."""


_LOOK_SECONDS = 0.05

_SILENT = frozenset({Wire.SILENCE, Wire.STALL})


class Written(web.StreamResponse):
    """Tells aiohttp that the answer is on the wire already, and whether the connection stays.

    `prepare` and `write_eof` are where aiohttp would write one; the bytes are written by then.
    """

    def __init__(self, *, keep_alive: bool) -> None:
        self._keep_alive = keep_alive

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:  # noqa: ARG002  # aiohttp's signature
        """Nothing is left to do."""
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing is left to do."""


_KEPT = Written(keep_alive=True)
_CLOSED = Written(keep_alive=False)


async def deliver(request: web.BaseRequest, prepared: Prepared, clock: Clock) -> Written:
    """Play a plan for `request`. A client that leaves ends it, quietly."""
    transport = request.transport
    if transport is None:
        return _CLOSED
    keep_alive = request.keep_alive
    http_1_1 = request.version >= (1, 1)
    if http_1_1 and keep_alive and request.method != "HEAD":
        instant = prepared.instant
        if instant is not None:
            transport.write(instant)
            if len(instant) > BIG:
                await request.writer.drain()
            return _KEPT
    framed = frame(
        prepared.plan,
        keep_alive=keep_alive,
        http_1_0=not http_1_1,
        head_only=request.method == "HEAD",
    )
    try:
        return await _deliver(request, transport, prepared.plan, framed, clock)
    except ConnectionError:
        return _CLOSED


async def _deliver(
    request: web.BaseRequest,
    transport: asyncio.Transport,
    plan: Plan,
    framed: Framed,
    clock: Clock,
) -> Written:
    if plan.wire is Wire.HANG_UP:
        _send_reset(transport)
        return _CLOSED
    if plan.wire is not Wire.SILENCE:
        await _play(request, transport, framed, clock)
    if plan.wire in _SILENT:
        return await _silence(request)
    return await _end(request, transport, plan.ending, keep_alive=framed.keep_alive)


async def deliver_live(request: web.BaseRequest, live: Live) -> Written:
    """Pass a live answer on as it arrives; if the client leaves, let it run to its end."""
    http_1_1 = request.version >= (1, 1)
    bodiless = has_no_body(live.status) or request.method == "HEAD"
    chunked = live.content_length is None and http_1_1 and not bodiless
    keep_alive = request.keep_alive and (chunked or live.content_length is not None or bodiless)
    opening = head(
        live.status,
        live.reason,
        live.headers,
        length=None if has_no_body(live.status) else live.content_length,
        chunked=chunked,
        keep_alive=keep_alive,
        http_1_0=not http_1_1,
    )
    if bodiless or live.content_length == 0:
        await live.settle()
    await _send(request, opening)
    async for piece in live.pieces():
        if not await _send(request, chunk(piece) if chunked else piece):
            live.client_left()
    if chunked and live.ending is Ending.COMPLETE:
        await _send(request, LAST_CHUNK)
    transport = request.transport
    if transport is None:
        return _CLOSED
    return await _end(request, transport, live.ending, keep_alive=keep_alive)


async def deliver_faulted(request: web.BaseRequest, live: Faulted, clock: Clock) -> Written:
    """Play a live answer with its faults; it is read and kept to its end, whatever is sent."""
    http_1_1 = request.version >= (1, 1)
    bodiless = has_no_body(live.status) or request.method == "HEAD"
    chunked = http_1_1 and not bodiless
    keep_alive = request.keep_alive and (chunked or bodiless)
    unsent = head(
        live.status,
        live.reason,
        live.headers,
        length=None,
        chunked=chunked,
        keep_alive=keep_alive,
        http_1_0=not http_1_1,
    )
    async for step, is_last in live.steps():
        await clock.sleep_until(live.started + step.at_ms / 1000)
        wire = live.end.wire if is_last else Wire.SOUND
        data = broken(step.data, wire) if chunked else step.data
        if not await _send(request, unsent if bodiless else unsent + data):
            live.client_left()
            break
        unsent = b""
    written = await _end_faulted(request, live, unsent, chunked=chunked, keep_alive=keep_alive)
    if request.transport is not None and not written.keep_alive:
        request.transport.close()
    await live.settled()
    return written


async def _end_faulted(
    request: web.BaseRequest, live: Faulted, unsent: bytes, *, chunked: bool, keep_alive: bool
) -> Written:
    """The end of such an answer, with what is `unsent` of its beginning."""
    end = live.end
    whole = end.ending is Ending.COMPLETE and end.wire is Wire.SOUND
    await _send(request, unsent + (LAST_CHUNK if chunked and whole else b""))
    if end.wire is Wire.STALL:
        return await _silence(request)
    transport = request.transport
    if transport is None:
        return _CLOSED
    return await _end(request, transport, end.ending, keep_alive=keep_alive and whole)


async def _silence(request: web.BaseRequest) -> Written:
    """Send nothing more, until the client leaves or we are to end."""
    connection = cast("Connection", request.protocol)
    while not connection.is_over:  # noqa: ASYNC110  # it has no one event
        await asyncio.sleep(_LOOK_SECONDS)
    return _CLOSED


async def _play(
    request: web.BaseRequest, transport: asyncio.Transport, framed: Framed, clock: Clock
) -> None:
    """Write each step at its time from the start, and the head with the first."""
    start = clock.now()
    ready = bytearray()
    for place, (at_ms, data) in enumerate(framed.steps):
        moment = start + at_ms / 1000
        if moment > clock.now():
            if ready:
                transport.write(bytes(ready))
                ready.clear()
                await request.writer.drain()
            await clock.sleep_until(moment)
        if transport.is_closing():
            raise ConnectionResetError
        ready += data if place else framed.head + data
    transport.write(bytes(ready or framed.head) + framed.end)
    await request.writer.drain()


async def _send(request: web.BaseRequest, data: bytes) -> bool:
    """Write; False if the client is gone."""
    transport = request.transport
    if transport is None or transport.is_closing():
        return False
    request.writer.output_size += len(data)  # so that no error is written into the answer
    transport.write(data)
    try:
        await request.writer.drain()
    except ConnectionError:
        return False
    return True


async def _end(
    request: web.BaseRequest, transport: asyncio.Transport, ending: Ending, *, keep_alive: bool
) -> Written:
    """End the connection as the answer ended."""
    if ending is Ending.RESET:
        await _reset(request, transport)
    return _KEPT if keep_alive and ending is Ending.COMPLETE else _CLOSED


async def _reset(request: web.BaseRequest, transport: asyncio.Transport) -> None:
    """Send RST instead of FIN, after the client has got what was sent.

    SO_LINGER with zero seconds drops what the kernel still holds, so that must be gone first.
    """
    sock: socket.socket | None = transport.get_extra_info("socket")
    if sock is None:
        transport.abort()
        return
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_FLUSH_SECONDS):
            connection = cast("Connection", request.protocol)
            while connection.unsent_bytes or _unacknowledged(sock):  # noqa: ASYNC110  # the kernel has no event for it
                await asyncio.sleep(0.001)
    await asyncio.sleep(_READ_SECONDS)
    _send_reset(transport)


def _send_reset(transport: asyncio.Transport) -> None:
    """RST, now."""
    sock: socket.socket | None = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def _unacknowledged(sock: socket.socket) -> bool:
    """Whether the client's system has not yet got all that was sent."""
    nothing = bytes(struct.calcsize("i"))
    try:
        return ioctl(sock.fileno(), TIOCOUTQ, nothing) != nothing
    except OSError:
        return False
