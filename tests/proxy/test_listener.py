"""The door opens where it may, looks after those inside, and closes in good order."""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import uvloop

from llmreplay.errors import UsageError
from llmreplay.proxy.greeting import Greeting
from llmreplay.proxy.listener import Listener
from tests.fakes.hand_clock import HandClock
from tests.proxy.guests import Guest, Rules, echo, eventually, house

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp import web

GET = b"GET /v1 HTTP/1.1\r\nHost: x\r\n\r\n"


async def ask(host: str, port: int) -> tuple[int, bytes]:
    """The answer to a request at an address."""
    with Guest(*await asyncio.open_connection(host, port)) as guest:
        await guest.send(GET)
        return await guest.answer()


# -- opening ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "reached_at"),
    [("127.0.0.1", "127.0.0.1"), ("localhost", "localhost"), ("::1", "::1")],
)
async def test_it_listens_on_any_loopback_host(host: str, reached_at: str) -> None:
    listener = Listener(echo, Rules(), clock=HandClock())
    try:
        url = await listener.start(host, 0)
    except UsageError:
        pytest.skip("this machine has no IPv6")

    assert await ask(reached_at, int(url.rpartition(":")[2])) == (200, b"GET /v1 ")

    await listener.stop(1)


@pytest.mark.parametrize(
    "loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"]
)
def test_it_works_on_either_event_loop(
    loop_factory: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    async def converse() -> None:
        async with house() as home, asyncio.timeout(10):
            with await home.guest() as guest:
                await guest.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbo")
                await guest.send(b"dy")
                assert await guest.answer() == (200, b"POST / body")
                await guest.send(GET)
                guest.send_no_more()
                assert await guest.answer() == (200, b"GET /v1 ")
            with await home.guest() as guest:
                await guest.send(b"GET")
                await home.seconds_pass(11)
                assert (await guest.answer())[0] == 408
                assert await guest.rest() == b""

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(converse())


async def test_a_port_in_use_is_a_mistake_that_is_named() -> None:
    async with house() as home:
        with pytest.raises(UsageError, match=f"port {home.port} of 127.0.0.1 is taken"):
            await Listener(echo, Rules(), clock=HandClock()).start("127.0.0.1", home.port)


async def test_other_machines_are_let_in_only_on_purpose() -> None:
    said: list[str] = []
    listener = Listener(echo, Rules(), clock=HandClock(), say=said.append)
    opens = "every machine that reaches this one can read the recordings and send requests"

    with pytest.raises(UsageError) as refusal:
        await listener.start("0.0.0.0", 0)  # noqa: S104  # to see it refused
    assert str(refusal.value) == (
        f"0.0.0.0 is not only this machine: {opens}; take --host 127.0.0.1, or say "
        "--allow-remote if that is meant"
    )
    assert said == []

    url = await listener.start("0.0.0.0", 0, allow_remote=True)  # noqa: S104  # closed at once
    assert said == [f"listening on 0.0.0.0: {opens}"]
    assert await ask("127.0.0.1", int(url.rpartition(":")[2])) == (200, b"GET /v1 ")

    await listener.stop(1)


def test_without_the_c_parser_it_does_not_start() -> None:
    script = (
        "import asyncio, sys\n"
        "from tests.proxy.guests import Rules, echo\n"
        "from tests.fakes.clock import FakeClock\n"
        "from llmreplay.proxy.listener import Listener\n"
        "try:\n"
        "    asyncio.run(Listener(echo, Rules(), clock=FakeClock()).start('127.0.0.1', 0))\n"
        "except Exception as error:\n"
        "    print(type(error).__name__, error, sep=': ')\n"
    )

    done = subprocess.run(  # noqa: S603  # our interpreter and our script
        [sys.executable, "-c", script],
        env={**os.environ, "AIOHTTP_NO_EXTENSIONS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == (
        "UsageError: aiohttp is running without its C parser: unset AIOHTTP_NO_EXTENSIONS, or "
        "install aiohttp from a wheel\n"
    )


# -- open files ---------------------------------------------------------------------------------


class FileLimit:
    """The system's limit on open files, as a test wants it."""

    def __init__(self, soft: int, hard: int) -> None:
        self.soft = soft
        self.hard = hard

    def get(self, _: int) -> tuple[int, int]:
        return self.soft, self.hard

    def set(self, _: int, limits: tuple[int, int]) -> None:
        self.soft = limits[0]


@pytest.mark.parametrize(
    ("soft", "hard", "then", "allowed"),
    [
        (256, 100_000, 2_128, 1_000),
        (256, resource.RLIM_INFINITY, 2_128, 1_000),
        (50_000, 100_000, 50_000, 1_000),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, resource.RLIM_INFINITY, 1_000),
        (256, 1_024, 1_024, 448),
        (64, 64, 64, 1),
    ],
)
async def test_there_are_never_more_connections_than_files(
    soft: int, hard: int, then: int, allowed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = FileLimit(soft, hard)
    monkeypatch.setattr("resource.getrlimit", limit.get)
    monkeypatch.setattr("resource.setrlimit", limit.set)

    async with house(rules=Rules(max_connections=1_000)) as home:
        assert limit.soft == then
        warning = (
            f"room for {allowed} connections at a time, not 1,000, for only {hard:,} files "
            "may be open: raise it with ulimit -n"
        )
        assert home.said == ([] if allowed == 1_000 else [warning])


async def test_a_system_that_does_not_let_it_raise_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_: int, limits: tuple[int, int]) -> None:
        raise ValueError(limits)

    monkeypatch.setattr("resource.getrlimit", FileLimit(1_024, 4_096).get)
    monkeypatch.setattr("resource.setrlimit", refuse)

    async with house(rules=Rules(max_connections=1_000)) as home:
        assert home.said[0].startswith("room for 448 connections at a time, not 1,000")


# -- looking after those inside -----------------------------------------------------------------


async def test_many_mistakes_make_few_lines() -> None:
    async with house() as home:
        for _ in range(50):
            with await home.guest() as guest:
                await guest.send(b"nonsense\r\n\r\n")
                await guest.rest()
        line = "refused a request: llmreplay: the request is not valid HTTP/1.1: Invalid method"
        assert home.said == [f"{line} encountered"] * 5

        await home.seconds_pass(20)

        assert home.said[5:] == ["and 45 more like these in 10 s"]
        assert home.listener.counts.refused == 50


async def test_one_connection_that_cannot_be_looked_after_harms_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sweep = Greeting.sweep
    odd: list[Greeting] = []

    def faulty(connection: Greeting, now: float) -> None:
        odd[:] = odd or [connection]
        if connection is odd[0]:
            raise KeyError("odd")
        sweep(connection, now)

    monkeypatch.setattr(Greeting, "sweep", faulty)
    async with house() as home:
        with await home.guest() as first, await home.guest() as second:
            await home.seconds_pass(80)
            await home.seconds_pass(80)

            assert sorted([await first.hears_nothing(), await second.hears_nothing()]) == [
                False,
                True,
            ]
    assert home.said[0] == "looking after a connection failed: KeyError('odd')"


# -- closing ------------------------------------------------------------------------------------


async def test_a_stop_closes_what_is_idle_and_lets_nobody_in() -> None:
    async with house() as home:
        with await home.guest() as guest, await home.guest() as used:
            await used.send(GET)
            await used.answer()

            await home.listener.stop(5)

            assert await guest.rest() == b""
            assert await used.rest() == b""
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", home.port)


async def test_a_stop_waits_for_what_is_being_answered() -> None:
    begun = asyncio.Event()
    go = asyncio.Event()

    async def slow(request: web.BaseRequest) -> web.StreamResponse:
        begun.set()
        await go.wait()
        return await echo(request)

    async with house(slow) as home:
        with await home.guest() as guest:
            await guest.send(GET)
            await begun.wait()
            stopping = asyncio.create_task(home.listener.stop(5))
            await asyncio.sleep(0.1)
            assert not stopping.done()

            go.set()
            await stopping

            assert await guest.answer() == (200, b"GET /v1 ")
            assert await guest.rest() == b""


async def test_a_stop_waits_for_a_body_that_is_arriving() -> None:
    async with house() as home:
        with await home.guest() as guest:
            await guest.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbo")
            stopping = asyncio.create_task(home.listener.stop(5))
            await asyncio.sleep(0.1)

            await guest.send(b"dy")

            assert await guest.answer() == (200, b"POST / body")
            await stopping


@pytest.mark.parametrize("leaves", [False, True], ids=["client waits", "client has left"])
async def test_a_stop_does_not_wait_for_ever(*, leaves: bool) -> None:
    begun = asyncio.Event()
    ended: list[str] = []

    async def endless(request: web.BaseRequest) -> web.StreamResponse:
        begun.set()
        try:
            await asyncio.sleep(1000)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise
        return await echo(request)

    async with house(endless) as home:
        with await home.guest() as guest:
            await guest.send(GET)
            await begun.wait()
            if leaves:
                guest.reset()
                await eventually(lambda: home.listener.open_connections == 0)
                assert ended == []

            await home.listener.stop(0.1)

            assert ended == ["cancelled"]
            assert home.listener.open_connections == 0


async def test_a_stop_waits_for_a_recording_whose_client_has_left() -> None:
    begun = asyncio.Event()
    go = asyncio.Event()
    ended: list[str] = []

    async def recording(request: web.BaseRequest) -> web.StreamResponse:
        begun.set()
        await go.wait()
        ended.append("stored")
        return await echo(request)

    async with house(recording) as home:
        with await home.guest() as guest:
            await guest.send(GET)
            await begun.wait()
            guest.reset()
            await eventually(lambda: home.listener.open_connections == 0)
            stopping = asyncio.create_task(home.listener.stop(5))
            await asyncio.sleep(0.1)
            assert not stopping.done()

            go.set()
            await stopping

            assert ended == ["stored"]


async def test_a_listener_that_was_never_started_stops() -> None:
    await Listener(echo, Rules(), clock=HandClock()).stop(0)
