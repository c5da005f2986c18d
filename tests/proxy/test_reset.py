"""RST in place of FIN, seen from the other end."""

from __future__ import annotations

import asyncio
import socket
from contextlib import ExitStack
from typing import TYPE_CHECKING, cast

import pytest

from llmreplay.proxy.deliver import Written
from llmreplay.proxy.reset import reset, reset_after_all
from tests.proxy.guests import eventually, house

if TYPE_CHECKING:
    from aiohttp import web

    from llmreplay.proxy.connection import Connection
    from tests.proxy.conftest import Run

GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


def test_a_reset_at_once(run: Run) -> None:
    async def handle(asked: web.BaseRequest) -> web.StreamResponse:
        reset(cast("Connection", asked.protocol).wire)
        return Written(keep_alive=False)

    async def converse() -> None:
        async with house(handle) as home:
            with await home.guest() as guest:
                await guest.send(GET)
                with pytest.raises(ConnectionResetError):
                    await guest.rest()
            await eventually(lambda: home.listener.open_connections == 0)
        assert home.said == []

    run(converse())


def test_a_client_that_left_first_takes_nobody_elses_connection_along(run: Run) -> None:
    """A socket's number may be another's when the client is gone."""
    lingers = list[int]()

    async def handle(asked: web.BaseRequest) -> web.StreamResponse:
        connection = cast("Connection", asked.protocol)
        await eventually(lambda: connection.transport is None)
        with ExitStack() as stack:
            others = [stack.enter_context(socket.socket()) for _ in range(20)]
            reset(connection.wire)
            await reset_after_all(connection)
            lingers.extend(one.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER) for one in others)
        return Written(keep_alive=False)

    async def converse() -> None:
        async with house(handle) as home:
            with await home.guest() as guest:
                await guest.send(GET)
                guest.reset()
            await eventually(lambda: lingers != [])
        assert lingers == [0] * 20
        assert home.said == []

    run(converse())


def test_a_client_that_does_not_read_is_reset_after_a_while(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmreplay.proxy.reset._FLUSH_SECONDS", 0.1)

    async def handle(asked: web.BaseRequest) -> web.StreamResponse:
        connection = cast("Connection", asked.protocol)
        assert asked.transport is not None
        while not connection.unsent_bytes:  # until the system takes no more
            asked.transport.write(b"x" * 100_000)
        await reset_after_all(connection)
        return Written(keep_alive=False)

    async def converse() -> None:
        async with house(handle) as home:
            with await home.guest() as guest:
                cast("asyncio.Transport", guest.streams[1].transport).pause_reading()
                await guest.send(GET)
                await eventually(lambda: home.listener.open_connections == 0)
        assert home.said == []

    run(converse())


def test_a_wire_that_is_no_socket_is_just_ended() -> None:
    class Wire(asyncio.Transport):
        aborted = False

        def is_closing(self) -> bool:
            return self.aborted

        def abort(self) -> None:
            self.aborted = True

    wire = Wire()
    reset(wire)
    assert wire.aborted
