"""The values that everything else speaks of: requests, responses, exchanges.

They hold what is stored: bodies are decoded (no content encoding), headers keep order and
duplicates. Nothing here knows YAML, sockets or providers.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias
from urllib.parse import SplitResult, urlsplit

__all__ = [
    "Chunk",
    "Ending",
    "Exchange",
    "Headers",
    "Recorded",
    "Request",
    "Response",
    "header",
    "without_headers",
]

Headers: TypeAlias = tuple[tuple[str, str], ...]
"""Pairs of name and value, in the order of the wire; names keep their spelling."""


class Ending(StrEnum):
    """How a response ended on the wire."""

    COMPLETE = "complete"
    """The HTTP message was whole."""
    TRUNCATED = "truncated"
    """The connection was closed before the message was whole."""
    RESET = "reset"
    """The connection broke (RST or a protocol error) before the message was whole."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request as the provider is asked.

    `url` is absolute, with the path and query spelled as on the wire. `upstream` is the name
    of the provider endpoint where it is known, else None.
    """

    method: str
    url: str
    headers: Headers = ()
    body: bytes = b""
    upstream: str | None = None

    @property
    def parts(self) -> SplitResult:
        """The URL, split."""
        return urlsplit(self.url)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a response body: one event of a stream, or the whole of any other body.

    `wait_ms` is the time since the piece before it; the first counts from the request.
    """

    data: bytes
    wait_ms: int = 0


@dataclass(frozen=True, slots=True)
class Response:
    """One response, decoded. A stream has one chunk an event; `b"".join` gives the body."""

    status: int
    headers: Headers = ()
    chunks: tuple[Chunk, ...] = ()
    ending: Ending = Ending.COMPLETE

    @property
    def body(self) -> bytes:
        """The decoded body, whole."""
        return b"".join(chunk.data for chunk in self.chunks)


@dataclass(frozen=True, slots=True)
class Recorded:
    """When and in which take. `at` is RFC 3339 in UTC, to the second."""

    at: str
    take: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and the response to it. `number` is the order in which requests arrived.

    `base_path` is the part of the URL's path that came from the upstream's address and not
    from the client; empty for most.
    """

    number: int
    upstream: str
    request: Request
    response: Response
    recorded: Recorded | None = None
    base_path: str = ""


def header(headers: Headers, name: str) -> str | None:
    """The first value under `name` (compared without case), or None."""
    wanted = name.lower()
    return next((value for key, value in headers if key.lower() == wanted), None)


def without_headers(headers: Headers, names: frozenset[str]) -> Headers:
    """`headers` less those whose lower-case name is in `names`."""
    return tuple(pair for pair in headers if pair[0].lower() not in names)
