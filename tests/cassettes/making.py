"""Short ways to make what cassettes are tested with."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmreplay.cassettes import Take, dump
from llmreplay.core.exchange import Chunk, Exchange, Recorded, Request, Response
from llmreplay.core.tape import Indexed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from llmreplay.cassettes import Library

__all__ = [
    "Found",
    "an_exchange",
    "asked",
    "file_of",
    "index",
    "no_secrets",
    "recorded",
    "taken",
    "write",
]

HEADER = "# llmreplay cassette, format 1\n"


def an_exchange(
    number: int, question: str, answer: str = "fine", *, status: int = 200, take: str = "7f3a"
) -> Exchange:
    """An exchange in which `question` was asked and `answer` came."""
    return Exchange(
        number=number,
        upstream="openai",
        request=Request(
            method="POST",
            url="https://api.openai.com/v1/echo",
            headers=(("content-type", "text/plain"),),
            body=question.encode(),
            upstream="openai",
        ),
        response=Response(status, (), (Chunk(answer.encode(), number),) if answer else ()),
        recorded=Recorded("2026-11-21T10:00:00Z", take),
    )


def index(request: Request, base_path: str) -> Indexed:
    """Requests are the same if their bytes are."""
    what = f"{request.method} {request.url} {base_path} {request.body!r}".encode()
    fingerprint = hashlib.blake2b(what, digest_size=16).digest()
    return Indexed(fingerprint, (len(what), 2**64 - 1), request.method, request.parts.path)


def no_secrets(_text: str) -> Sequence[Found]:
    """A scan that finds nothing."""
    return ()


@dataclass(frozen=True)
class Found:
    """A secret that a scan found."""

    kind: str
    start: int


def file_of(*exchanges: Exchange) -> str:
    """The text of a closed cassette."""
    return HEADER + "".join(map(dump, exchanges))


def asked(exchange: Exchange) -> tuple[int, str, str]:
    """What tells exchanges of `an_exchange` apart: number, question, answer."""
    return exchange.number, exchange.request.body.decode(), exchange.response.body.decode()


def recorded(library: Library, name: str) -> list[tuple[int, str, str]]:
    """What is in a cassette, by number."""
    return [asked(exchange) for exchange in library.exchanges(name)]


def taken(
    library: Library,
    name: str,
    *exchanges: Exchange,
    keep_errors: bool = False,
    fresh: bool = False,
) -> str:
    """Record `exchanges` into a cassette in one take; gives what closing it said."""
    take = Take.open(library, name, no_secrets)
    for exchange in exchanges:
        take.append(exchange)
    return str(take.close(index, keep_errors=keep_errors, fresh=fresh))


def write(library: Library, name: str, text: str | bytes) -> Path:
    """Make a file of this text the cassette `name`."""
    path = library.path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path
