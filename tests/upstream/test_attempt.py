"""A connection serves again only if its answer and its request passed whole."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

import aiohttp
import pytest
import yarl

from llmreplay.upstream.attempt import Attempt
from llmreplay.upstream.pool import Addresses, Pool
from tests.fakes.origin import Origin
from tests.upstream.reaching import heard, post, reaching

TOO_LARGE = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nno!"


@pytest.mark.parametrize("body", [b"{}", b"x" * 600_000], ids=["small", "large"])
async def test_a_connection_that_is_lost_before_the_request_is_told_as_such(body: bytes) -> None:
    async with Origin(lambda _: []) as origin:
        pool = Pool(Addresses(frozenset({"127.0.0.1"})), aiohttp.ClientTimeout())
        connection, reused = await pool.lend(yarl.URL(origin.url), None)
        attempt = Attempt(connection, reused=reused)
        assert connection.transport is not None
        connection.transport.abort()
        await asyncio.sleep(0)

        async with asyncio.timeout(5):
            with pytest.raises(aiohttp.ServerDisconnectedError):
                await attempt.ask(b"GET / HTTP/1.1", body, wants_head=False, silence_seconds=9)

        await pool.close()
        assert origin.asked == []
        assert not reused


async def test_an_answer_that_comes_before_the_body_was_read_is_passed_on() -> None:
    connections, over = 0, asyncio.Event()

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(TOO_LARGE)
        await writer.drain()
        await over.wait()
        writer.transport.abort()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with asyncio.timeout(5), reaching() as upstream:
        for _ in range(2):
            request = post(f"http://127.0.0.1:{port}/", body=b"x" * 20_000_000)
            answer = await upstream.send(request)
            assert answer.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
            assert await heard(answer) == b"no!"
            await answer.close()
    over.set()
    server.close()
    await asyncio.sleep(0.01)
    assert connections == 2  # the first was in the middle of a request
