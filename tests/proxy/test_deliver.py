"""Plans on a real socket: what is written, when, and how it ends."""

import asyncio

import pytest
from aiohttp import web

from llmreplay.core.exchange import Ending
from llmreplay.core.plan import Plan, Step
from llmreplay.proxy.deliver import deliver
from llmreplay.proxy.wire import Prepared
from tests.fakes.clock import FakeClock
from tests.proxy.guests import house

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
        return await deliver(asked, Prepared(plan), FakeClock())

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
        return await deliver(asked, Prepared(plan), clock)

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
        return await deliver(asked, Prepared(plan), clock)

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
        return await deliver(asked, Prepared(plan), FakeClock())

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
