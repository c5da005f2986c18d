"""What the tests of the way out share: a client of this machine, and a reader of answers."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from llmreplay.core.exchange import Headers, Request
from llmreplay.upstream import Patience, Upstream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from llmreplay.core.live import LiveResponse

__all__ = ["heard", "post", "reaching"]


@asynccontextmanager
async def reaching(
    *, connect_seconds: float = 5, silence_seconds: float = 5
) -> AsyncIterator[Upstream]:
    """An upstream client that may connect to this machine."""
    upstream = Upstream(
        patience=Patience(connect_seconds=connect_seconds, silence_seconds=silence_seconds),
        vouched_hosts=frozenset({"127.0.0.1", "localhost"}),
    )
    try:
        yield upstream
    finally:
        await upstream.close()


def post(url: str, *headers: tuple[str, str], body: bytes = b"{}") -> Request:
    """A request as a client would send it."""
    pairs: Headers = headers
    return Request("POST", url, pairs, body, "acme")


async def heard(response: LiveResponse) -> bytes:
    """The body of an answer, to its end."""
    return b"".join([piece async for piece in response.chunks()])
