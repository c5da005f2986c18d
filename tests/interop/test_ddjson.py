from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from llmreplay.core.exchange import Chunk, Exchange, Request, Response

if TYPE_CHECKING:
    from tests.interop.conftest import Reads


def cassette(body: str | None) -> str:
    return json.dumps(
        {
            "request": {
                "method": "POST",
                "url": "https://llm.example/v1/chat",
                "headers": {"Accept": "*/*", "Connection": "keep-alive"},
                "body": "{}",
            },
            "response": {
                "status": {"code": 200, "message": "OK"},
                "headers": {"Content-Type": "text/plain", "Content-Encoding": "gzip"},
                "body": body,
            },
        }
    )


def test_the_file_is_an_exchange(reads: Reads) -> None:
    imported = reads(cassette("hello"))

    assert imported.format == "ddjson"
    assert imported.exchanges == (
        Exchange(
            number=1,
            upstream="llm.example",
            request=Request(
                method="POST",
                url="https://llm.example/v1/chat",
                headers=(("Accept", "*/*"),),
                body=b"{}",
                upstream="llm.example",
            ),
            response=Response(200, (("Content-Type", "text/plain"),), (Chunk(b"hello"),)),
        ),
    )


@pytest.mark.parametrize(("stored", "body"), [("base64:AP8=", b"\x00\xff"), ("", b""), (None, b"")])
def test_other_spellings_of_a_body(reads: Reads, stored: str | None, body: bytes) -> None:
    (exchange,) = reads(cassette(stored)).exchanges

    assert exchange.response.body == body
