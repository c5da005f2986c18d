"""From a request on the wire to a call, and back: bodies, limits, what is told."""

from __future__ import annotations

import base64
from functools import partial
from typing import TYPE_CHECKING, cast

import pytest
from aiohttp import web

from llmreplay.core.journal import Entry, Outcome
from llmreplay.core.plan import Plan, Step
from llmreplay.proxy.reverse import Reverse
from llmreplay.proxy.wire import Prepared
from llmreplay.session import Call, Ready, Sessions
from tests.fakes.clock import FakeClock
from tests.proxy.gates import FakeGate, trusting
from tests.proxy.guests import house

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmreplay.certificates import Authority

FACTS = partial(Entry, "default", Outcome.HIT, "POST", "/v1", 200)


class Echo:
    """Answers with the body that it was asked with, and keeps the calls.

    What was asked before it answers at once, and keeps that in `at_once_too`.
    """

    def __init__(self, *, wait_ms: float = 0) -> None:
        self.calls: list[Call] = []
        self.at_once_too: list[Call] = []
        self.wait_ms = wait_ms

    async def answer(self, call: Call) -> Ready[Prepared]:
        self.calls.append(call)
        return self._ready(call)

    def at_once(self, call: Call) -> Ready[Prepared] | None:
        if call not in self.calls:
            return None
        self.at_once_too.append(call)
        return self._ready(call)

    def _ready(self, call: Call) -> Ready[Prepared]:
        steps = (Step(0, call.body[:1]), Step(self.wait_ms, call.body[1:]))
        return Ready(Prepared(Plan(200, "OK", (), steps)), FACTS)


def reverse(echo: Echo, tell: Callable[[Entry], None], limit: int = 1_000) -> Reverse:
    answerer = cast("Sessions[Prepared]", echo)
    return Reverse(answerer, clock=FakeClock(), tell=tell, max_body_bytes=limit)


async def test_a_call_is_what_was_on_the_wire() -> None:
    echo, told = Echo(), list[Entry]()
    async with house(reverse(echo, told.append).handle) as home:
        with await home.guest() as guest:
            await guest.send(
                b"POST /v1/a%2Fb?x=%20 HTTP/1.1\r\nHost: h\r\nX-One: 1\r\nx-one: 2\r\n"
                b"Content-Length: 3\r\n\r\nabc"
            )
            assert await guest.answer() == (200, b"abc")
    headers = (("Host", "h"), ("X-One", "1"), ("x-one", "2"), ("Content-Length", "3"))
    assert echo.calls == [Call("POST", "/v1/a%2Fb?x=%20", headers, b"abc")]
    assert told == [FACTS(elapsed_ms=0.0)]


class Desk:
    """Takes what is asked of llmreplay itself, and keeps whether that came through the proxy."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, bool]] = []

    def takes(self, target: str) -> bool:
        return "/_llmreplay/" in target

    async def __call__(self, request: web.BaseRequest, *, proxied: bool) -> web.StreamResponse:
        self.asked.append((request.raw_path, proxied))
        return web.Response(body=b"desk")


async def test_what_is_asked_of_llmreplay_itself_is_handed_on(authority: Authority) -> None:
    echo, desk = Echo(), Desk()
    asked = Reverse(
        cast("Sessions[Prepared]", echo),
        clock=FakeClock(),
        tell=lambda _: None,
        max_body_bytes=1_000,
        control=desk,
    )
    gate = FakeGate(authority)
    async with house(asked.handle, gate=gate, early=asked) as home:
        with await home.guest() as guest:
            for target in (b"/_llmreplay/a", b"/_llmother", b"http://h/_llmreplay/b"):
                await guest.send(b"GET " + target + b" HTTP/1.1\r\nHost: h\r\n\r\n")
                assert (await guest.answer())[0] == 200
        with await home.guest() as guest:
            await guest.send(b"CONNECT api.openai.com:443 HTTP/1.1\r\nHost: x\r\n\r\n")
            await guest.until(b"\r\n\r\n")
            await guest.secure(trusting(authority), "api.openai.com")
            await guest.send(b"GET /_llmreplay/c HTTP/1.1\r\nHost: h\r\n\r\n")
            assert await guest.answer() == (200, b"desk")
    assert [call.target for call in echo.calls] == ["/_llmother"]
    assert desk.asked == [
        ("/_llmreplay/a", False),
        ("http://h/_llmreplay/b", True),
        ("/_llmreplay/c", True),
    ]


# -- through the proxy --------------------------------------------------------------------------


def basic(text: str) -> bytes:
    return b"Proxy-Authorization: Basic " + base64.b64encode(text.encode())


async def calls(authority: Authority, *asked: tuple[bytes, bytes]) -> list[tuple[object, ...]]:
    """Target, origin and session of the calls that come of requests on one connection."""
    echo = Echo()
    async with house(reverse(echo, lambda _: None).handle, gate=FakeGate(authority)) as home:
        with await home.guest() as guest:
            for target, header in asked:
                meant = target.replace(b"PORT", str(home.port).encode())
                await guest.send(b"GET " + meant + b" HTTP/1.1\r\nHost: h\r\n" + header)
                await guest.send(b"\r\n\r\n" if header else b"\r\n")
                assert await guest.answer() == (200, b"")
    return [(call.target, call.origin, call.proxy_session) for call in echo.calls]


async def test_one_connection_to_the_proxy_serves_many_hosts(authority: Authority) -> None:
    assert await calls(
        authority,
        (b"http://a.test/v1?x", b""),
        (b"https://b.test:444", basic("alice:")),
        (b"/openai/v1", b""),
        (b"http://localhost:PORT/openai/v1", b""),
    ) == [
        ("/v1?x", "http://a.test", None),
        ("/", "https://b.test:444", "alice"),
        ("/openai/v1", "", None),
        ("/openai/v1", "", None),
    ]


async def test_a_request_about_the_server_as_a_whole(authority: Authority) -> None:
    echo = Echo()
    async with house(reverse(echo, lambda _: None).handle, gate=FakeGate(authority)) as home:
        with await home.guest() as guest:
            await guest.send(b"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n")
            assert await guest.answer() == (200, b"")
    assert (echo.calls[0].target, echo.calls[0].origin) == ("*", "")


async def test_requests_in_a_tunnel_have_its_origin(authority: Authority) -> None:
    echo = Echo()
    async with house(reverse(echo, lambda _: None).handle, gate=FakeGate(authority)) as home:
        with await home.guest() as guest:
            head = b"Host: x\r\n" + basic("alice:") + b"\r\n\r\n"
            await guest.send(b"CONNECT api.openai.com:443 HTTP/1.1\r\n" + head)
            await guest.until(b"\r\n\r\n")
            await guest.secure(trusting(authority), "api.openai.com")
            for target in (b"/v1", b"https://api.openai.com/v1"):
                await guest.send(b"POST " + target + b" HTTP/1.1\r\nHost: h\r\n")
                await guest.send(b"Content-Length: 2\r\n\r\nhi")
                assert await guest.answer() == (200, b"hi")
    assert [(call.target, call.origin, call.proxy_session) for call in echo.calls] == [
        ("/v1", "https://api.openai.com", "alice"),
        ("/v1", "https://api.openai.com", "alice"),
    ]


@pytest.mark.parametrize(
    ("target", "header", "password", "status"),
    [
        (b"http://a.test/v1", basic("a b:"), "", 400),
        (b"http://a.test/v1", basic("alice:wrong"), "right", 407),
        (b"ftp://a.test/v1", b"X: y", "", 400),
    ],
)
async def test_a_request_to_the_proxy_that_is_refused_is_told(
    authority: Authority, target: bytes, header: bytes, password: str, status: int
) -> None:
    echo, told = Echo(), list[Entry]()
    gate = FakeGate(authority, password)
    async with house(reverse(echo, told.append).handle, gate=gate) as home:
        with await home.guest() as guest:
            await guest.send(b"GET " + target + b" HTTP/1.1\r\nHost: h\r\n" + header)
            await guest.send(b"\r\n\r\n")
            assert (await guest.answer())[0] == status
            assert await guest.rest() == b""
    assert echo.calls == []
    assert [(entry.outcome, entry.status) for entry in told] == [(Outcome.REFUSED, status)]


async def test_where_there_is_no_proxy_a_target_is_as_it_is() -> None:
    echo = Echo()
    async with house(reverse(echo, lambda _: None).handle) as home:
        with await home.guest() as guest:
            await guest.send(b"GET http://a.test/v1 HTTP/1.1\r\nHost: h\r\n\r\n")
            assert await guest.answer() == (200, b"")
    assert (echo.calls[0].target, echo.calls[0].origin) == ("http://a.test/v1", "")


# -- bodies -------------------------------------------------------------------------------------


@pytest.mark.parametrize("pieces", [[b"ab", b"cdef"], [b"a", b"b", b"c", b"d", b"e", b"f"]])
async def test_a_body_may_come_in_pieces(pieces: list[bytes]) -> None:
    echo = Echo()
    async with house(reverse(echo, lambda _entry: None).handle) as home:
        with await home.guest() as guest:
            await guest.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\n")
            for piece in pieces:
                await guest.send(piece)
            assert await guest.answer() == (200, b"abcdef")


async def test_a_request_without_a_body_has_none() -> None:
    echo = Echo()
    async with house(reverse(echo, lambda _entry: None).handle) as home:
        with await home.guest() as guest:
            await guest.send(b"GET /v1/models HTTP/1.1\r\nHost: h\r\n\r\n")
            assert await guest.answer() == (200, b"")
    assert echo.calls[0].body == b""


async def test_a_chunked_body_beyond_the_limit_is_refused_and_told() -> None:
    echo, told = Echo(), list[Entry]()
    async with house(reverse(echo, told.append, limit=10).handle) as home:
        with await home.guest() as guest:
            await guest.send(b"POST /v1?key=secret HTTP/1.1\r\nHost: h\r\n")
            await guest.send(b"Transfer-Encoding: chunked\r\n\r\nb\r\n01234567890\r\n0\r\n\r\n")
            status, body = await guest.answer()
            assert await guest.rest() == b""
    assert (status, echo.calls) == (413, [])
    assert b"limits.max_body" in body
    [entry] = told
    assert (entry.outcome, entry.status) == (Outcome.REFUSED, 413)
    assert "secret" not in entry.target


ABC = b"POST /v1 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"


async def test_what_is_in_memory_is_answered_at_once() -> None:
    echo, told = Echo(), list[Entry]()
    way = reverse(echo, told.append)
    async with house(way.handle, early=way) as home:
        with await home.guest() as guest:
            for _ in range(3):
                await guest.send(ABC)
                assert await guest.answer() == (200, b"abc")
    assert (len(echo.calls), len(echo.at_once_too), len(told)) == (1, 2, 3)
    assert echo.at_once_too == echo.calls * 2


@pytest.mark.parametrize(
    "asked",
    [
        b"HEAD /v1 HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET /v1 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
        b"GET /v1 HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n",
        b"POST /v1 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET http://127.0.0.1/v1 HTTP/1.1\r\nHost: h\r\n\r\n",
        b"POST /v1 HTTP/1.1\r\nHost: h\r\nContent-Length: 1001\r\n\r\n" + b"a" * 1_001,
        ABC + ABC,
    ],
    ids=["head", "close", "1.0", "chunked", "absolute", "too large", "two"],
)
async def test_what_is_unusual_goes_the_usual_way(asked: bytes) -> None:
    echo = Echo()
    way = reverse(echo, lambda _entry: None)
    async with house(way.handle, early=way) as home:
        with await home.guest() as guest:
            await guest.send(ABC)
            await guest.answer()
            await guest.send(asked)
            assert (await guest.answer())[0] in {200, 413}
    assert echo.at_once_too == []


async def test_an_answer_that_waits_is_found_once_and_played() -> None:
    echo, told = Echo(wait_ms=5), list[Entry]()
    way = reverse(echo, told.append)
    async with house(way.handle, early=way) as home:
        with await home.guest() as guest:
            for _ in range(2):
                await guest.send(ABC)
                assert await guest.answer() == (200, b"abc")
    assert (len(echo.calls), len(echo.at_once_too), len(told)) == (1, 1, 2)


async def test_what_is_too_much_for_one_write_is_played() -> None:
    echo = Echo()
    way = reverse(echo, lambda _entry: None, limit=100_000)
    large = b"POST /v1 HTTP/1.1\r\nHost: h\r\nContent-Length: 90000\r\n\r\n" + b"a" * 90_000
    async with house(way.handle, early=way) as home:
        with await home.guest() as guest:
            for _ in range(2):
                await guest.send(large)
                assert await guest.answer() == (200, b"a" * 90_000)


async def test_a_fault_at_once_is_one_line_and_a_500() -> None:
    class Faulty(Echo):
        def at_once(self, call: Call) -> Ready[Prepared] | None:
            del call
            raise ZeroDivisionError("by nothing")

    way = reverse(Faulty(), lambda _entry: None)
    async with house(way.handle, early=way) as home:
        with await home.guest() as guest:
            await guest.send(ABC[:10])
            await guest.send(ABC[10:])
            status, body = await guest.answer()
    assert (status, b"ZeroDivisionError" in body) == (500, True)
    assert home.said == ["POST failed here, with ZeroDivisionError: by nothing; please report it"]


async def test_bytes_that_came_before_are_the_same_call() -> None:
    echo, told = Echo(), list[Entry]()
    way = reverse(echo, told.append)
    async with house(way.handle, early=way) as home:
        for _ in range(2):
            with await home.guest() as guest:
                for _ in range(3):
                    await guest.send(ABC)
                    assert await guest.answer() == (200, b"abc")
    second, *others = echo.at_once_too
    assert len(told) == 6
    assert len(others) >= 3  # the first of a connection may come before anybody waits for it
    assert all(call is second for call in others)


@pytest.mark.parametrize(
    ("before", "statuses"),
    [
        (b"GET /v1 HTTP/1.1\r\nX-Part: ", [200]),
        (b"GET /v1 HTTP/1.1\r\nHost: h\r\n", [400]),
        (b"POST /v1 HTTP/1.1\r\nHost: h\r\nContent-Length: 61\r\n\r\n" + b"x" * 9, [200]),
        (b"\r\n", [200]),
        (ABC + ABC[:-3], [200, 200]),
        (ABC + ABC, [200, 200, 200]),
    ],
    ids=["a header", "a line", "a body", "an empty line", "one and a half", "two"],
)
async def test_the_same_bytes_within_another_request_are_part_of_that(
    before: bytes, statuses: list[int]
) -> None:
    echo = Echo()
    way = reverse(echo, lambda _entry: None)
    async with house(way.handle, early=way) as home:
        with await home.guest() as guest:
            for _ in range(3):
                await guest.send(ABC)
                await guest.answer()
            asked = len(echo.at_once_too)
            await guest.send(before)
            await guest.send(ABC)
            assert [(await guest.answer())[0] for _ in statuses] == statuses
    again = [call for call in echo.at_once_too[asked:] if call is echo.at_once_too[1]]
    assert again == []


async def test_the_same_bytes_may_get_an_answer_that_waits() -> None:
    echo, told = Echo(), list[Entry]()
    way = reverse(echo, told.append)
    async with house(way.handle, early=way) as home:
        with await home.guest() as guest:
            for turn in range(5):
                echo.wait_ms = 5 if turn > 2 else 0
                await guest.send(ABC)
                assert await guest.answer() == (200, b"abc")
    assert (len(echo.calls), len(echo.at_once_too), len(told)) == (1, 4, 5)


async def test_the_same_bytes_may_meet_a_fault_of_ours() -> None:
    class Faulty(Echo):
        def at_once(self, call: Call) -> Ready[Prepared] | None:
            if len(self.at_once_too) > 1:
                raise ZeroDivisionError
            return super().at_once(call)

    way = reverse(Faulty(), lambda _entry: None)
    async with house(way.handle, early=way) as home:
        with await home.guest() as guest:
            for status in (200, 200, 200, 500):
                await guest.send(ABC)
                assert (await guest.answer())[0] == status
