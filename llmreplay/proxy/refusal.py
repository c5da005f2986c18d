"""Requests that are answered with what is wrong with them, and never reach the session.

Decides status and message of a request that is malformed, too large, too slow, or one too
many. Repeats nothing that the client sent: it may be a secret. `connection` uses it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import orjson
from aiohttp import http_exceptions, web

from llmreplay.core.plan import reason_phrase
from llmreplay.proxy.wire import head

if TYPE_CHECKING:
    from aiohttp.abc import AbstractStreamWriter

__all__ = ["BadBodyError", "Refusal", "malformed", "too_many"]


class BadBodyError(Exception):
    """A request body that broke off or stopped coming; raised to whoever reads it."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Refusal(web.StreamResponse):
    """An error, as JSON, after which the connection is closed. It writes itself.

    Its message is its reason phrase as well, if it is to stand `in_status_line`.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *headers: tuple[str, str],
        in_status_line: bool = False,
    ) -> None:
        reason = _phrase(message) if in_status_line else reason_phrase(status)
        self.wire = _rendered(status, reason, message, headers)
        self._status = status
        self.message = message
        self._keep_alive = False

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Write all of it, if there is still somebody to read it."""
        if request.transport is not None:
            request.transport.write(self.wire)
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing is left to do."""


def malformed(error: Exception, max_header_bytes: int) -> Refusal:
    """What to answer when aiohttp's parser gave up with `error`."""
    match error:
        case http_exceptions.LineTooLong():
            wrong = f"a line of the request's head is longer than {max_header_bytes:,} bytes"
            return Refusal(431, f"llmreplay: {wrong}; raise limits.max_header in llmreplay.yaml")
        case http_exceptions.BadHttpMessage(message="Too many headers received"):
            return Refusal(431, "llmreplay: the request has too many headers")
        case http_exceptions.BadHttpMethod(message="Received HTTPS traffic on an HTTP port"):
            wrong = "the client speaks TLS to a port that does not: begin its base URL with http://"
            return Refusal(400, f"llmreplay: {wrong}")
        case http_exceptions.InvalidHeader():
            reason = "a header that is not allowed"
        case http_exceptions.InvalidURLError():
            reason = "its target is neither a path nor a URL"
        case _:
            reason = _parser_reason(error)
    return Refusal(400, f"llmreplay: the request is not valid HTTP/1.1: {reason}")


def too_many(max_connections: int) -> Refusal:
    """What to answer when there is no room."""
    wrong = f"more than {max_connections:,} connections at a time"
    remedy = "close some, or raise limits.max_connections in llmreplay.yaml"
    return Refusal(503, f"llmreplay: {wrong}; {remedy}", ("retry-after", "1"))


_MOST_REASON_CHARACTERS: Final = 120
_MOST_PHRASE_CHARACTERS: Final = 300
_NOT_IN_PHRASES: Final = re.compile("[^!-~]+")


def _parser_reason(error: Exception) -> str:
    """What the parser says before it quotes what it read."""
    said = str(getattr(error, "message", error))
    if "PRI" in said:
        return "it is HTTP/2"
    paragraph = said.partition("\n\n")[0]
    words = " ".join(paragraph.split()).rstrip(":")
    return words[:_MOST_REASON_CHARACTERS] or "it cannot be parsed"


def _phrase(message: str) -> str:
    """`message` as a status line may have it: printable ASCII, of some length."""
    return _NOT_IN_PHRASES.sub(" ", message)[:_MOST_PHRASE_CHARACTERS].strip()


def _rendered(
    status: int, reason: str, message: str, headers: tuple[tuple[str, str], ...]
) -> bytes:
    body = orjson.dumps({"error": {"message": message, "type": "llmreplay"}})
    opening = head(
        status,
        reason,
        (("content-type", "application/json"), *headers),
        length=len(body),
        chunked=False,
        keep_alive=False,
    )
    return opening + body
