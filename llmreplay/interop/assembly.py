"""From what a tool stored to the exchange that passed on the wire, decoded.

Recorders keep headers of a body that they have long since unpacked, and the other way round.
So the bytes are believed, and headers only where the bytes allow it. Every reader of a format
gives a `Stored`; `reading` makes exchanges of them. Knows no format and no file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

from llmreplay.core.decoding import (
    CorruptBodyError,
    DecodingError,
    TruncatedBodyError,
    UnsupportedCodingError,
    decode,
)
from llmreplay.core.exchange import (
    Chunk,
    Exchange,
    Headers,
    Recorded,
    Request,
    Response,
    header,
    without_headers,
)
from llmreplay.core.streams import framing_of, split
from llmreplay.interop.upstream_name import upstream_name

if TYPE_CHECKING:
    from llmreplay.core.streams import Event

__all__ = [
    "MAX_BODY_BYTES",
    "TAKE",
    "Stored",
    "UnplayableError",
    "dechunked",
    "exchange_of",
    "http_date",
    "iso_date",
]

MAX_BODY_BYTES: Final = 256 * 2**20
"""The largest body, decoded."""

TAKE: Final = "imported"
"""The take of every imported exchange."""

# They describe one message on one connection; every other gets its own.
_OF_THE_MESSAGE = frozenset(
    {
        "connection",
        "content-length",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_BODILESS_STATUSES = frozenset({204, 304})  # RFC 9110, 6.4.1
_IMPLIED_PORTS = {"http": 80, "https": 443}
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")  # with what has no encoding
_NOT_IN_A_HEADER = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")  # a tab may be in one
_NOT_VISIBLE_ASCII = re.compile(r"[^\x21-\x7e]+")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\r\n]*)?\r?\n")
_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_READ_AS_TEXT = "\x1f\ufffd".encode()


class UnplayableError(Exception):
    """What was stored cannot have been an exchange on the wire; the message says why."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One interaction as a tool stored it; headers and bodies untouched.

    `at` is when it was recorded (RFC 3339, UTC, to the second), where the file says; `wait_ms`
    the time to the response.
    """

    method: str
    url: str
    status: int
    request_headers: Headers = ()
    request_body: bytes = b""
    response_headers: Headers = ()
    response_body: bytes = b""
    at: str | None = None
    wait_ms: int = 0


def exchange_of(number: int, stored: Stored) -> Exchange:
    """The exchange that was stored. Raises `UnplayableError` where none can have passed."""
    url = _url(stored)
    upstream = upstream_name(url)
    request_headers, request_body = _plain(stored.request_headers, stored.request_body)
    at = stored.at or http_date(header(stored.response_headers, "date") or "")
    return Exchange(
        number=number,
        upstream=upstream,
        request=Request(
            method=_method(stored),
            url=url,
            headers=request_headers,
            body=request_body,
            upstream=upstream,
        ),
        response=_response(stored),
        recorded=Recorded(at, TAKE) if at else None,
    )


def _method(stored: Stored) -> str:
    if _TOKEN.fullmatch(stored.method) is None:
        raise UnplayableError(f"{stored.method!r} is no HTTP method")
    return stored.method.upper()  # Ruby writes `post`


def _url(stored: Stored) -> str:
    """The URL as it travels: no fragment, no port that the scheme implies, ASCII only."""
    text = stored.url.partition("#")[0].strip()
    if _CONTROL.search(text):
        raise UnplayableError(f"{text!r} holds a control character, so it is no URL")
    try:
        parts = urlsplit(text)
        implied = parts.port == _IMPLIED_PORTS.get(parts.scheme, -1)
    except ValueError as error:
        raise UnplayableError(f"{text!r} is no URL: {error}") from error
    if parts.scheme not in _IMPLIED_PORTS or not parts.hostname:
        raise UnplayableError(f"{text!r} is no absolute http or https URL")
    netloc = parts.netloc.rpartition(":")[0] if implied else parts.netloc
    target = text.partition("//")[2].removeprefix(parts.netloc)
    path = target if target.startswith("/") else f"/{target}"
    return _NOT_VISIBLE_ASCII.sub(lambda found: quote(found[0]), f"{parts.scheme}://{netloc}{path}")


def _response(stored: Stored) -> Response:
    headers, body = _plain(stored.response_headers, stored.response_body)
    if stored.method.upper() == "HEAD" or stored.status in _BODILESS_STATUSES:
        body = b""
    if not 200 <= stored.status <= 599:  # noqa: PLR2004  # RFC 9110, 15: final responses
        raise UnplayableError(f"{stored.status} is no status of a final response")
    return Response(stored.status, headers, _chunks(_events(stored, body), stored.wait_ms))


def _events(stored: Stored, body: bytes) -> tuple[Event, ...]:
    headers = stored.response_headers
    length_known = header(headers, "content-length") is not None and not _chunked(headers)
    return split(framing_of(headers, body, length_known=length_known), body)


def _chunks(events: tuple[Event, ...], wait_ms: int) -> tuple[Chunk, ...]:
    return tuple(
        Chunk(event.raw, wait_ms if index == 0 else 0) for index, event in enumerate(events)
    )


def _plain(headers: Headers, body: bytes) -> tuple[Headers, bytes]:
    """Headers and body without framing and coding."""
    for name, value in headers:
        if _TOKEN.fullmatch(name) is None or _NOT_IN_A_HEADER.search(value):
            raise UnplayableError(f"the header {name!r} could not have travelled")
    if _chunked(headers):
        body = dechunked(body)
    encoding = header(headers, "content-encoding")
    headers = without_headers(headers, _OF_THE_MESSAGE)
    try:
        body = _decoded(encoding, body)
    except UnsupportedCodingError:
        return headers, body  # what nobody here understands passes as it is, label and all
    except DecodingError as error:
        raise UnplayableError(str(error)) from error
    return without_headers(headers, frozenset({"content-encoding"})), body


def _decoded(encoding: str | None, body: bytes) -> bytes:
    """The body without its coding, if it really has one."""
    if body.startswith(_GZIP_READ_AS_TEXT):
        raise CorruptBodyError("the body was gzip and has been stored as text, which lost bytes")
    labelled_gzip = (encoding or "").strip().lower() in {"gzip", "x-gzip"}
    if labelled_gzip and not body.startswith(_GZIP_MAGIC):
        return body
    try:
        return decode(encoding, body, MAX_BODY_BYTES)
    except (CorruptBodyError, TruncatedBodyError):
        if labelled_gzip:
            raise
        return body  # br and deflate have no magic: plain text just does not decode


def _chunked(headers: Headers) -> bool:
    return "chunked" in (header(headers, "transfer-encoding") or "").lower()


def dechunked(body: bytes) -> bytes:
    """`body` without its chunked coding, or untouched if it does not have it from end to end."""
    position = 0
    pieces: list[bytes] = []
    while (size_line := _CHUNK_SIZE.match(body, position)) is not None:
        start, size = size_line.end(), int(size_line[1], 16)
        if size == 0:
            return body if body[start:].strip() else b"".join(pieces)
        pieces.append(body[start : start + size])
        line_end = body[start + size : start + size + 2]
        if len(pieces[-1]) < size or not line_end.startswith((b"\r\n", b"\n")):
            return body
        position = start + size + (2 if line_end == b"\r\n" else 1)
    return body


def http_date(text: str) -> str | None:
    """`Wed, 12 Aug 2026 22:05:28 GMT` as RFC 3339, or None."""
    try:
        return _rfc3339(parsedate_to_datetime(text))
    except (OverflowError, ValueError):
        return None


def iso_date(text: str) -> str | None:
    """An ISO 8601 time with any offset and fraction as RFC 3339 in UTC, or None."""
    try:
        return _rfc3339(datetime.fromisoformat(text))
    except (OverflowError, ValueError):
        return None


def _rfc3339(moment: datetime) -> str:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
