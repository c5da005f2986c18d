"""An answer is given as it arrives, to its last byte, and how it ended is known."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from llmreplay.core.exchange import Ending
from tests.fakes.origin import Asked, Close, Origin, Reset, Send, Step, Wait
from tests.upstream.reaching import heard, post, reaching

if TYPE_CHECKING:
    from collections.abc import Iterable

KNOWN = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
UNTIL_CLOSE = b"HTTP/1.1 200 OK\r\n\r\n"
PAUSE = Wait(0.05)

WHOLE = ""
CLOSED = "closed the connection in the middle of its answer"
BROKE = "broke the connection in the middle of its answer"
NOT_HTTP = "sent chunks that are not valid HTTP/1.1"
SILENT = "sent nothing for 0.3 s"


@pytest.mark.parametrize(
    ("steps", "ending", "body", "problem"),
    [
        ([Send(KNOWN + b"0123456789")], Ending.COMPLETE, b"0123456789", WHOLE),
        ([Send(CHUNKED + b"3\r\nabc\r\n0\r\n\r\n")], Ending.COMPLETE, b"abc", WHOLE),
        ([Send(CHUNKED + b"3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n")], Ending.COMPLETE, b"abc", WHOLE),
        ([Send(UNTIL_CLOSE + b"abc"), Close()], Ending.COMPLETE, b"abc", WHOLE),
        ([Send(UNTIL_CLOSE + b"abc"), PAUSE, Close()], Ending.COMPLETE, b"abc", WHOLE),
        ([Send(b"HTTP/1.0 200 OK\r\n\r\nabc"), Close()], Ending.COMPLETE, b"abc", WHOLE),
        # What comes after a whole answer is none of it.
        ([Send(KNOWN + b"0123456789"), PAUSE, Send(b"more")], Ending.COMPLETE, b"0123456789", ""),
        ([Send(KNOWN + b"0123456789"), PAUSE, Reset()], Ending.COMPLETE, b"0123456789", WHOLE),
        # FIN before the end, at once or later.
        ([Send(KNOWN + b"abc"), Close()], Ending.TRUNCATED, b"abc", CLOSED),
        ([Send(KNOWN + b"abc"), PAUSE, Close()], Ending.TRUNCATED, b"abc", CLOSED),
        ([Send(KNOWN), Close()], Ending.TRUNCATED, b"", CLOSED),
        ([Send(CHUNKED + b"3\r\nabc\r\n"), Close()], Ending.TRUNCATED, b"abc", CLOSED),
        ([Send(CHUNKED + b"9\r\nabc"), PAUSE, Close()], Ending.TRUNCATED, b"abc", CLOSED),
        # RST.
        ([Send(KNOWN + b"abc"), PAUSE, Reset()], Ending.RESET, b"abc", BROKE),
        ([Send(CHUNKED + b"3\r\nabc\r\n"), PAUSE, Reset()], Ending.RESET, b"abc", BROKE),
        ([Send(UNTIL_CLOSE + b"abc"), PAUSE, Reset()], Ending.RESET, b"abc", BROKE),
        # Nonsense, and silence.
        (
            [Send(CHUNKED + b"3\r\nabc\r\n"), PAUSE, Send(b"zzz\r\n"), Wait(9)],
            Ending.RESET,
            b"abc",
            NOT_HTTP,
        ),
        ([Send(KNOWN + b"abc"), Wait(9)], Ending.RESET, b"abc", SILENT),
    ],
)
@pytest.mark.parametrize("late", [False, True], ids=["read at once", "read late"])
async def test_how_an_answer_ends(
    *, steps: list[Step], ending: Ending, body: bytes, problem: str, late: bool
) -> None:
    async with Origin(lambda _: steps) as origin, reaching(silence_seconds=0.3) as upstream:
        answer = await upstream.send(post(f"{origin.url}/v1?key=secret"))
        if late:
            await asyncio.sleep(0.1)

        assert await heard(answer) == body
        assert answer.ending is ending
        where = f'127.0.0.1:{origin.port} (upstream "acme")'
        assert answer.problem == (f"{where} {problem}" if problem else "")
        await answer.close()


async def test_each_piece_is_given_when_it_arrives() -> None:
    steps: list[Step] = [Send(CHUNKED)]
    for number in range(5):
        steps += [Wait(0.02), Send(b"8\r\ndata: %d\n\r\n" % number)]
    steps += [Wait(0.02), Send(b"0\r\n\r\n")]

    async with Origin(lambda _: steps) as origin, reaching() as upstream:
        answer = await upstream.send(post(origin.url))

        assert [piece async for piece in answer.chunks()] == [
            b"data: %d\n" % number for number in range(5)
        ]


async def test_content_coding_is_left_as_it_is() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n"
    steps = [Send(head + b"\x1f\x8b\x08")]
    async with Origin(lambda _: steps) as origin, reaching() as upstream:
        answer = await upstream.send(post(origin.url))

        assert answer.headers == (("Content-Encoding", "gzip"), ("Content-Length", "3"))
        assert await heard(answer) == b"\x1f\x8b\x08"


async def test_the_head_is_given_as_sent_but_for_this_hop() -> None:
    head = (
        b"HTTP/1.1 299 Very Fine\r\nx-Case: Kept\r\nSet-Cookie: a\r\nset-cookie: b\r\n"
        b"Connection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nTransfer-Encoding: chunked\r\n"
        b"Trailer: X\r\nX-Raw: x\xe9 \xc3\xa9\r\nX-Long: " + b"a" * 20_000 + b"\r\n\r\n0\r\n\r\n"
    )
    async with Origin(lambda _: [Send(head)]) as origin, reaching() as upstream:
        answer = await upstream.send(post(origin.url))

        assert (answer.status, answer.reason) == (299, "Very Fine")
        assert answer.content_length is None
        assert answer.headers == (
            ("x-Case", "Kept"),
            ("Set-Cookie", "a"),
            ("set-cookie", "b"),
            ("X-Raw", "x\udce9 é"),
            ("X-Long", "a" * 20_000),
        )
        assert await heard(answer) == b""


@pytest.mark.parametrize(
    ("method", "status", "length"), [("HEAD", b"200 OK", 1234), ("GET", b"304 Not Modified", 99)]
)
async def test_a_length_without_a_body_is_told_and_not_waited_for(
    method: str, status: bytes, length: int
) -> None:
    head = b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n" % (status, length)
    async with Origin(lambda _: [Send(head)]) as origin, reaching() as upstream:
        request = post(origin.url)
        request = type(request)(method, request.url)
        answer = await upstream.send(request)

        assert answer.content_length == length
        assert await heard(answer) == b""
        assert answer.ending is Ending.COMPLETE


async def test_early_hints_are_not_the_answer() -> None:
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    steps: list[Step] = [Send(hints), PAUSE, Send(KNOWN + b"0123456789")]
    async with Origin(lambda _: steps) as origin, reaching() as upstream:
        answer = await upstream.send(post(origin.url))

        assert answer.status == 200
        assert await heard(answer) == b"0123456789"


async def test_an_answer_that_is_left_lets_its_connection_go() -> None:
    def answers(asked: Asked) -> Iterable[Step]:
        return [Send(KNOWN + b"abc"), Wait(9)] if asked.target == "/long" else [Send(KNOWN * 2)]

    async with Origin(answers) as origin, reaching() as upstream:
        answer = await upstream.send(post(f"{origin.url}/long"))
        async for piece in answer.chunks():
            assert piece == b"abc"
            break
        await answer.close()

        assert answer.ending is Ending.RESET
        assert "was not heard to the end" in answer.problem


async def test_reading_may_be_given_up_while_nothing_comes() -> None:
    steps: list[Step] = [Send(KNOWN + b"abc"), Wait(9)]
    async with Origin(lambda _: steps) as origin, reaching() as upstream:
        answer = await upstream.send(post(origin.url))
        pieces = answer.chunks()
        assert await anext(pieces) == b"abc"

        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await anext(pieces)

        await answer.close()
        assert answer.ending is Ending.RESET


async def test_a_slow_reader_holds_the_sender_back() -> None:
    body = b"x" * 30_000_000
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    async with Origin(lambda _: [Send(head + body)]) as origin, reaching() as upstream:
        answer = await upstream.send(post(origin.url))
        await asyncio.sleep(0.2)

        pieces = [piece async for piece in answer.chunks()]

        assert max(map(len, pieces)) < 2_000_000
        assert b"".join(pieces) == body
