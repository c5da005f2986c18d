"""The JSON files of Datadog's ddapm-test-agent: one request and one response a file.

Binary bodies are written as `base64:` and base64 text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmreplay.interop.assembly import Stored
from llmreplay.interop.field import Field
from llmreplay.interop.values import base64_bytes, headers_of, text_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["read", "recognises"]

_BASE64 = "base64:"


def recognises(document: Field) -> bool:
    """Whether this is a cassette of ddapm-test-agent."""
    if not {"request", "response"} <= document.keys:
        return False
    return {"status", "headers", "body"} <= (document / "response").keys


def read(document: Field) -> Iterator[Stored]:
    """Its one interaction."""
    request, response = document / "request", document / "response"
    yield Stored(
        method=(request / "method").text(),
        url=(request / "url").text(),
        request_headers=headers_of(request / "headers"),
        request_body=_body(request / "body"),
        status=(response / "status" / "code").number(),
        response_headers=headers_of(response / "headers"),
        response_body=_body(response / "body"),
    )


def _body(body: Field) -> bytes:
    if not body.present:
        return b""
    text = body.text()
    if text.startswith(_BASE64):
        return base64_bytes(Field(text.removeprefix(_BASE64), body.place))
    return text_bytes(body)
