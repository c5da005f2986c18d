"""Traces of Go's httprr: a line of lengths, then that many bytes of request and of response.

The messages are as `net/http` writes them, the request in the form for a proxy (with the whole
URL), the response sometimes still in its chunked coding.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from llmreplay.interop.assembly import Stored
from llmreplay.interop.source import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmreplay.core.exchange import Headers

__all__ = ["read", "recognises"]

_FIRST_LINE = b"httprr trace v1\n"
_LENGTHS = re.compile(rb"(\d{1,12}) (\d{1,12})\n")
_REQUEST_LINE = re.compile(r"(\S+) (\S+) HTTP/[\d.]+")
_STATUS_LINE = re.compile(r"HTTP/[\d.]+ (\d{3})(?: .*)?")


def recognises(data: bytes) -> bool:
    """Whether this is a trace of httprr."""
    return data.startswith(_FIRST_LINE)


def read(data: bytes) -> Iterator[Stored]:
    """Its interactions, in order. Raises `UnreadableError` where lengths and bytes disagree."""
    position = len(_FIRST_LINE)
    while position < len(data):
        lengths = _LENGTHS.match(data, position)
        if lengths is None:
            raise UnreadableError(_line(data, position), "expected two lengths")
        split = lengths.end() + int(lengths[1])
        end = split + int(lengths[2])
        if end > len(data):
            raise UnreadableError(_line(data, position), "the file ends before these lengths do")
        try:
            yield _stored(data[lengths.end() : split], data[split:end])
        except ValueError as error:
            raise UnreadableError(_line(data, position), str(error)) from error
        position = end


def _stored(request: bytes, response: bytes) -> Stored:
    request_line, request_headers, request_body = _message(request)
    status_line, response_headers, response_body = _message(response)
    asked, answered = _REQUEST_LINE.fullmatch(request_line), _STATUS_LINE.fullmatch(status_line)
    if asked is None or answered is None:
        wrong = request_line if asked is None else status_line
        raise ValueError(f"no HTTP message begins so: {wrong[:80]!r}")
    return Stored(
        method=asked[1],
        url=asked[2],
        request_headers=request_headers,
        request_body=request_body,
        status=int(answered[1]),
        response_headers=response_headers,
        response_body=response_body,
    )


def _message(raw: bytes) -> tuple[str, Headers, bytes]:
    """First line, headers and body of a message. Lines end with CRLF, or LF where git meddled."""
    head, _, body = raw.partition(b"\r\n\r\n" if b"\r\n\r\n" in raw else b"\n\n")
    first, *lines = head.decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
    pairs = (line.partition(":") for line in lines if line)
    return first, tuple((name, value.strip()) for name, _, value in pairs), body


def _line(data: bytes, position: int) -> int:
    return data.count(b"\n", 0, position) + 1
