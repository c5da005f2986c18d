"""Answers that take time, and clients that do not wait for them."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, cast

import pytest

from llmreplay.proxy.deliver import Written
from llmreplay.proxy.pacing import Pacer
from llmreplay.proxy.playing import _Playing, play, silence, until
from llmreplay.proxy.wire import Framed
from tests.fakes.clock import FakeClock
from tests.fakes.hand_clock import HandClock
from tests.proxy.guests import Guest, House, eventually, house

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp import web

    from llmreplay.proxy.connection import Connection
    from tests.proxy.conftest import Run

GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"

LEAVING = {
    "breaks": Guest.reset,
    "closes": lambda guest: guest.streams[1].close(),
    "sends no more": Guest.send_no_more,
}


class Handling:
    """A handler that does one thing, and notes how that ended."""

    def __init__(self, do: Callable[[web.BaseRequest], Awaitable[None]]) -> None:
        self._do = do
        self.begun = asyncio.Event()
        self.ended: list[str] = []

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        self.begun.set()
        try:
            await self._do(request)
        except BaseException as error:
            self.ended.append(type(error).__name__)
            raise
        self.ended.append("done")
        return Written(keep_alive=False)


def connection_of(request: web.BaseRequest) -> Connection:
    return cast("Connection", request.protocol)


def late(pacer: Pacer) -> Callable[[web.BaseRequest], Awaitable[None]]:
    steps = ((0.0, b"one"), (60_000.0, b"two"))
    return lambda request: play(request, Framed(b"head ", steps, b" end", keep_alive=False), pacer)


def waiting(pacer: Pacer) -> Callable[[web.BaseRequest], Awaitable[None]]:
    return lambda request: until(connection_of(request), pacer, pacer.clock.now() + 60)


def silent(pacer: Pacer) -> Callable[[web.BaseRequest], Awaitable[None]]:
    del pacer
    return lambda request: silence(connection_of(request))


@pytest.mark.parametrize(
    ("do", "ended"),
    [(late, "ConnectionResetError"), (waiting, "done"), (silent, "done")],
)
def test_a_wait_ends_when_the_client_leaves(
    run: Run, do: Callable[[Pacer], Callable[[web.BaseRequest], Awaitable[None]]], ended: str
) -> None:
    async def converse() -> None:
        handling = Handling(do(Pacer(HandClock())))
        async with house(handling) as home:
            with await home.guest() as guest:
                await guest.send(GET)
                await handling.begun.wait()
                guest.reset()
                await eventually(lambda: handling.ended == [ended])
        assert home.said == []

    run(converse())


@pytest.mark.parametrize("leaves", LEAVING)
def test_silence_ends_with_any_sign_of_leaving(run: Run, leaves: str) -> None:
    async def converse() -> None:
        handling = Handling(silent(Pacer(HandClock())))
        async with house(handling) as home:
            with await home.guest() as guest:
                await guest.send(GET)
                assert await guest.hears_nothing()
                assert handling.ended == []
                LEAVING[leaves](guest)
                await eventually(lambda: handling.ended == ["done"])
            await eventually(lambda: home.listener.open_connections == 0)

    run(converse())


def test_who_sends_no_more_still_gets_what_is_to_come(run: Run) -> None:
    async def converse() -> None:
        clock = HandClock()
        handling = Handling(late(Pacer(clock)))
        async with house(handling) as home:
            with await home.guest() as guest:
                await guest.send(GET)
                guest.send_no_more()
                assert await guest.until(b"one") == b"head one"
                await clock.forward(61)
                assert await guest.rest() == b"two end"

    run(converse())


@pytest.mark.parametrize("do", [late, waiting, silent])
def test_a_stop_waits_for_nobody_who_has_gone(
    run: Run, do: Callable[[Pacer], Callable[[web.BaseRequest], Awaitable[None]]]
) -> None:
    """A client that has closed looks like one that sends no more."""

    async def converse() -> None:
        handling = Handling(do(Pacer(HandClock())))
        async with house(handling) as home:
            with await home.guest() as guest:
                await guest.send(GET)
                guest.streams[1].close()
                await asyncio.sleep(0.02)
                async with asyncio.timeout(1):
                    await home.listener.stop(30)
        assert len(handling.ended) == 1

    run(converse())


def test_a_stop_ends_silence_at_once(run: Run) -> None:
    async def converse() -> None:
        handling = Handling(silent(Pacer(HandClock())))
        async with house(handling) as home:
            guests = [await home.guest() for _ in range(20)]
            for guest in guests:
                await guest.send(GET)
            async with asyncio.timeout(1):
                await home.listener.stop(30)
            for guest in guests:
                with guest:
                    assert await guest.rest() == b""
        assert handling.ended == ["done"] * 20

    run(converse())


def test_what_is_due_already_is_not_waited_for(run: Run) -> None:
    async def converse() -> None:
        clock = FakeClock()
        handling = Handling(lambda request: until(connection_of(request), Pacer(clock), 0.0))
        async with house(handling) as home:
            with await home.guest() as guest:
                await guest.send(GET)
                assert await guest.rest() == b""
        assert clock.slept_to == []

    run(converse())


async def played(home: House, guest: Guest, size: int) -> bytes:
    """What a client gets that begins to read late."""
    transport = cast("asyncio.Transport", guest.streams[1].transport)
    transport.pause_reading()
    await guest.send(GET, wait=0.2)
    assert home.listener.open_connections == 1
    transport.resume_reading()
    return await guest.some(size)


def test_a_client_that_reads_late_gets_all(run: Run) -> None:
    """Steps that are due while it does not read are written when it does."""
    piece, count = b"x" * 1_000_000, 20
    steps = tuple((10.0 * n, piece) for n in range(count))
    framed = Framed(b"head", steps, b"end", keep_alive=False)

    async def converse() -> None:
        handling = Handling(partial(play, framed=framed, pacer=Pacer(FakeClock())))
        async with house(handling) as home:
            with await home.guest() as guest:
                whole = await played(home, guest, len(framed.whole))
                assert whole == framed.whole
            await eventually(lambda: handling.ended == ["done"])

    run(converse())


def test_a_client_that_leaves_while_it_does_not_read(run: Run) -> None:
    steps = tuple((10.0 * n, b"x" * 1_000_000) for n in range(20))
    framed = Framed(b"head", steps, b"", keep_alive=False)

    async def converse() -> None:
        handling = Handling(partial(play, framed=framed, pacer=Pacer(FakeClock())))
        async with house(handling) as home:
            with await home.guest() as guest:
                cast("asyncio.Transport", guest.streams[1].transport).pause_reading()
                await guest.send(GET, wait=0.1)
                assert handling.ended == []
                guest.reset()
                await eventually(lambda: len(handling.ended) == 1)
        assert handling.ended[0].startswith(("Connection", "ClientConnectionReset"))

    run(converse())


def test_no_step_overtakes_the_one_before(run: Run) -> None:
    framed = Framed(
        b"", ((50.0, b"one "), (10.0, b"two "), (60.0, b"three")), b"", keep_alive=False
    )

    async def converse() -> None:
        clock = FakeClock()
        handling = Handling(partial(play, framed=framed, pacer=Pacer(clock)))
        async with house(handling) as home:
            with await home.guest() as guest:
                await guest.send(GET)
                assert await guest.rest() == b"one two three"
        assert clock.slept_to == pytest.approx([0.05, 0.06])

    run(converse())


async def test_a_client_that_leaves_just_when_something_is_due() -> None:
    """Its task has not been told yet."""
    left = asyncio.Event()

    async def handle(asked: web.BaseRequest) -> web.StreamResponse:
        clock = HandClock()
        pacer, connection = Pacer(clock), connection_of(asked)
        steps = ((1000.0, b"never"),)
        playing = asyncio.create_task(play(asked, Framed(b"", steps, b"", keep_alive=False), pacer))
        await asyncio.sleep(0.01)
        asked.transport.abort()  # type: ignore[union-attr]  # it is there
        while connection.transport is not None:  # noqa: ASYNC110  # the very moment matters
            await asyncio.sleep(0)
        connection.close()  # it is looked at twice
        await clock.forward(1)
        with pytest.raises(ConnectionResetError):
            await playing
        left.set()
        return Written(keep_alive=False)

    async with house(handle) as home:
        with await home.guest() as guest:
            await guest.send(GET)
            await left.wait()


async def test_nothing_is_written_after_it_has_stopped() -> None:
    class Left:
        transport = None
        is_gone = True
        writing_paused = False

    framed = Framed(b"head", ((0.0, b"one"),), b"", keep_alive=False)
    playing = _Playing(cast("Connection", Left()), framed, 0.0)
    playing.stopped = asyncio.get_running_loop().create_future()
    playing.look()
    playing.look()
    assert playing.act(0.0) is None
    assert not playing.is_whole
