"""What is passed by unread comes through whole, at the pace of who takes it, and ends alike."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, cast

import pytest

from tests.proxy.gates import FakeGate, connect, trusting
from tests.proxy.guests import Guest, House, eventually, far_side, house

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from llmreplay.certificates import Authority
    from llmreplay.proxy.relay import Relay
    from tests.proxy.conftest import Run

ESTABLISHED = b"HTTP/1.1 200 Connection Established\r\n\r\n"


class Far:
    """The far end of one tunnel, in a test's hands."""

    def __init__(self) -> None:
        self.reader = asyncio.StreamReader()
        self.writer: asyncio.StreamWriter

    def reset(self) -> None:
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


@asynccontextmanager
async def tunnel(authority: Authority) -> AsyncIterator[tuple[House, Guest, Far]]:
    """A tunnel that is open, and both its ends."""
    far, arrived, leave = Far(), asyncio.Event(), asyncio.Event()

    async def arrive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far.reader, far.writer = reader, writer
        arrived.set()
        await leave.wait()
        writer.close()

    server = await asyncio.start_server(arrive, "127.0.0.1", 0)
    async with server:
        gate = FakeGate(authority, far=server.sockets[0].getsockname())
        async with house(gate=gate) as home:
            with await home.guest() as guest:
                await guest.send(connect("far.test:443"))
                assert await guest.until(b"\r\n\r\n") == ESTABLISHED
                await arrived.wait()
                yield home, guest, far
            leave.set()
            await eventually(lambda: home.listener.open_connections == 0)


async def heard(far: Far) -> bytes:
    """All that comes to the far end."""
    async with asyncio.timeout(5):
        return await far.reader.read()


def test_each_end_may_end_before_the_other(run: Run, authority: Authority) -> None:
    async def near_first() -> None:
        async with tunnel(authority) as (_, guest, far):
            await guest.send(b"question")
            guest.send_no_more()
            assert await heard(far) == b"question"
            far.writer.write(b"answer")
            far.writer.close()
            assert await guest.rest() == b"answer"

    async def far_first() -> None:
        async with tunnel(authority) as (_, guest, far):
            far.writer.write(b"hello")
            far.writer.write_eof()
            assert await guest.rest() == b"hello"
            await guest.send(b"late")
            guest.send_no_more()
            assert await heard(far) == b"late"

    async def both() -> None:
        await near_first()
        await far_first()

    run(both())


def test_an_end_that_breaks_breaks_the_other(run: Run, authority: Authority) -> None:
    async def converse() -> None:
        async with tunnel(authority) as (home, guest, far):
            far.reset()
            await guest.rest_or_reset()
            await eventually(lambda: home.listener.open_connections == 0)
        async with tunnel(authority) as (home, guest, far):
            guest.reset()
            assert await heard(far) == b""
            await eventually(lambda: home.listener.open_connections == 0)

    run(converse())


@pytest.mark.parametrize("way", ["there", "back"])
def test_who_sends_goes_at_the_pace_of_who_reads(run: Run, authority: Authority, way: str) -> None:
    piece, pieces = bytes(1_000_000), 60

    async def converse() -> None:
        async with tunnel(authority) as (home, guest, far):
            ends = [guest.streams, (far.reader, far.writer)]
            (_, sender), (reader, receiver) = ends if way == "there" else reversed(ends)
            sock = receiver.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
            waits = cast("asyncio.Transport", receiver.transport)
            waits.pause_reading()
            for _ in range(pieces):
                sender.write(piece)
                await asyncio.sleep(0.005)
            await asyncio.sleep(0.1)
            [relay] = cast("set[Relay]", home.listener._shared.open)
            assert sender.transport.get_write_buffer_size() > 0
            assert 0 < relay.unsent_bytes < 1_000_000

            waits.resume_reading()
            async with asyncio.timeout(20):
                assert await reader.readexactly(pieces * len(piece)) == pieces * piece

    run(converse())


async def test_one_that_nothing_passes_through_is_ended(authority: Authority) -> None:
    async with tunnel(authority) as (home, guest, far):
        await home.seconds_pass(590)
        await guest.send(b"x")
        assert await far.reader.readexactly(1) == b"x"
        await home.seconds_pass(590)
        assert await guest.hears_nothing()
        await home.seconds_pass(20)
        await guest.rest_or_reset()
        assert home.listener.counts.slow == 1


async def test_a_stop_waits_for_what_is_passing_only(authority: Authority) -> None:
    async with tunnel(authority) as (home, guest, _):
        await guest.send(b"x")
        stopping = asyncio.create_task(home.listener.stop(5))
        await asyncio.sleep(0.1)
        assert not stopping.done()
        await home.clock.forward(2)
        async with asyncio.timeout(1):
            await stopping
        await guest.rest_or_reset()


async def test_a_stop_cuts_what_goes_on_for_too_long(authority: Authority) -> None:
    async with tunnel(authority) as (home, guest, _):
        async with asyncio.timeout(1):
            await home.listener.stop(0.1)
        await guest.rest_or_reset()


@pytest.mark.parametrize("said", [b"", b"go away"], ids=["silently", "with a word"])
def test_a_far_end_that_leaves_at_once(run: Run, authority: Authority, said: bytes) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        writer.write_eof()
        await reader.read()
        writer.close()

    async def converse() -> None:
        server = await asyncio.start_server(speak, "127.0.0.1", 0)
        async with server:
            gate = SlowGate(authority, far=server.sockets[0].getsockname())
            async with house(gate=gate) as home:
                with await home.guest() as guest:
                    await guest.send(connect("far.test:443"))
                    assert await guest.rest() == ESTABLISHED + said
                await eventually(lambda: home.listener.open_connections == 0)

    run(converse())


def test_one_within_tls(run: Run, authority: Authority) -> None:
    async def converse() -> None:
        async with far_side() as far, house(gate=FakeGate(authority, far=far)) as home:
            with await home.guest() as guest:
                await guest.secure(trusting(authority), "localhost")
                await guest.send(connect("far.test:443"))
                assert await guest.until(b"\r\n\r\n") == ESTABLISHED
                await guest.send(b"x")
                assert await guest.some(1) == b"x"
            await eventually(lambda: home.listener.open_connections == 0)

    run(converse())


class SlowGate(FakeGate):
    """Takes its time after it has reached the far side."""

    async def reach(self, *where: object) -> asyncio.Transport:
        transport = await super().reach(*where)  # type: ignore[arg-type]  # passed on as it came
        await asyncio.sleep(0.1)
        return transport
