"""Plans on a real socket: what is written, when, and how it ends."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, TypeAlias, cast

import pytest

from llmreplay.core.exchange import Ending
from llmreplay.core.faults.stage import End
from llmreplay.core.journal import Entry, Outcome
from llmreplay.core.plan import Plan, Step, Wire
from llmreplay.proxy.connection import Connection
from llmreplay.proxy.deliver import Written, deliver, deliver_faulted, deliver_live
from llmreplay.proxy.pacing import Pacer
from llmreplay.proxy.wire import LAST_CHUNK, Prepared
from llmreplay.session import Live
from tests.fakes.clock import FakeClock
from tests.fakes.far_side import FakeAnswer
from tests.fakes.hand_clock import HandClock
from tests.proxy.gates import FakeGate, connect, trusting
from tests.proxy.guests import Guest, House, eventually, house

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from aiohttp import web

    from llmreplay.certificates import Authority
    from llmreplay.core.exchange import Headers
    from llmreplay.proxy.shared import Handler
    from llmreplay.session import Faulted
    from tests.proxy.conftest import Run

    Way: TypeAlias = Callable[
        [Authority, Handler], AbstractAsyncContextManager[tuple[House, Guest]]
    ]

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


CLOSING = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"


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


@pytest.mark.parametrize(
    ("method", "has_begun", "writes"),
    [
        ("GET", True, [HEAD_OF_STREAM + b"3\r\none\r\n", b"3\r\ntwo\r\n", LAST_CHUNK]),
        ("GET", False, [HEAD_OF_STREAM, b"3\r\none\r\n", b"3\r\ntwo\r\n", LAST_CHUNK]),
        ("HEAD", True, [b"HTTP/1.1 200 OK\r\n\r\n"]),
    ],
)
async def test_the_head_of_a_live_answer_waits_for_nothing_and_goes_with_what_is_here(
    method: str, writes: list[bytes], *, has_begun: bool
) -> None:
    written, clock = list[bytes](), FakeClock()
    pieces = [(0.0, b"one"), (1.0, b"two")] if method == "GET" else []
    answer = FakeAnswer(clock, pieces, headers=(), has_begun=has_begun)
    facts = Entry("default", Outcome.FORWARDED, method, "/", 200)
    live = Live(answer, None, None, lambda: facts, clock=clock, started=0, after_client_seconds=1)
    transport = SimpleNamespace(write=written.append, is_closing=lambda: False)
    request = SimpleNamespace(
        method=method,
        version=(1, 1),
        keep_alive=True,
        transport=transport,
        writer=SimpleNamespace(output_size=0, drain=lambda: asyncio.sleep(0)),
        protocol=SimpleNamespace(transport=transport),
    )
    await deliver_live(cast("web.BaseRequest", request), live)
    assert written == writes


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


# -- answers that are to break ------------------------------------------------------------------

TWO = (Step(0, b"data: 1\n\n"), Step(0, b"data: 2\n\n"))
FIRST = b"9\r\ndata: 1\n\n\r\n"
SOUND = HEAD_OF_STREAM + FIRST + b"9\r\ndata: 2\n\n\r\n"
SOUND_CLOSING = SOUND.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n", 1)
JSON = (Step(0, b'{"a": 1}'),)


@asynccontextmanager
async def in_the_clear(authority: Authority, handle: Handler) -> AsyncIterator[tuple[House, Guest]]:
    """A client of a base URL."""
    del authority
    async with house(handle) as home:
        with await home.guest() as guest:
            yield home, guest
        await eventually(lambda: home.listener.open_connections == 0)


WAYS = pytest.mark.parametrize("way", [in_the_clear, over_tls])


@WAYS
@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        (
            replace(stream(*TWO, ending=Ending.TRUNCATED), wire=Wire.BAD_CHUNK),
            HEAD_OF_STREAM + FIRST + b"no size\r\ndata: 2\n\n\r\n",
        ),
        (
            replace(stream(*TWO, ending=Ending.TRUNCATED), wire=Wire.BAD_LENGTH),
            HEAD_OF_STREAM + FIRST + b"8\r\ndata: 2\n\n\r\n",
        ),
        (
            Plan(200, "OK", (), JSON, False, Ending.TRUNCATED, Wire.BAD_LENGTH, 7),  # noqa: FBT003  # as a reader would write it
            b'HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n{"a": 1}',
        ),
        (
            Plan(200, "OK", (), JSON, ending=Ending.TRUNCATED, announced=900),
            b'HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{"a": 1}',
        ),
        (stream(*TWO, ending=Ending.TRUNCATED), SOUND),
        (stream(ending=Ending.TRUNCATED), HEAD_OF_STREAM),
    ],
    ids=["bad chunk", "bad length", "bad content-length", "short", "no last chunk", "empty"],
)
def test_an_answer_that_breaks_is_as_it_should_be_before(
    run: Run, authority: Authority, way: Way, plan: Plan, expected: bytes
) -> None:
    async def converse() -> None:
        async with way(authority, playing(plan)) as (home, guest):
            await guest.send(GET)
            assert await guest.rest() == expected
        assert home.said == []

    run(converse())


@WAYS
@pytest.mark.parametrize(
    ("plan", "before"),
    [
        (replace(stream(*TWO, ending=Ending.TRUNCATED), wire=Wire.STALL), SOUND),
        (Plan(200, "OK", (), JSON, announced=8, wire=Wire.STALL), JSON[0].data),
        (Plan(0, "", (), (), wire=Wire.SILENCE), b""),
    ],
    ids=["stream", "one piece", "no byte"],
)
@pytest.mark.parametrize("ends", ["client", "server"])
def test_a_stall_sends_nothing_until_the_client_leaves_or_we_end(  # noqa: PLR0917  # the table
    run: Run, authority: Authority, way: Way, plan: Plan, before: bytes, ends: str
) -> None:
    async def converse() -> None:
        async with way(authority, playing(plan)) as (home, guest):
            await guest.send(GET)
            if before:
                assert (await guest.until(before)).endswith(before)
            assert await guest.hears_nothing()
            assert home.listener.open_connections == 1
            if ends == "server":
                async with asyncio.timeout(1):
                    await home.listener.stop(30)
                assert await guest.rest() == b""
            else:
                guest.streams[1].close()
            await eventually(lambda: home.listener.open_connections == 0)
        assert home.said == []

    run(converse())


@WAYS
def test_a_hang_up_is_a_reset_without_a_byte(run: Run, authority: Authority, way: Way) -> None:
    plan = Plan(0, "", (), (), ending=Ending.RESET, wire=Wire.HANG_UP)

    async def converse() -> None:
        async with way(authority, playing(plan)) as (home, guest):
            await guest.send(GET)
            with pytest.raises(ConnectionResetError):
                await guest.rest()
        assert home.said == []

    run(converse())


async def test_a_head_may_be_late_and_alone() -> None:
    clock = NotingClock()
    plan = Plan(204, "No Content", (), (Step(800, b""),))

    async def handle(asked: web.BaseRequest) -> web.StreamResponse:
        return await deliver(asked, Prepared(plan), Pacer(clock))

    async with house(handle) as home:
        with await home.guest() as guest:
            clock.reader = guest.streams[0]
            await guest.send(GET)
            assert await guest.until(b"\r\n\r\n") == b"HTTP/1.1 204 No Content\r\n\r\n"
    assert (clock.slept_to, clock.got) == ([0.8], [b""])


async def test_a_client_that_has_left_already() -> None:
    left = asyncio.Event()

    async def handle(asked: web.BaseRequest) -> web.StreamResponse:
        await eventually(lambda: asked.transport is None)
        written = await deliver(asked, Prepared(stream(*TWO)), Pacer(FakeClock()))
        left.set()
        return written

    async with house(handle) as home:
        with await home.guest() as guest:
            await guest.send(GET)
            guest.reset()
            await left.wait()
    assert home.said == []


# -- live answers with faults -------------------------------------------------------------------


class FakeFaulted:
    """What `deliver_faulted` sees of a live answer with faults."""

    status, reason, started = 200, "OK", 0.0
    headers: Headers = ()

    def __init__(self, *steps: Step, end: End | None = None, known: bool = True) -> None:
        self._steps = steps
        self._known = known
        self.end = end or End()
        self.did: list[str] = []

    async def steps(self) -> AsyncIterator[tuple[Step, bool]]:
        for place, step in enumerate(self._steps, start=1):
            yield step, self._known and place == len(self._steps)
            await asyncio.sleep(0)

    def client_left(self) -> None:
        self.did.append("client left")

    def give_up(self) -> None:
        self.did.append("gave up")

    async def settled(self) -> None:
        self.did.append("settled")


def faulting(live: FakeFaulted, clock: FakeClock | HandClock | None = None) -> Handler:
    async def handle(asked: web.BaseRequest) -> web.StreamResponse:
        faulted = cast("Faulted", live)
        return await deliver_faulted(asked, faulted, Pacer(clock or FakeClock()))

    return handle


@WAYS
@pytest.mark.parametrize(
    ("end", "request_bytes", "expected"),
    [
        (End(), CLOSING, SOUND_CLOSING + b"0\r\n\r\n"),
        (End(Ending.TRUNCATED), GET, SOUND),
        (
            End(Ending.TRUNCATED, Wire.BAD_CHUNK),
            GET,
            HEAD_OF_STREAM + FIRST + b"no size\r\ndata: 2\n\n\r\n",
        ),
        (
            End(Ending.TRUNCATED, Wire.BAD_LENGTH),
            GET,
            HEAD_OF_STREAM + FIRST + b"8\r\ndata: 2\n\n\r\n",
        ),
        (
            End(),
            b"GET / HTTP/1.0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\ndata: 1\n\ndata: 2\n\n",
        ),
        (
            End(),
            b"HEAD / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n",
        ),
    ],
    ids=["sound", "short", "bad chunk", "bad length", "1.0", "head"],
)
def test_a_live_answer_ends_as_a_recorded_one_would(  # noqa: PLR0917  # the table
    run: Run, authority: Authority, way: Way, end: End, request_bytes: bytes, expected: bytes
) -> None:
    live = FakeFaulted(*TWO, end=end)

    async def converse() -> None:
        async with way(authority, faulting(live)) as (home, guest):
            await guest.send(request_bytes)
            assert await guest.rest() == expected
        assert live.did == ["settled"]
        assert home.said == []

    run(converse())


@WAYS
def test_a_live_answer_that_is_reset(run: Run, authority: Authority, way: Way) -> None:
    live = FakeFaulted(*TWO, end=End(Ending.RESET))

    async def converse() -> None:
        async with way(authority, faulting(live)) as (_, guest):
            await guest.send(GET)
            assert await guest.some(len(SOUND)) == SOUND
            with pytest.raises(ConnectionResetError):
                await guest.rest()
        assert live.did == ["settled"]

    run(converse())


@WAYS
def test_a_live_answer_that_stalls_goes_on_for_the_recording(
    run: Run, authority: Authority, way: Way
) -> None:
    live = FakeFaulted(*TWO, end=End(Ending.TRUNCATED, Wire.STALL))

    async def converse() -> None:
        async with way(authority, faulting(live)) as (home, guest):
            await guest.send(GET)
            assert await guest.some(len(SOUND)) == SOUND
            assert await guest.hears_nothing()
            guest.streams[1].close()
            await eventually(lambda: live.did == ["settled"])
        assert home.said == []

    run(converse())


@pytest.mark.parametrize("steps", [TWO, ()], ids=["some", "none"])
async def test_a_live_answer_whose_end_is_not_known_before_is_whole(
    steps: tuple[Step, ...],
) -> None:
    live = FakeFaulted(*steps, known=False)
    async with house(faulting(live)) as home:
        with await home.guest() as guest:
            for _ in range(2):
                await guest.send(GET)
                whole = (SOUND if steps else HEAD_OF_STREAM) + b"0\r\n\r\n"
                assert await guest.until(b"0\r\n\r\n") == whole
    assert live.did == ["settled"] * 2


async def test_a_live_answer_is_as_late_as_its_steps_are() -> None:
    clock = FakeClock()
    live = FakeFaulted(Step(0, b"one"), Step(250, b"two"))
    async with house(faulting(live, clock)) as home:
        with await home.guest() as guest:
            await guest.send(GET)
            await guest.until(b"0\r\n\r\n")
    assert clock.slept_to == [0.25]


@pytest.mark.parametrize("late", [True, False])
def test_a_client_that_leaves_a_live_answer_does_not_end_it(
    run: Run,
    late: bool,  # noqa: FBT001  # from the table
) -> None:
    clock = HandClock()
    live = FakeFaulted(Step(0, b"one"), Step(250 if late else 0, b"two"), Step(300, b"three"))

    async def converse() -> None:
        async with house(faulting(live, clock)) as home:
            with await home.guest() as guest:
                await guest.send(GET)
                await guest.until(b"one")
                guest.reset()
                await eventually(lambda: live.did == ["client left", "settled"])
        assert home.said == []

    run(converse())


async def test_a_live_answer_is_given_up_only_when_we_are_cut_off() -> None:
    live = FakeFaulted(Step(0, b"one"), Step(60_000, b"two"))
    async with house(faulting(live, HandClock())) as home:
        with await home.guest() as guest:
            await guest.send(GET)
            await guest.until(b"one")
            await home.listener.stop(0.1)
    assert live.did == ["gave up"]


async def test_a_live_answer_that_is_reset_by_a_rule_may_be_left_before() -> None:
    live = FakeFaulted(Step(0, b"one"), end=End(Ending.RESET))

    async def handle(asked: web.BaseRequest) -> web.StreamResponse:
        await eventually(lambda: asked.transport is None)
        return await deliver_faulted(asked, cast("Faulted", live), Pacer(FakeClock()))

    async with house(handle) as home:
        with await home.guest() as guest:
            await guest.send(GET)
            guest.reset()
            await eventually(lambda: live.did == ["client left", "settled"])
    assert home.said == []


async def test_a_large_answer_waits_for_its_reader() -> None:
    plan = Plan(200, "OK", (), (Step(0, b"x" * 20_000_000),))
    assert len(await received(plan, until=b"x" * 20_000_000)) > 20_000_000


async def test_a_client_that_leaves_before_a_step_is_due_ends_the_answer() -> None:
    ended = asyncio.Event()

    async def handle(asked: web.BaseRequest) -> web.StreamResponse:
        plan = stream(Step(0, b"one"), Step(60_000, b"two"))
        written = await deliver(asked, Prepared(plan), Pacer(HandClock()))
        assert not written.keep_alive
        ended.set()
        return written

    async with house(handle) as home:
        with await home.guest() as guest:
            await guest.send(GET)
            await guest.until(b"one")
            guest.reset()
            await ended.wait()
    assert home.said == []
