"""HAR 1.2, as browsers, mitmproxy and Polly.JS write it.

A body is text, or base64 where `encoding` says so; Polly.JS puts a JSON list of the pieces
there. Entries that never had a response (status 0) are passed over by name.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING

from llmreplay.interop.assembly import Stored, iso_date
from llmreplay.interop.values import base64_bytes, text_bytes, whole_ms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmreplay.core.exchange import Headers
    from llmreplay.interop.field import Field

__all__ = ["read", "recognises"]


def recognises(document: Field) -> bool:
    """Whether this is a HAR."""
    return "log" in document.keys and "entries" in (document / "log").keys


def read(document: Field) -> Iterator[Stored]:
    """Its entries, in order."""
    for entry in (document / "log" / "entries").items():
        request, response = entry / "request", entry / "response"
        started = entry / "startedDateTime"
        yield Stored(
            method=(request / "method").text(),
            url=(request / "url").text(),
            request_headers=_headers(request / "headers"),
            request_body=_body(request / "postData"),
            status=(response / "status").number(),
            response_headers=_headers(response / "headers"),
            response_body=_body(response / "content"),
            at=iso_date(started.text()) if started.present else None,
            wait_ms=whole_ms((entry / "timings" / "wait").value),
        )


def _headers(headers: Field) -> Headers:
    """HTTP/2 pseudo-headers, which browsers list among the others, are no headers."""
    pairs = (((item / "name").text(), item / "value") for item in headers.items())
    return tuple((name, value.text().strip()) for name, value in pairs if name[:1] != ":")


def _body(content: Field) -> bytes:
    text = content / "text"
    if not text.present:
        return b""
    encoding = content / "encoding"
    if not encoding.present or encoding.text() != "base64":
        return text_bytes(text)
    return _polly_pieces(text) if text.text().startswith("[") else base64_bytes(text)


def _polly_pieces(text: Field) -> bytes:
    """`["aGVs","bG8="]` → `hello`."""
    try:
        return b"".join(base64.b64decode(piece, validate=True) for piece in json.loads(text.text()))
    except (binascii.Error, TypeError, ValueError) as error:
        raise text.misfit(f"is not a list of base64 pieces: {error}") from error
