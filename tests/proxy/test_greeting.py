"""What a client says first decides what is spoken with it; tunnels are opened, or refused."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import ssl
from typing import TYPE_CHECKING

import pytest
import uvloop
from aiohttp import web

from llmreplay.proxy.connection import Connection
from tests.proxy.gates import FakeGate, connect, trusting
from tests.proxy.guests import Guest, House, Rules, echo, eventually, house

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from llmreplay.certificates import Authority

GET = b"GET /v1 HTTP/1.1\r\nHost: x\r\n\r\n"
OPENAI = "api.openai.com"

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


def message(answer: bytes) -> str:
    """What an error body says."""
    told: str = json.loads(answer)["error"]["message"]
    return told.removeprefix("llmreplay: ")


@pytest.fixture(params=LOOPS)
def run(request: pytest.FixtureRequest) -> Callable[[Coroutine[None, None, None]], None]:
    """Runs a test on either event loop, in which nothing may go unnoticed."""

    def run_there(test: Coroutine[None, None, None]) -> None:
        faults: list[object] = []

        async def watched() -> None:
            asyncio.get_running_loop().set_exception_handler(lambda _, fault: faults.append(fault))
            await test
            gc.collect()
            await asyncio.sleep(0)

        with asyncio.Runner(loop_factory=LOOPS[request.param]) as runner:
            runner.run(watched())
        assert faults == []

    return run_there


async def came(request: web.BaseRequest) -> web.StreamResponse:
    """Answers with how the request came here."""
    connection = request.protocol
    assert isinstance(connection, Connection)
    origin, session, _ = connection.came
    return web.Response(text=f"{origin} {session or '-'} {request.raw_path}")


async def tunnel(home: House, place: str, *headers: str) -> Guest:
    """A client in a tunnel that was opened for it."""
    guest = await home.guest()
    await guest.send(connect(place, *headers))
    assert await guest.until(b"\r\n\r\n") == b"HTTP/1.1 200 Connection Established\r\n\r\n"
    return guest


async def asked(guest: Guest, path: str = "/v1") -> str:
    """What a request is answered with."""
    await guest.send(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    status, body = await guest.answer()
    assert status == 200
    return body.decode()


# -- TLS in a tunnel ----------------------------------------------------------------------------


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_tunnel_to_a_known_host_is_answered_here_and_kept(
    run: Callable[[Coroutine[None, None, None]], None],
    authority: Authority,
    version: ssl.TLSVersion,
) -> None:
    async def converse() -> None:
        async with house(came, gate=FakeGate(authority)) as home:
            with await tunnel(home, f"{OPENAI}:443") as guest:
                await guest.secure(trusting(authority, version), OPENAI)
                assert guest.tls.selected_alpn_protocol() == "http/1.1"
                for number in range(3):
                    assert await asked(guest, f"/{number}") == f"https://{OPENAI} - /{number}"
            await eventually(lambda: home.listener.open_connections == 0)
        assert home.said == []

    run(converse())
