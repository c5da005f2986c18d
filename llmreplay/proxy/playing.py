"""Time on a connection: steps that are due, moments to wait for, silence.

Each ends when the client leaves. `deliver` decides what is played; the `Pacer` calls when
something is due.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp import web

    from llmreplay.proxy.connection import Connection
    from llmreplay.proxy.pacing import Act, Pacer
    from llmreplay.proxy.wire import Framed

__all__ = ["play", "silence", "until"]


async def play(request: web.BaseRequest, framed: Framed, pacer: Pacer) -> None:
    """Write each step at its time from now, the head with the first, the end with the last.

    Raises `ConnectionError` if the client leaves before.
    """
    connection = cast("Connection", request.protocol)
    now = pacer.clock.now()
    playing = _Playing(connection, framed, now)
    while True:
        playing.stopped = asyncio.get_running_loop().create_future()
        again: float | None = playing.next_at
        if playing.next_at <= now:
            again = playing.act(now)
        if again is not None:
            due = _Due(pacer, again, playing.act)
            await _watched(connection, playing.look, playing.stopped, due)
        await request.writer.drain()
        if playing.is_whole:
            return
        if connection.is_gone:
            raise ConnectionResetError
        now = pacer.clock.now()


async def until(connection: Connection, pacer: Pacer, moment: float) -> None:
    """Wait until `moment`, unless the client leaves."""
    if moment <= pacer.clock.now():
        return
    over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def act(now: float) -> None:
        del now
        _settle(over)

    def look() -> None:
        if connection.is_gone:
            _settle(over)

    await _watched(connection, look, over, _Due(pacer, moment, act))


async def silence(connection: Connection) -> None:
    """Send nothing, until nobody waits any more: the client has left, or we are to end."""
    over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def look() -> None:
        if connection.is_over:
            _settle(over)

    await _watched(connection, look, over)


def _settle(over: asyncio.Future[None]) -> None:
    """It may be over for two reasons at once."""
    if not over.done():
        over.set_result(None)


class _Due(NamedTuple):
    """What is to be done while somebody waits."""

    pacer: Pacer
    moment: float
    act: Act


async def _watched(
    connection: Connection,
    look: Callable[[], None],
    over: asyncio.Future[None],
    due: _Due | None = None,
) -> None:
    """Wait for `over`, and have a `look` as often as the client may have left."""
    connection.on_over = look
    look()
    if due is not None and not over.done():
        due.pacer.at(due.moment, due.act)
    try:
        await over
    finally:
        connection.on_over = None
        if due is not None and (over.cancelled() or connection.is_gone):
            due.pacer.drop(due.act)


class _Playing:
    """An answer on its way. It stops when it is whole, or the client leaves or does not read."""

    __slots__ = ("_connection", "_moments", "_pieces", "_place", "_transport", "stopped")

    def __init__(self, connection: Connection, framed: Framed, start: float) -> None:
        pieces = [data for _, data in framed.steps] or [b""]
        pieces[0] = framed.head + pieces[0]
        pieces[-1] += framed.end
        moments = [start + at_ms / 1000 for at_ms, _ in framed.steps] or [start]
        self._connection = connection
        self._transport = cast("asyncio.Transport", connection.transport)
        self._pieces = pieces
        self._moments = list(accumulate(moments, max))  # nothing overtakes what is before it
        self._place = 0
        self.stopped: asyncio.Future[None]

    @property
    def is_whole(self) -> bool:
        """Whether all is written."""
        return self._place == len(self._pieces)

    @property
    def next_at(self) -> float:
        """When the next step is due."""
        return self._moments[self._place]

    def act(self, now: float) -> float | None:
        """Write what is due; when there will be more, None if it stops here."""
        stopped, connection = self.stopped, self._connection
        if stopped.done():
            return None
        place, moments = self._place, self._moments
        end = bisect_right(moments, now, place)
        pieces = self._pieces
        self._transport.write(pieces[place] if end == place + 1 else b"".join(pieces[place:end]))
        self._place = end
        if end == len(pieces) or connection.writing_paused:
            stopped.set_result(None)
            return None
        return moments[end]

    def look(self) -> None:
        """Stop if the client has left."""
        if self._connection.is_gone:
            _settle(self.stopped)
