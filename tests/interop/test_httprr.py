from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from llmreplay.core.exchange import Chunk, Exchange, Recorded, Request, Response

if TYPE_CHECKING:
    from tests.interop.conftest import Reads, Refuses

ASK = (
    b"POST https://llm.example/v1/chat HTTP/1.1\r\n"
    b"Host: llm.example\r\n"
    b"Content-Type: application/json\r\n"
    b"\r\n"
    b"{}"
)
ANSWER = (
    b"HTTP/2.0 200 OK\r\n"
    b"Content-Length: 4\r\n"
    b"Content-Type: text/plain\r\n"
    b"Date: Mon, 20 May 2024 14:51:20 GMT\r\n"
    b"\r\n"
    b"okay"
)


def trace(*messages: tuple[bytes, bytes]) -> bytes:
    return b"httprr trace v1\n" + b"".join(
        b"%d %d\n%s%s" % (len(request), len(response), request, response)
        for request, response in messages
    )


def test_a_pair_of_messages_is_an_exchange(reads: Reads) -> None:
    imported = reads(trace((ASK, ANSWER)))

    assert imported.format == "httprr"
    assert imported.exchanges == (
        Exchange(
            number=1,
            upstream="llm.example",
            request=Request(
                method="POST",
                url="https://llm.example/v1/chat",
                headers=(("Host", "llm.example"), ("Content-Type", "application/json")),
                body=b"{}",
                upstream="llm.example",
            ),
            response=Response(
                status=200,
                headers=(
                    ("Content-Type", "text/plain"),
                    ("Date", "Mon, 20 May 2024 14:51:20 GMT"),
                ),
                chunks=(Chunk(b"okay"),),
            ),
            recorded=Recorded("2024-05-20T14:51:20Z", "imported"),
        ),
    )


def test_many_pairs_are_told_apart_by_their_lengths(reads: Reads) -> None:
    exchanges = reads(gzip.compress(trace((ASK, ANSWER), (ASK, ANSWER), (ASK, ANSWER)))).exchanges

    assert [(exchange.number, exchange.response.body) for exchange in exchanges] == [
        (1, b"okay"),
        (2, b"okay"),
        (3, b"okay"),
    ]


def test_the_chunked_coding_comes_off(reads: Reads) -> None:
    answer = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Type: application/x-ndjson\r\n"
        b'\r\n9\r\n{"n": 1}\n\r\n9;x=y\r\n{"n": 2}\n\r\n0\r\n\r\n'
    )

    (exchange,) = reads(trace((ASK, answer))).exchanges

    assert exchange.response.chunks == (Chunk(b'{"n": 1}\n'), Chunk(b'{"n": 2}\n'))


def test_line_ends_that_git_has_changed_are_read(reads: Reads) -> None:
    answer = b"HTTP/1.1 204 No Content\nX-A: 1\n\n"

    (exchange,) = reads(trace((ASK.replace(b"\r\n", b"\n"), answer))).exchanges

    assert exchange.request.body == b"{}"
    assert exchange.response == Response(204, (("X-A", "1"),))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (trace((ASK, ANSWER))[:-1], "2: the file ends before these lengths do"),
        (trace((ASK, ANSWER)) + b"\nmore", "12: expected two lengths"),
        (trace((b"junk", ANSWER)), "2: no HTTP message begins so: 'junk'"),
        (trace((ASK, b"")), "2: no HTTP message begins so: ''"),
    ],
)
def test_a_broken_trace_is_refused_with_its_line(
    refuses: Refuses, data: bytes, message: str
) -> None:
    assert refuses(data) == message
