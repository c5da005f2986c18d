from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from llmreplay.core.exchange import Chunk, Exchange, Recorded, Request, Response
from llmreplay.interop import Skipped

if TYPE_CHECKING:
    from tests.interop.conftest import Reads, Refuses


def har(**response: Any) -> str:  # noqa: ANN401  # whatever a HAR may hold
    entry = {
        "startedDateTime": "2026-01-28T20:36:15.310+01:00",
        "request": {
            "method": "POST",
            "url": "https://llm.example/v1/chat",
            "headers": [{"name": ":authority", "value": "x"}, {"name": "Accept", "value": "*/*"}],
            "postData": {"mimeType": "application/json", "text": "{}"},
        },
        "response": {"status": 200, "headers": [], "content": {}} | response,
        "timings": {"send": 0, "wait": 613.4, "receive": 1},
    }
    return json.dumps({"log": {"version": "1.2", "entries": [entry]}}, indent=1)


def test_an_entry_is_an_exchange(reads: Reads) -> None:
    imported = reads(
        har(
            headers=[
                {"name": "content-encoding", "value": "br"},
                {"name": "content-type", "value": "application/json"},
            ],
            content={"mimeType": "application/json", "text": '{"ok":true}', "size": 11},
        )
    )

    assert imported.format == "har"
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
            response=Response(
                status=200,
                headers=(("content-type", "application/json"),),
                chunks=(Chunk(b'{"ok":true}', wait_ms=613),),
            ),
            recorded=Recorded("2026-01-28T19:36:15Z", "imported"),
        ),
    )


@pytest.mark.parametrize(
    ("content", "body"),
    [
        ({}, b""),
        ({"text": ""}, b""),
        ({"text": "AP8=", "encoding": "base64"}, b"\x00\xff"),
        ({"text": '["AP8=", "AA=="]', "encoding": "base64"}, b"\x00\xff\x00"),
        ({"text": "[1]", "encoding": "utf-8"}, b"[1]"),
    ],
)
def test_every_spelling_of_a_body(reads: Reads, content: dict[str, str], body: bytes) -> None:
    (exchange,) = reads(har(content=content)).exchanges

    assert exchange.response.body == body


def test_an_entry_that_never_got_a_response_is_skipped_by_name(reads: Reads) -> None:
    imported = reads(har(status=0))

    assert imported.exchanges == ()
    assert imported.skipped == (Skipped(1, "0 is no status of a final response"),)


def test_a_damaged_body_is_named_with_its_line(refuses: Refuses) -> None:
    message = refuses(har(content={"encoding": "base64", "text": "[7]"}))

    assert message.startswith("30: log.entries.0.response.content.text is not a list of base64")
