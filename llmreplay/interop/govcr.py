"""go-vcr's cassettes, version 2, with the interactions numbered and the proto spelled out.

Go unpacks gzip by itself and then says `uncompressed`, having dropped the header.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from llmreplay.interop.assembly import Stored
from llmreplay.interop.values import body_bytes, headers_of, whole_ms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmreplay.interop.field import Field

__all__ = ["read", "recognises"]

_MS_PER_UNIT = {
    "h": 3_600_000,
    "m": 60_000,
    "s": 1_000,
    "ms": 1,
    "µs": 1e-3,
    "us": 1e-3,
    "ns": 1e-6,
}
_DURATION_PART = re.compile(r"(\d+(?:\.\d*)?)(h|ms|m|s|µs|us|ns)")


def recognises(document: Field) -> bool:
    """Whether this is a cassette of go-vcr: its requests have a `url`, not a `uri`."""
    interactions = document / "interactions"
    return interactions.all_have("request", "response") and all(
        "url" in (interaction / "request").keys for interaction in interactions.items()
    )


def read(document: Field) -> Iterator[Stored]:
    """Its interactions, in order."""
    for interaction in (document / "interactions").items():
        request, response = interaction / "request", interaction / "response"
        duration = response / "duration"
        yield Stored(
            method=(request / "method").text(),
            url=(request / "url").text(),
            request_headers=headers_of(request / "headers"),
            request_body=body_bytes(request / "body"),
            status=(response / "code").number(),
            response_headers=headers_of(response / "headers"),
            response_body=body_bytes(response / "body"),
            wait_ms=duration_ms(duration.text()) if duration.present else 0,
        )


def duration_ms(text: str) -> int:
    """Go's `1m2.5s` or `336.4ms` in milliseconds; 0 for what is no duration."""
    parts = _DURATION_PART.findall(text)
    return whole_ms(sum(float(number) * _MS_PER_UNIT[unit] for number, unit in parts))
