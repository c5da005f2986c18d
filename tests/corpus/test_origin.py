"""The means of the round trip prove themselves first: origin, manners and client, nothing between.

Whatever fails in the round trip and not here is llmreplay's doing.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from llmreplay.core.decoding import decode
from llmreplay.core.exchange import Chunk, Ending, Response, header
from tests.corpus.client import Connection
from tests.fakes import manners
from tests.fakes.origin import Asked, Close, Origin, Reset, Send, Step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.corpus.client import Received
    from tests.corpus.corpus import Taken

EVENTS = tuple(f'data: {{"text":"{word} ✓"}}\n\n'.encode() for word in ("un", "café", "crème"))
RESPONSE = Response(
    status=200,
    headers=(("content-type", "text/event-stream"), ("X-Twice", "1"), ("X-Twice", "2")),
    chunks=tuple(Chunk(event) for event in EVENTS),
)


async def played(
    play: manners.Play, response: Response = RESPONSE, *, times: int = 1
) -> list[Received]:
    def answers(_asked: Asked) -> Iterator[Step]:
        return play(response, manners.seeded(7))

    async with Origin(answers) as origin, Connection(origin.url) as connection:
        return [await connection.ask("POST", "/", (), b"") for _ in range(times)]


@pytest.mark.parametrize("manner", manners.GOOD, ids=lambda manner: manner.name)
async def test_a_good_manner_gives_the_same_response(manner: manners.Manner) -> None:
    for received in await played(manner.play, times=2):
        assert (received.status, received.reason) == (200, "OK")
        assert received.headers[:3] == RESPONSE.headers
        assert decode(header(received.headers, "content-encoding"), received.body, 10_000) == (
            RESPONSE.body
        )
        assert received.ending is Ending.COMPLETE
        told = header(received.headers, "content-length") is not None
        assert told is manner.tells_length


@pytest.mark.parametrize("manner", manners.GOOD, ids=lambda manner: manner.name)
async def test_an_empty_body_comes_in_every_manner(manner: manners.Manner) -> None:
    (received,) = await played(manner.play, replace(RESPONSE, chunks=()))

    assert decode(header(received.headers, "content-encoding"), received.body, 10_000) == b""


def test_a_response_without_a_body_has_one_manner_only() -> None:
    assert {manners.good_manner(Response(204), turn).name for turn in range(20)} == {"in one piece"}
    assert {manners.good_manner(RESPONSE, turn) for turn in range(20)} == set(manners.GOOD)


async def test_event_by_event_is_a_chunk_an_event() -> None:
    (received,) = await played(manners.event_by_event)

    assert received.pieces == EVENTS


async def test_cuts_fall_within_characters() -> None:
    pieces = manners.cuts(RESPONSE.body, manners.seeded(1))

    def is_text(piece: bytes) -> bool:
        try:
            piece.decode()
        except UnicodeDecodeError:
            return False
        return True

    assert b"".join(pieces) == RESPONSE.body
    assert not all(is_text(piece) for piece in pieces)


@pytest.mark.parametrize(
    ("play", "ending", "body"),
    [
        (manners.broken_off(20, Close()), Ending.TRUNCATED, RESPONSE.body[:20]),
        (manners.broken_off(20, Reset()), Ending.RESET, RESPONSE.body[:20]),
        (manners.broken_off(20, Close(), length_known=True), Ending.TRUNCATED, RESPONSE.body[:20]),
        (manners.with_wrong_length(3), Ending.TRUNCATED, RESPONSE.body),
        (manners.with_wrong_length(-3), Ending.COMPLETE, RESPONSE.body[:-3]),
        (manners.slow_first_byte(0.01), Ending.COMPLETE, RESPONSE.body),
    ],
)
async def test_a_bad_manner_is_seen_for_what_it_is(
    play: manners.Play, ending: Ending, body: bytes
) -> None:
    (received,) = await played(play)

    assert (received.ending, received.body) == (ending, body)


async def test_garbage_is_no_response() -> None:
    with pytest.raises((asyncio.IncompleteReadError, AssertionError, UnicodeDecodeError)):
        await played(manners.garbage)


async def test_requests_arrive_as_they_were_sent() -> None:
    def answers(_asked: Asked) -> list[Send]:
        return [Send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")]

    async with Origin(answers) as origin:
        reader, writer = await asyncio.open_connection("127.0.0.1", origin.port)
        writer.write(
            b"POST /a%20b//c?d= HTTP/1.1\r\nX-A: 1\r\nx-a:2\r\nExpect: 100-continue\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"
        )
        await reader.readuntil(b"100 Continue\r\n\r\n")
        await reader.readuntil(b"200 OK\r\n")
        writer.close()

    (asked,) = origin.asked
    assert (asked.method, asked.target, asked.body) == ("POST", "/a%20b//c?d=", b"hello")
    assert asked.headers[:2] == (("X-A", "1"), ("x-a", "2"))


async def test_an_error_in_the_test_breaks_the_connection_and_is_kept() -> None:
    mistake = RuntimeError("no such exchange")

    def answers(_asked: Asked) -> list[Send]:
        raise mistake

    async with Origin(answers) as origin, Connection(origin.url) as connection:
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await connection.ask("GET", "/", (), b"")

    assert origin.failures == [mistake]


async def test_every_exchange_of_the_corpus_arrives_whole_without_llmreplay_between(
    exchanges: list[Taken], record_property: Callable[[str, object], None]
) -> None:
    def answers(asked: Asked) -> list[Step]:
        turn = int(asked.target.removeprefix("/"))
        response = exchanges[turn].exchange.response
        return list(manners.good_manner(response, turn).play(response, manners.seeded(turn)))

    identical = 0
    async with Origin(answers) as origin, Connection(origin.url) as connection:
        for turn, taken in enumerate(exchanges):
            expected = taken.exchange.response
            received = await connection.ask("GET", f"/{turn}", (), b"")
            coding = header(received.headers, "content-encoding")
            assert received.status == expected.status, str(taken)
            assert received.headers[: len(expected.headers)] == expected.headers, str(taken)
            assert decode(coding, received.body, 2**28) == expected.body, str(taken)
            identical += 1

    assert origin.failures == []
    record_property("counted", f"{identical} of {len(exchanges)} identical, straight from origin")
