"""What nock's recorder writes: a list of scope, method, path, body, status and response.

JSON bodies are unpacked, binary ones are hexadecimal text, and compressed ones a list of such
texts. Request headers are there only if the recorder was asked for them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from llmreplay.core.exchange import header
from llmreplay.interop.assembly import Stored
from llmreplay.interop.values import body_bytes, headers_of, hex_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmreplay.core.exchange import Headers
    from llmreplay.interop.field import Field

__all__ = ["read", "recognises"]

_HEX = re.compile(r"(?:[0-9a-f]{2})+")


def recognises(document: Field) -> bool:
    """Whether this is a recording of nock."""
    return document.all_have("scope", "method", "path", "status")


def read(document: Field) -> Iterator[Stored]:
    """Its interactions, in order."""
    for item in document.items():
        headers = _response_headers(item)
        yield Stored(
            method=(item / "method").text(),
            url=(item / "scope").text() + (item / "path").text(),
            request_headers=headers_of(item / "reqheaders"),
            request_body=body_bytes(item / "body"),
            status=(item / "status").number(),
            response_headers=headers,
            response_body=_response_body(item, headers),
        )


def _response_headers(item: Field) -> Headers:
    """`rawHeaders` is names and values by turns; old recorders wrote a mapping `headers`."""
    raw = item / "rawHeaders"
    if not isinstance(raw.value, list):
        return headers_of(raw if raw.present else item / "headers")
    texts = [field.text() for field in raw.items()]
    return tuple(zip(texts[::2], (value.strip() for value in texts[1::2]), strict=False))


def _response_body(item: Field, headers: Headers) -> bytes:
    response = item / "response"
    encoded = header(headers, "content-encoding") is not None
    if encoded and isinstance(response.value, list):
        return b"".join(hex_bytes(piece) for piece in response.items())
    if (item / "responseIsBinary").value is True or (encoded and _is_hex(response)):
        return hex_bytes(response)
    return body_bytes(response)


def _is_hex(response: Field) -> bool:
    return isinstance(response.value, str) and _HEX.fullmatch(response.value) is not None
