"""From a request on the wire to a call, and back: bodies, limits, what is told."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

import pytest

from llmreplay.core.journal import Entry, Outcome
from llmreplay.core.plan import Plan, Step
from llmreplay.proxy.reverse import Reverse
from llmreplay.proxy.wire import Prepared
from llmreplay.session import Answerer, Call, Ready
from tests.fakes.clock import FakeClock
from tests.proxy.guests import house

if TYPE_CHECKING:
    from collections.abc import Callable

FACTS = partial(Entry, "default", Outcome.HIT, "POST", "/v1", 200)


class Echo:
    """Answers with the body that it was asked with, and keeps the calls."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    async def answer(self, call: Call) -> Ready[Prepared]:
        self.calls.append(call)
        return Ready(Prepared(Plan(200, "OK", (), (Step(0, call.body),))), FACTS)


def reverse(echo: Echo, tell: Callable[[Entry], None], limit: int = 1_000) -> Reverse:
    answerer = cast("Answerer[Prepared]", echo)
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
