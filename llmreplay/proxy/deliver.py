"""Answers onto the socket: how each is played, and how it ends.

It knows neither cassettes nor providers. `reverse` calls it: with a plan for what is replayed,
with a live answer for what is being forwarded, or with one that has faults in it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from aiohttp import web

from llmreplay.core.exchange import Ending
from llmreplay.core.plan import Wire
from llmreplay.proxy.playing import play, silence, until
from llmreplay.proxy.reset import reset, reset_after_all
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

    from llmreplay.core.plan import Plan
    from llmreplay.proxy.connection import Connection
    from llmreplay.proxy.pacing import Pacer
    from llmreplay.session import Faulted, Live

__all__ = ["BIG", "deliver", "deliver_faulted", "deliver_live"]

BIG = 1 << 16
"""Above this many bytes a write waits for a slow reader; below, the kernel takes it."""

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


async def deliver(request: web.BaseRequest, prepared: Prepared, pacer: Pacer) -> Written:
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
        return await _deliver(request, prepared.plan, framed, pacer)
    except ConnectionError:
        return _CLOSED


async def _deliver(request: web.BaseRequest, plan: Plan, framed: Framed, pacer: Pacer) -> Written:
    connection = cast("Connection", request.protocol)
    if plan.wire is Wire.HANG_UP:
        reset(connection.wire)
        return _CLOSED
    if plan.wire is not Wire.SILENCE:
        await play(request, framed, pacer)
    if plan.wire in _SILENT:
        await silence(connection)
        return _CLOSED
    return await _end(connection, plan.ending, keep_alive=framed.keep_alive)


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
    unsent = opening
    if not live.has_begun:
        await _send(request, opening)
        unsent = b""
    async for piece in live.pieces():
        if not await _send(request, unsent + (chunk(piece) if chunked else piece)):
            live.client_left()
        unsent = b""
    unsent += LAST_CHUNK if chunked and live.ending is Ending.COMPLETE else b""
    if unsent:
        await _send(request, unsent)
    return await _end(cast("Connection", request.protocol), live.ending, keep_alive=keep_alive)


async def deliver_faulted(request: web.BaseRequest, live: Faulted, pacer: Pacer) -> Written:
    """Play a live answer with its faults; it is read and kept to its end, whatever is sent."""
    connection = cast("Connection", request.protocol)
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
    try:
        async for step, is_last in live.steps():
            await until(connection, pacer, live.started + step.at_ms / 1000)
            wire = live.end.wire if is_last else Wire.SOUND
            data = broken(step.data, wire) if chunked else step.data
            if not await _send(request, unsent if bodiless else unsent + data):
                live.client_left()
                break
            unsent = b""
        written = await _end_faulted(request, live, unsent, chunked=chunked, keep_alive=keep_alive)
        if not written.keep_alive:
            await connection.all_taken()
            if connection.transport is not None:
                connection.transport.close()
        await live.settled()
    except asyncio.CancelledError:
        live.give_up()
        raise
    return written


async def _end_faulted(
    request: web.BaseRequest, live: Faulted, unsent: bytes, *, chunked: bool, keep_alive: bool
) -> Written:
    """The end of such an answer, with what is `unsent` of its beginning."""
    end, connection = live.end, cast("Connection", request.protocol)
    whole = end.ending is Ending.COMPLETE and end.wire is Wire.SOUND
    await _send(request, unsent + (LAST_CHUNK if chunked and whole else b""))
    if end.wire is Wire.STALL:
        await silence(connection)
        return _CLOSED
    return await _end(connection, end.ending, keep_alive=keep_alive and whole)


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


async def _end(connection: Connection, ending: Ending, *, keep_alive: bool) -> Written:
    """End the connection as the answer ended."""
    if ending is Ending.RESET:
        await reset_after_all(connection)
    is_kept = keep_alive and ending is Ending.COMPLETE and connection.transport is not None
    return _KEPT if is_kept else _CLOSED
