"""Requests as they were parsed: which of them are usual, and what is wrong with one that is not.

`connection` asks; only what is usual is answered where its bytes arrive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aiohttp.http import HttpVersion11
from aiohttp.web_protocol import _ErrInfo

from llmreplay.proxy.refusal import Refusal

if TYPE_CHECKING:
    from aiohttp import web
    from aiohttp.http import RawRequestMessage
    from aiohttp.streams import StreamReader

__all__ = ["is_all_of", "is_usual", "wrong_with"]

_END_OF_HEAD: Final = b"\r\n\r\n"


def is_usual(message: RawRequestMessage, payload: StreamReader) -> bool:
    """Whether a request is here whole, on a connection that goes on, and announces its length."""
    return not (
        message.should_close
        or message.chunked
        or message.upgrade
        or message.method == "HEAD"
        or message.version < HttpVersion11
        or not payload.is_eof()
    )


def is_all_of(data: bytes, message: RawRequestMessage | _ErrInfo, payload: StreamReader) -> bool:
    """Whether `data` was this request, from its first byte to its last, and nothing besides.

    Not of one that asks for another protocol: what follows is no request to aiohttp.
    """
    if isinstance(message, _ErrInfo) or message.chunked or message.upgrade or not payload.is_eof():
        return False
    head_bytes = data.find(_END_OF_HEAD) + len(_END_OF_HEAD)
    return len(data) == head_bytes + payload.total_bytes


def wrong_with(request: web.BaseRequest, limit: int, *, alone: bool) -> Refusal | None:
    """What is wrong with an unusual request, seen from its head; None if it may go on.

    `limit` is what its body may have, in bytes; it is `alone` if nothing was parsed behind it.
    """
    message = request._message  # noqa: SLF001  # nothing else says whether it is chunked
    coding = request.headers.get("Transfer-Encoding", "chunked").lower()
    if request.method == "CONNECT":
        wrong = "CONNECT is not understood: set the client's base URL instead of HTTPS_PROXY"
        return Refusal(405, f"llmreplay: {wrong}")
    if coding != "chunked" or (message.chunked and request.version < HttpVersion11):
        return Refusal(400, "llmreplay: a body can only be chunked, and only in HTTP/1.1")
    if (request.content_length or 0) > limit:
        wrong = f"the request body is larger than the limit of {limit:,} bytes"
        return Refusal(413, f"llmreplay: {wrong}; raise limits.max_body in llmreplay.yaml")
    if request.headers.get("Expect", "100-continue").lower() != "100-continue":
        return Refusal(417, "llmreplay: only 100-continue can be expected")
    if not (alone or request.content.is_eof()):
        # Behind a body that is not whole there can only be the parser's complaint.
        return Refusal(400, "llmreplay: the request body is not valid HTTP/1.1")
    return None
