from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

from llmreplay.core.exchange import Chunk, Exchange, Request, Response

if TYPE_CHECKING:
    from tests.interop.conftest import Reads


def recording(**fields: Any) -> str:  # noqa: ANN401  # whatever nock may write
    item = {
        "scope": "https://llm.example:443",
        "method": "POST",
        "path": "/v1/chat?a=b",
        "body": {"model": "small", "n": [1]},
        "status": 200,
        "response": {"ok": True},
        "rawHeaders": ["Content-Type", "application/json", "X-A", "1"],
        "reqheaders": {"accept": "*/*", "content-length": 24, "x-many": ["1", "2"]},
        "responseIsBinary": False,
    }
    return json.dumps([item | fields])


def test_an_item_is_an_exchange(reads: Reads) -> None:
    imported = reads(recording())

    assert imported.format == "nock"
    assert imported.exchanges == (
        Exchange(
            number=1,
            upstream="llm.example",
            request=Request(
                method="POST",
                url="https://llm.example/v1/chat?a=b",
                headers=(("accept", "*/*"), ("x-many", "1"), ("x-many", "2")),
                body=b'{"model":"small","n":[1]}',
                upstream="llm.example",
            ),
            response=Response(
                status=200,
                headers=(("Content-Type", "application/json"), ("X-A", "1")),
                chunks=(Chunk(b'{"ok":true}'),),
            ),
        ),
    )


PACKED = gzip.compress(b"hello", mtime=0)


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        ({"response": ""}, b""),
        ({"response": "text"}, b"text"),
        ({"response": "00ff"}, b"00ff"),
        ({"response": "00ff", "responseIsBinary": True}, b"\x00\xff"),
        ({"response": ["00ff"]}, b'["00ff"]'),
        (
            {
                "response": [PACKED[:5].hex(), PACKED[5:].hex()],
                "rawHeaders": ["Content-Encoding", "gzip"],
            },
            b"hello",
        ),
        ({"response": PACKED.hex(), "rawHeaders": ["Content-Encoding", "gzip"]}, b"hello"),
        ({"response": "plain", "rawHeaders": {"Content-Encoding": "gzip"}}, b"plain"),
        ({"response": "x", "rawHeaders": None, "headers": {"content-type": "text/plain"}}, b"x"),
    ],
)
def test_every_spelling_of_a_response_body(
    reads: Reads, fields: dict[str, Any], body: bytes
) -> None:
    (exchange,) = reads(recording(**fields)).exchanges

    assert exchange.response.body == body
