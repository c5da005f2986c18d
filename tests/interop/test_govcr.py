from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llmreplay.core.exchange import Chunk, Exchange, Request, Response
from llmreplay.interop.govcr import duration_ms

if TYPE_CHECKING:
    from tests.interop.conftest import Reads


def test_an_interaction_is_an_exchange(reads: Reads) -> None:
    imported = reads("""
        ---
        version: 2
        interactions:
        - id: 0
          request:
            proto: HTTP/1.1
            content_length: 2
            host: ""
            body: '{}'
            headers:
              Content-Type:
              - application/json
            url: https://llm.example/v1/chat
            method: POST
          response:
            proto: HTTP/2.0
            content_length: -1
            uncompressed: true
            body: '{"ok":true}'
            headers:
              Content-Type:
              - application/json
            status: 200 OK
            code: 200
            duration: 1.25s
    """)

    assert imported.format == "govcr"
    assert imported.exchanges == (
        Exchange(
            number=1,
            upstream="llm.example",
            request=Request(
                method="POST",
                url="https://llm.example/v1/chat",
                headers=(("Content-Type", "application/json"),),
                body=b"{}",
                upstream="llm.example",
            ),
            response=Response(
                status=200,
                headers=(("Content-Type", "application/json"),),
                chunks=(Chunk(b'{"ok":true}', wait_ms=1250),),
            ),
        ),
    )


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("336.471083ms", 336),
        ("2.66s", 2660),
        ("1h2m3.5s", 3_723_500),
        ("900µs", 1),
        ("0s", 0),
        ("soon", 0),
    ],
)
def test_durations_are_as_go_writes_them(text: str, milliseconds: int) -> None:
    assert duration_ms(text) == milliseconds
