"""Ruby VCR's cassettes and those of its port to R: `http_interactions` with text or base64 bodies.

A body is `string`, already bytes where Psych wrote `!binary`, or R's `base64_string`. The
`encoding` beside it is Ruby's name for bytes that are UTF-8 in the file anyway.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmreplay.interop.assembly import Stored, http_date, iso_date
from llmreplay.interop.values import base64_bytes, body_bytes, headers_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmreplay.interop.field import Field

__all__ = ["read", "recognises"]


def recognises(document: Field) -> bool:
    """Whether this is a cassette of Ruby's or R's VCR."""
    return "http_interactions" in document.keys


def read(document: Field) -> Iterator[Stored]:
    """Its interactions, in order."""
    for interaction in (document / "http_interactions").items():
        request, response = interaction / "request", interaction / "response"
        recorded = interaction / "recorded_at"
        yield Stored(
            method=(request / "method").text(),
            url=(request / "uri").text(),
            request_headers=headers_of(request / "headers"),
            request_body=_body(request / "body"),
            status=_status(response / "status"),
            response_headers=headers_of(response / "headers"),
            response_body=_body(response / "body"),
            at=_date(recorded.text()) if recorded.present else None,
        )


def _body(body: Field) -> bytes:
    if "base64_string" in body.keys:
        return base64_bytes(body / "base64_string")
    return body_bytes(body / "string" if isinstance(body.value, dict) else body)


def _status(status: Field) -> int:
    """Ruby writes `code`, R `status_code` or the number alone."""
    if not isinstance(status.value, dict):
        return status.number()
    return (status / ("code" if "code" in status.keys else "status_code")).number()


def _date(text: str) -> str | None:
    """Ruby writes an HTTP date; R `2024-01-15 10:00:00 GMT`, with its version after it."""
    return http_date(text) or iso_date(text[: len("2024-01-15 10:00:00")])
