"""Clients that are slow, greedy or make no sense are refused in words; others are served."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING

import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.proxy.guests import Guest, House, Rules, echo, eventually, house

if TYPE_CHECKING:
    from collections.abc import Iterator

POST = b"POST /v1 HTTP/1.1\r\nHost: x\r\n"
GET = b"GET /v1 HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
UPGRADE = b" / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: "


def message(answer: bytes) -> str:
    """What an error body says."""
    told: str = json.loads(answer)["error"]["message"]
    return told.removeprefix("llmreplay: ")


# -- requests that are fine ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_bytes", "expected"),
    [
        (GET, b"GET /v1 "),
        (POST + b"Content-Length: 4\r\n\r\nbody", b"POST /v1 body"),
        (CHUNKED + b"2\r\nbo\r\n2;x=y\r\ndy\r\n0\r\nX-Sum: 1\r\n\r\n", b"POST /v1 body"),
        (b"GET //a/../b?x=%41#c HTTP/1.1\r\nHost: x\r\n\r\n", b"GET //a/../b?x=%41#c "),
        (b"\r\n" + GET, b"GET /v1 "),
        (
            b"DELETE / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
            b"DELETE / ",
        ),
        (
            b"GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
            b"GET / ",
        ),
    ],
)
@pytest.mark.parametrize("step", [1, 7, 10_000])
async def test_a_request_in_any_pieces(request_bytes: bytes, expected: bytes, step: int) -> None:
    async with house() as home:
        with await home.guest() as guest:
            for start in range(0, len(request_bytes), step):
                await guest.send(request_bytes[start : start + step])

            assert await guest.answer() == (200, expected)
            await guest.send(GET)
            assert await guest.answer() == (200, b"GET /v1 ")
    assert home.said == []


async def test_requests_may_follow_each_other_without_waiting() -> None:
    requests = [b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n" % number for number in range(100)]
    async with house() as home:
        with await home.guest() as guest:
            await guest.send(b"".join(requests))

            answers = [await guest.answer() for _ in requests]

    assert answers == [(200, b"GET /%d " % number) for number in range(100)]


async def test_http_1_0_closes_and_head_has_no_body() -> None:
    async with house() as home:
        with await home.guest() as guest:
            await guest.send(b"GET /old HTTP/1.0\r\n\r\n")
            assert await guest.rest() == b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nGET /old "
        with await home.guest() as guest:
            await guest.send(b"HEAD /h HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert await guest.rest() == b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n"


async def test_a_client_that_asks_whether_to_go_on_is_told_to() -> None:
    async with house() as home:
        with await home.guest() as guest:
            await guest.send(POST + b"Expect: 100-continue\r\nContent-Length: 4\r\n\r\n")
            assert await guest.answer() == (100, b"")

            await guest.send(b"body")
            assert await guest.answer() == (200, b"POST /v1 body")


async def test_a_client_that_ends_its_direction_is_still_answered() -> None:
    async with house() as home:
        with await home.guest() as guest:
            await guest.send(GET + GET)
            guest.send_no_more()

            assert await guest.answer() == (200, b"GET /v1 ")
            assert await guest.answer() == (200, b"GET /v1 ")
            await home.seconds_pass(1)
            assert await guest.rest() == b""


async def test_it_is_answered_also_if_the_answer_takes_time() -> None:
    go = asyncio.Event()

    async def slow(request: web.BaseRequest) -> web.StreamResponse:
        await go.wait()
        return await echo(request)

    async with house(slow) as home:
        with await home.guest() as guest:
            await guest.send(GET)
            guest.send_no_more()
            await home.seconds_pass(1000)
            go.set()

            assert await guest.answer() == (200, b"GET /v1 ")


# -- requests that make no sense ----------------------------------------------------------------

NOT_VALID = "the request is not valid HTTP/1.1: "
TOO_LONG = (
    "a line of the request's head is longer than 8,192 bytes; raise limits.max_header in "
    "llmreplay.yaml"
)
TOO_LARGE = (
    "the request body is larger than the limit of 100,000 bytes; raise limits.max_body in "
    "llmreplay.yaml"
)
TOO_MANY = (
    "more than 2 connections at a time; close some, or raise limits.max_connections in "
    "llmreplay.yaml"
)


@pytest.mark.parametrize(
    ("request_bytes", "status", "expected"),
    [
        # Smuggling: two ways to tell where the body ends.
        (
            CHUNKED[:-2] + b"Content-Length: 3\r\n\r\n0\r\n\r\n",
            400,
            NOT_VALID + "Content-Length can't be present with Transfer-Encoding",
        ),
        (
            POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
            NOT_VALID + "Transfer-Encoding can't be present with Content-Length",
        ),
        (
            POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
            400,
            NOT_VALID + "Duplicate Content-Length",
        ),
        (
            POST + b"Content-Length: 3, 3\r\n\r\nabc",
            400,
            NOT_VALID + "Invalid character in Content-Length",
        ),
        (
            POST + b"Content-Length: +3\r\n\r\nabc",
            400,
            NOT_VALID + "Invalid character in Content-Length",
        ),
        (
            POST + b"Content-Length: 99999999999999999999\r\n\r\n",
            400,
            NOT_VALID + "Content-Length overflow",
        ),
        (
            POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
            400,
            NOT_VALID + "Request has invalid `Transfer-Encoding`",
        ),
        (
            POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
            400,
            NOT_VALID + "Invalid `Transfer-Encoding` header value",
        ),
        (
            POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            400,
            "a body can only be chunked, and only in HTTP/1.1",
        ),
        (
            CHUNKED.replace(b"1.1", b"1.0") + b"0\r\n\r\n",
            400,
            "a body can only be chunked, and only in HTTP/1.1",
        ),
        (CHUNKED + b"-1\r\n", 400, NOT_VALID + "Invalid character in chunk size"),
        (CHUNKED + b"3\r\nabcd\r\n", 400, NOT_VALID + "Expected LF after chunk data"),
        (CHUNKED + b"3\nabc\n0\n\n", 400, NOT_VALID + "Missing expected CR after chunk size"),
        # Line ends and characters that others may read otherwise.
        (
            b"GET / HTTP/1.1\nHost: x\n\n",
            400,
            NOT_VALID + "Bad status line: Expected CRLF after version",
        ),
        (
            b"GET / HTTP/1.1\r\nHost: x\r\nX: a\rb\r\n\r\n",
            400,
            NOT_VALID + "Missing expected LF after header value",
        ),
        (
            b"GET / HTTP/1.1\r\nHost: x\r\nX: a\r\n folded\r\n\r\n",
            400,
            NOT_VALID + "Unexpected whitespace after header value",
        ),
        (
            b"GET / HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n",
            400,
            NOT_VALID + "Invalid header value char",
        ),
        (b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400, NOT_VALID + "Invalid header token"),
        (
            b"GET /secret\0 HTTP/1.1\r\nHost: x\r\n\r\n",
            400,
            NOT_VALID + "its target is neither a path nor a URL",
        ),
        # Who is meant, and what is spoken.
        (b"GET / HTTP/1.1\r\n\r\n", 400, NOT_VALID + "Missing 'Host' header in request."),
        (
            b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            400,
            NOT_VALID + "Duplicate 'Host' header found.",
        ),
        (
            b"GET secret HTTP/1.1\r\nHost: x\r\n\r\n",
            400,
            NOT_VALID + "its target is neither a path nor a URL",
        ),
        (
            b"GET / HTTP/1.1\r\nHost: x\r\nSec-WebSocket-Key1: secret\r\n\r\n",
            400,
            NOT_VALID + "a header that is not allowed",
        ),
        (b"SSH-2.0-OpenSSH\r\n", 400, NOT_VALID + "Invalid method encountered"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, NOT_VALID + "it is HTTP/2"),
        (
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            400,
            "the client speaks TLS to a port that does not: begin its base URL with http://",
        ),
        (
            b"CONNECT api.openai.com:443 HTTP/1.1\r\nHost: api.openai.com\r\n\r\n",
            405,
            "CONNECT is not understood: set the client's base URL instead of HTTPS_PROXY",
        ),
        (
            POST + b"Expect: miracles\r\nContent-Length: 3\r\n\r\n",
            417,
            "only 100-continue can be expected",
        ),
        # Too much.
        (
            b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 8200 + b"\r\n\r\n",
            431,
            TOO_LONG,
        ),
        (
            b"GET /" + b"a" * 8200 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
            431,
            TOO_LONG,
        ),
        (
            b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 300 + b"\r\n",
            431,
            "the request has too many headers",
        ),
        (
            POST + b"Content-Length: 100001\r\nExpect: 100-continue\r\n\r\n",
            413,
            TOO_LARGE,
        ),
    ],
)
async def test_a_refusal_says_what_is_wrong(
    request_bytes: bytes, status: int, expected: str
) -> None:
    async with house() as home:
        with await home.guest() as guest:
            await guest.send(request_bytes)

            refused, body = await guest.answer()
            guest.send_no_more()

            assert (refused, message(body)) == (status, expected)
            assert await guest.rest() == b""
        assert home.listener.counts.refused == 1
    assert "secret" not in str(home.said) + expected


async def test_a_refusal_behind_a_good_request_comes_after_its_answer() -> None:
    async with house() as home:
        with await home.guest() as guest:
            await guest.send(GET)
            await guest.send(b"nonsense\r\n\r\n")

            assert await guest.answer() == (200, b"GET /v1 ")
            assert (await guest.answer())[0] == 400
            assert await guest.rest() == b""


async def test_a_head_in_many_pieces_is_no_way_around_its_limit() -> None:
    async with house() as home:
        with await home.guest() as guest:
            await guest.send(b"GET / HTTP/1.1\r\nHost: x\r\n")
            for number in range(5):
                await guest.send(b"X-%d: %s\r\n" % (number, b"a" * 2000))

            status, body = await guest.answer()

            assert status == 431
            assert message(body) == (
                "the request's head is too large; see limits.max_header in llmreplay.yaml"
            )
            assert await guest.rest() == b""


@pytest.mark.parametrize("wait", [0.0, 0.02])
@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        (b"nonsense\r\n", "the request body is not valid HTTP/1.1"),
        (None, "the request body ends too early"),
    ],
)
async def test_a_body_that_breaks_off_is_refused_at_once(
    rest: bytes | None, expected: str, wait: float
) -> None:
    """Aiohttp leaves whoever reads such a body waiting for ever."""
    async with house() as home:
        with await home.guest() as guest:
            await guest.send(CHUNKED + b"3\r\nabc\r\n")
            await asyncio.sleep(wait)
            if rest is None:
                guest.send_no_more()
            else:
                await guest.send(rest)

            status, body = await guest.answer()

            assert (status, message(body)) == (400, expected)
            assert await guest.rest() == b""


async def test_the_rest_of_a_body_that_nobody_reads_is_thrown_away() -> None:
    async def early(request: web.BaseRequest) -> web.StreamResponse:
        del request
        return web.Response(status=403)

    async with house(early) as home:
        with await home.guest() as guest:
            await guest.send(POST + b"Content-Length: 90000\r\n\r\n")
            for _ in range(9):
                await guest.send(b"x" * 10_000)

            assert (await guest.answer())[0] == 403


# -- clients that take their time ---------------------------------------------------------------


async def test_a_head_that_does_not_come_to_its_end() -> None:
    async with house() as home:
        with await home.guest() as guest:
            await guest.send(b"GET / HTTP/1.1\r\n")
            for _ in range(4):  # a byte now and then buys no time
                await home.seconds_pass(1)
                await guest.send(b"X")
            assert await guest.hears_nothing()

            await home.seconds_pass(4)

            status, body = await guest.answer()
            assert (status, message(body)) == (
                408,
                "the request's head is too slow; see limits.header_timeout in llmreplay.yaml",
            )
            assert await guest.rest() == b""
        assert home.listener.counts.slow == 1


async def test_a_body_that_stops_coming() -> None:
    async with house() as home:
        with await home.guest() as guest:
            await guest.send(POST + b"Content-Length: 100\r\n\r\nabc")
            for _ in range(5):  # as long as it comes, it may take its time
                await home.seconds_pass(50)
                await guest.send(b"x")
            assert await guest.hears_nothing()

            await home.seconds_pass(61)

            status, body = await guest.answer()
            assert (status, message(body)) == (
                408,
                "the request body stopped coming; see limits.body_timeout in llmreplay.yaml",
            )
            assert await guest.rest() == b""
        assert home.listener.counts.slow == 1


@pytest.mark.parametrize("before", [b"", GET])
async def test_a_connection_that_is_not_used(before: bytes) -> None:
    async with house() as home:
        with await home.guest() as guest:
            await guest.send(before)
            if before:
                await guest.answer()
            await home.seconds_pass(70)
            assert await guest.hears_nothing()

            await home.seconds_pass(10)

            assert await guest.rest() == b""


async def test_a_connection_that_is_used_is_kept() -> None:
    async with house() as home:
        with await home.guest() as guest:
            for _ in range(5):
                await home.seconds_pass(60)
                await guest.send(POST + b"Content-Length: 4\r\n\r\n")
                await guest.send(b"body")
                assert await guest.answer() == (200, b"POST /v1 body")


async def test_an_answer_may_take_as_long_as_it_does() -> None:
    go = asyncio.Event()

    async def thinking(request: web.BaseRequest) -> web.StreamResponse:
        await go.wait()
        return await echo(request)

    async with house(thinking) as home:
        with await home.guest() as guest:
            await guest.send(GET)
            await home.seconds_pass(3600)
            assert await guest.hears_nothing()
            go.set()

            assert await guest.answer() == (200, b"GET /v1 ")


async def test_an_answer_that_nobody_reads_is_given_up() -> None:
    stuck = asyncio.Event()
    ended = asyncio.Event()

    async def endless(request: web.BaseRequest) -> web.StreamResponse:
        try:
            while request.transport is not None:
                request.transport.write(b"x" * 50_000_000)
                stuck.set()
                await request.writer.drain()
        finally:
            ended.set()
        return web.Response()

    async with house(endless) as home:
        with await home.guest() as guest:
            await guest.send(GET)
            await stuck.wait()
            for _ in range(20):  # until the system's buffers are full
                await home.seconds_pass(1)
            await home.seconds_pass(250)
            assert not ended.is_set()

            await home.seconds_pass(60)

            async with asyncio.timeout(5):
                await ended.wait()
        assert home.listener.counts.slow == 1


async def test_an_answer_that_is_read_slowly_is_read_whole() -> None:
    async def large(request: web.BaseRequest) -> web.StreamResponse:
        del request
        return web.Response(body=b"x" * 30_000_000)

    async with house(large) as home:
        with await home.guest() as guest:
            await guest.send(GET)
            for _ in range(3):
                await home.seconds_pass(250)
                assert len(await guest.some(9_000_000)) == 9_000_000

            assert (await guest.some(3_000_000))[-1:] == b"x"


async def test_a_head_that_grows_behind_a_running_request_ends_the_connection() -> None:
    go = asyncio.Event()

    async def slow(request: web.BaseRequest) -> web.StreamResponse:
        await go.wait()
        return await echo(request)

    async with house(slow) as home:
        with await home.guest() as guest:
            await guest.send(GET)
            await guest.send(b"GET / HTTP/1.1\r\n")
            for number in range(5):
                await guest.send(b"X-%d: %s\r\n" % (number, b"a" * 2000))
            go.set()

            assert await guest.answer() == (200, b"GET /v1 ")
            assert await guest.rest() == b""


# -- too many -----------------------------------------------------------------------------------


async def test_one_connection_too_many_is_told_so() -> None:
    async with house(rules=Rules(max_connections=2)) as home:
        with await home.guest() as first, await home.guest(), await home.guest() as third:
            await third.send(GET)
            status, body = await third.answer()
            assert (status, message(body)) == (503, TOO_MANY)
            assert await third.rest() == b""

            await first.send(GET)
            assert await first.answer() == (200, b"GET /v1 ")
        assert home.listener.counts.turned_away == 1


async def test_one_that_is_too_many_and_silent_does_not_stay() -> None:
    async with house(rules=Rules(max_connections=1)) as home:
        with await home.guest(), await home.guest() as second:
            await home.seconds_pass(11)

            assert await second.rest() == b""
        await eventually(lambda: home.listener.open_connections == 0)
        with await home.guest() as third:
            await third.send(GET)
            assert await third.answer() == (200, b"GET /v1 ")


async def test_far_too_many_are_just_closed() -> None:
    async with house(rules=Rules(max_connections=1)) as home:
        guests = [await home.guest() for _ in range(65)]
        reader, writer = await asyncio.open_connection("127.0.0.1", home.port)

        assert await reader.read() == b""

        writer.close()
        assert home.listener.open_connections == 65
        for guest in guests:
            guest.reset()


# -- our own faults -----------------------------------------------------------------------------


async def test_a_fault_of_ours_is_one_line_and_a_500(caplog: pytest.LogCaptureFixture) -> None:
    async def faulty(request: web.BaseRequest) -> web.StreamResponse:
        raise KeyError(request.method)

    async with house(faulty) as home:
        with await home.guest() as guest:
            await guest.send(GET)

            status, body = await guest.answer()

            assert (status, message(body)) == (
                500,
                "a fault of its own, KeyError; its log has more",
            )
            assert await guest.rest() == b""
        assert home.listener.counts.failed == 1
    assert home.said == ["GET failed here, with KeyError: 'GET'; please report it"]
    assert caplog.records == []


async def test_a_fault_in_the_middle_of_an_answer_ends_it() -> None:
    async def faulty(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"begun")
        raise KeyError

    async with house(faulty) as home:
        with await home.guest() as guest:
            await guest.send(GET)

            assert (await guest.rest()).endswith(b"5\r\nbegun\r\n")


@pytest.mark.parametrize("goes", ["reset", "send_no_more"])
async def test_a_client_that_leaves_is_no_fault(
    goes: str, caplog: pytest.LogCaptureFixture
) -> None:
    begun = asyncio.Event()

    async def reading(request: web.BaseRequest) -> web.StreamResponse:
        begun.set()
        return await echo(request)

    async with house(reading) as home:
        with await home.guest() as guest:
            await guest.send(POST + b"Content-Length: 10\r\n\r\nabc")
            await begun.wait()
            getattr(guest, goes)()
            await asyncio.sleep(0.05)
        assert home.listener.counts.failed == 0
    assert home.said == []
    assert caplog.records == []


# -- any bytes at all ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as made:
        yield made


GOOD = st.sampled_from(
    [
        GET,
        POST + b"Content-Length: 4\r\n\r\nbody",
        CHUNKED + b"2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n",
        POST + b"Expect: 100-continue\r\nContent-Length: 4\r\n\r\nbody",
        b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
        b"GET http://x/y HTTP/1.0\r\n\r\n",
    ]
)
NOISE = st.one_of(
    st.binary(max_size=20),
    st.sampled_from([b"\r\n", b"\0", b":", b" ", b"HTTP/1.1", b"Content-Length: 1\r\n", b"\xff"]),
)


@st.composite
def nearly_requests(draw: st.DrawFn) -> list[bytes]:
    """Requests with some of their bytes replaced, in some packets."""
    data = b"".join(draw(st.lists(st.one_of(GOOD, NOISE), min_size=1, max_size=3)))
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(data)))
        data = data[:start] + draw(NOISE) + data[start + draw(st.integers(0, 3)) :]
    cut = draw(st.integers(0, len(data)))
    return [data[:cut], data[cut:]]


@given(packets=st.one_of(nearly_requests(), st.lists(st.binary(max_size=100), max_size=2)))
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_bytes_are_answered_or_refused_without_a_traceback(
    packets: list[bytes], runner: asyncio.Runner, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.clear()
    faults: list[object] = []

    async def talk() -> tuple[bytes, House]:
        asyncio.get_running_loop().set_exception_handler(lambda _, fault: faults.append(fault))
        async with house() as home:
            with await home.guest() as guest:
                return await _said_to(guest, home, packets), home

    heard, home = runner.run(talk())

    assert heard == b"" or heard.startswith(b"HTTP/1.1 ")
    assert b" 500 " not in heard
    assert home.listener.counts.failed == 0
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert faults == []


async def _said_to(guest: Guest, home: House, packets: list[bytes]) -> bytes:
    """What a guest hears who sends `packets` and then no more."""
    try:
        for packet in packets:
            await guest.send(packet)
        guest.send_no_more()
        await home.seconds_pass(100)
        await home.seconds_pass(100)
        return await guest.rest()
    except OSError:  # the refusal was faster than the rest of the bytes
        return b""
