from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llmreplay.core.exchange import Chunk, Exchange, Recorded, Request, Response

if TYPE_CHECKING:
    from tests.interop.conftest import Reads


def test_an_interaction_is_an_exchange(reads: Reads) -> None:
    imported = reads("""
        ---
        http_interactions:
        - request:
            method: post
            uri: https://llm.example/v1/files
            body:
              encoding: ASCII-8BIT
              string: !binary |-
                AP8=
            headers:
              Content-Type:
              - application/octet-stream
          response:
            status:
              code: 201
              message: Created
            headers:
              Content-Type:
              - text/plain
            body:
              encoding: UTF-8
              string: café
          recorded_at: Mon, 20 May 2024 14:51:20 GMT
        recorded_with: VCR 6.2.0
    """)

    assert imported.format == "rubyvcr"
    assert imported.exchanges == (
        Exchange(
            number=1,
            upstream="llm.example",
            request=Request(
                method="POST",
                url="https://llm.example/v1/files",
                headers=(("Content-Type", "application/octet-stream"),),
                body=b"\x00\xff",
                upstream="llm.example",
            ),
            response=Response(
                status=201,
                headers=(("Content-Type", "text/plain"),),
                chunks=(Chunk("café".encode()),),
            ),
            recorded=Recorded("2024-05-20T14:51:20Z", "imported"),
        ),
    )


@pytest.mark.parametrize(
    ("response", "status", "body"),
    [
        ("{status: {code: 200}}", 200, b""),
        ("{status: {code: 200}, body: {encoding: UTF-8, string: ''}}", 200, b""),
        (
            "{status: {status_code: 200}, body: {encoding: '', base64_string: AP8=}}",
            200,
            b"\x00\xff",
        ),
        ("{status: 404, body: {string: gone}}", 404, b"gone"),
        ("{status: {code: '200'}, body: plain}", 200, b"plain"),
    ],
)
def test_other_spellings_of_ruby_and_r(
    reads: Reads, response: str, status: int, body: bytes
) -> None:
    (exchange,) = reads(f"""
        http_interactions:
        - request: {{method: get, uri: 'http://x/', body: {{encoding: '', string: ''}}}}
          response: {response}
          recorded_at: 2024-01-15 10:00:00 GMT
        recorded_with: vcr/1.6.0, webmockr/1.0.0
    """).exchanges

    assert (exchange.response.status, exchange.response.body) == (status, body)
    assert exchange.recorded == Recorded("2024-01-15T10:00:00Z", "imported")


def test_a_time_that_is_none_is_left_out(reads: Reads) -> None:
    (exchange,) = reads("""
        http_interactions:
        - request: {method: get, uri: 'http://x/', body: {string: ''}}
          response: {status: {code: 200}, headers: {}}
          recorded_at: yesterday
    """).exchanges

    assert exchange.recorded is None
