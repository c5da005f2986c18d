"""Plans on a real socket: what is written, when, and how it ends."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, cast

import pytest

from llmreplay.core.exchange import Ending
from llmreplay.core.plan import Plan, Step
from llmreplay.proxy.connection import Connection
from llmreplay.proxy.deliver import Written, deliver
from llmreplay.proxy.pacing import Pacer
from llmreplay.proxy.wire import Prepared
from tests.fakes.clock import FakeClock
from tests.proxy.gates import FakeGate, connect, trusting
from tests.proxy.guests import Guest, House, eventually, house

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import web

    from llmreplay.certificates import Authority
    from llmreplay.proxy.shared import Handler
    from tests.proxy.conftest import Run

GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
HEAD_OF_STREAM = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


class NotingClock(FakeClock):
    """A clock that notes, each time somebody sleeps, what the client has got by then."""

    def __init__(self) -> None:
        super().__init__()
        self.reader: asyncio.StreamReader | None = None
        self.got: list[bytes] = []

    async def sleep_until(self, moment: float) -> None:
        assert self.reader is not None
        await asyncio.sleep(0.02)  # what was written is on its way
        self.got.append(bytes(self.reader._buffer))  # type: ignore[attr-defined]
        await super().sleep_until(moment)


def stream(*steps: Step, ending: Ending = Ending.COMPLETE) -> Plan:
    return Plan(200, "OK", (), steps, streamed=True, ending=ending)


async def received(plan: Plan, request: bytes = GET, until: bytes | None = None) -> bytes:
    """All that a client gets before the connection ends, or up to `until`."""

    async def handle(asked: web.BaseRequest) -> web.StreamResponse:
        return await deliver(asked, Prepared(plan), Pacer(FakeClock()))

    async with house(handle) as home:
        reader, writer = await asyncio.open_connection("127.0.0.1", home.port)
        writer.write(request)
        async with asyncio.timeout(5):
            data = await (reader.readuntil(until) if until else reader.read())
        writer.close()
        return data


async def test_an_instant_stream_has_a_chunk_an_event() -> None:
    plan = stream(Step(0, b"one"), Step(0, b"two"))
    assert (
        await received(plan, until=b"\r\n0\r\n\r\n")
        == HEAD_OF_STREAM + b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"
    )


async def test_each_step_is_written_when_it_is_due_and_none_is_kept_for_the_next() -> None:
    clock = NotingClock()
    plan = stream(Step(100, b"one"), Step(250, b"two"), Step(250, b"2nd"), Step(300, b"three"))

    async def handle(asked: web.BaseRequest) -> web.StreamResponse:
        return await deliver(asked, Prepared(plan), Pacer(clock))

    async with house(handle) as home:
        reader, writer = await asyncio.open_connection("127.0.0.1", home.port)
        clock.reader = reader
        writer.write(GET)
        whole = await reader.readuntil(b"0\r\n\r\n")
        writer.close()
    first = HEAD_OF_STREAM + b"3\r\none\r\n"
    second = first + b"3\r\ntwo\r\n3\r\n2nd\r\n"
    assert clock.got == [b"", first, second]
    assert clock.slept_to == [0.1, 0.25, 0.3]
    assert whole == second + b"5\r\nthree\r\n0\r\n\r\n"


async def test_waits_do_not_add_up() -> None:
    clock = FakeClock()

    async def handle(asked: web.BaseRequest) -> web.StreamResponse:
        clock.seconds = 1000.0
        plan = stream(*(Step(10.0 * n, b"x") for n in range(1, 6)))
        return await deliver(asked, Prepared(plan), Pacer(clock))

    async with house(handle) as home:
        reader, writer = await asyncio.open_connection("127.0.0.1", home.port)
        writer.write(GET)
        await reader.readuntil(b"0\r\n\r\n")
        writer.close()
    assert clock.slept_to == pytest.approx([1000.01, 1000.02, 1000.03, 1000.04, 1000.05])


async def test_a_truncated_stream_ends_without_its_last_chunk() -> None:
    plan = stream(Step(0, b"one"), ending=Ending.TRUNCATED)
    assert await received(plan) == HEAD_OF_STREAM + b"3\r\none\r\n"


async def test_a_reset_is_a_reset_after_all_that_came_before() -> None:
    plan = stream(Step(0, b"x" * 100_000), ending=Ending.RESET)

    async def handle(asked: web.BaseRequest) -> web.StreamResponse:
        return await deliver(asked, Prepared(plan), Pacer(FakeClock()))

    async with house(handle) as home:
        reader, writer = await asyncio.open_connection("127.0.0.1", home.port)
        writer.write(GET)
        got = await reader.readuntil(b"x" * 100_000 + b"\r\n")
        assert got.endswith(b"x\r\n")
        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()


async def test_head_gets_the_head_alone() -> None:
    plan = Plan(200, "OK", (), (Step(0, b"body"),))
    request = b"HEAD / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    assert await received(plan, request) == (
        b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\n"
    )


async def test_http_1_0_gets_the_end_by_closing() -> None:
    plan = stream(Step(0, b"one"), Step(0, b"two"))
    assert await received(plan, b"GET / HTTP/1.0\r\n\r\n") == (
        b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nonetwo"
    )


# -- over TLS -----------------------------------------------------------------------------------


@asynccontextmanager
async def over_tls(authority: Authority, handle: Handler) -> AsyncIterator[tuple[House, Guest]]:
    """A client that speaks TLS, in a tunnel."""
    async with house(handle, gate=FakeGate(authority)) as home:
        with await home.guest() as guest:
            await guest.send(connect("api.openai.com:443"))
            await guest.until(b"\r\n\r\n")
            await guest.secure(trusting(authority), "api.openai.com")
            yield home, guest
        await eventually(lambda: home.listener.open_connections == 0)


def playing(*plans: Plan) -> Handler:
    """Answers with one plan after the other."""
    left = list(plans)

    async def handle(asked: web.BaseRequest) -> web.StreamResponse:
        return await deliver(asked, Prepared(left.pop(0)), Pacer(FakeClock()))

    return handle


def test_answers_over_tls_and_the_end_that_each_has(run: Run, authority: Authority) -> None:
    whole = stream(Step(0, b"one"), Step(0, b"two"))
    cut = stream(Step(0, b"one"), ending=Ending.TRUNCATED)

    async def converse() -> None:
        async with over_tls(authority, playing(whole, cut)) as (_, guest):
            await guest.send(GET)
            assert await guest.until(b"0\r\n\r\n") == (
                HEAD_OF_STREAM + b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"
            )
            await guest.send(GET)
            assert await guest.rest() == HEAD_OF_STREAM + b"3\r\none\r\n"

    run(converse())


@pytest.mark.parametrize("size", [10, 100_000, 5_000_000])
def test_a_reset_over_tls_comes_after_all_that_came_before(
    run: Run, authority: Authority, size: int
) -> None:
    plan = stream(Step(0, b"x" * size), ending=Ending.RESET)

    async def converse() -> None:
        async with over_tls(authority, playing(plan)) as (_, guest):
            await guest.send(GET)
            assert (await guest.until(b"x\r\n")).endswith(b"x" * size + b"\r\n")
            with pytest.raises(ConnectionResetError):
                await guest.rest()

    run(converse())


def test_an_answer_over_tls_that_is_read_late_is_read_whole(run: Run, authority: Authority) -> None:
    """TLS itself gives up what is not taken a second after its end."""
    piece, sent = b"x" * 10_000, list[int]()

    async def fill(asked: web.BaseRequest) -> web.StreamResponse:
        connection = asked.protocol
        assert isinstance(connection, Connection)
        assert asked.transport is not None
        while not connection.unsent_bytes:  # until the system takes no more
            asked.transport.write(piece)
            sent.append(len(piece))
        return Written(keep_alive=False)

    async def converse() -> None:
        async with over_tls(authority, fill) as (_, guest):
            reader, writer = guest.streams
            transport = cast("asyncio.Transport", writer.transport)
            transport.pause_reading()
            await guest.send(GET)
            await asyncio.sleep(2)
            transport.resume_reading()
            async with asyncio.timeout(5):
                assert len(await reader.read()) == sum(sent) > 0

    run(converse())


def test_a_client_that_ends_tls_is_gone(run: Run, authority: Authority) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def slow(asked: web.BaseRequest) -> web.StreamResponse:
        begun.set()
        await asyncio.sleep(0.1)
        ended.set()
        return await deliver(asked, Prepared(stream(Step(0, b"one"))), Pacer(FakeClock()))

    async def converse() -> None:
        async with over_tls(authority, slow) as (home, guest):
            await guest.send(GET)
            await begun.wait()
            guest.streams[1].close()
            await eventually(lambda: home.listener.open_connections == 0)
            await ended.wait()
        assert home.said == []

    run(converse())
