from __future__ import annotations

import pytest

from llmreplay.core.redaction.streams import leaves_of
from llmreplay.core.streams import Framing

BODIES = {
    "sse": (
        Framing.SSE,
        b'data: {"a":"x"}\n\n: c\n\nevent: e\ndata: [DONE]\n\ndata: {"a":"y"}\n\n',
    ),
    "sse, several lines": (
        Framing.SSE,
        b'id: "a"\r\ndata: {"a":\r\ndata:"x"}\r\n\r\ndata:{"a":"y"}\r\n\r\n',
    ),
    "sse, a mark and bare CRs": (
        Framing.SSE,
        b'\xef\xbb\xbfdata: {"a":"x"}\r\rdata: {"a":"y"}',
    ),
    "ndjson": (Framing.NDJSON, b'{"a":"x"}\n\n{"a":"y"}'),
    "json array": (Framing.JSON_ARRAY, b'[{"a":"x"},\n{"a":"y"}]'),
    "one body": (Framing.NONE, b'[{"a":"x"},\n{"a":"y"}]'),
}


@pytest.mark.parametrize(("framing", "body"), BODIES.values(), ids=BODIES)
def test_the_texts_of_a_stream_and_their_places(framing: Framing, body: bytes) -> None:
    leaves = leaves_of(framing, body)
    assert leaves.told.startswith(b"xy\0")
    assert [body[a:b] for a, b in next(leaves.groups(body))] == [b"x", b"y"]
