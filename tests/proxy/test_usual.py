"""What of a request is usual, as aiohttp's own parser has read it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast
from unittest.mock import Mock

import pytest
from aiohttp.http import HttpRequestParser

from llmreplay.proxy.usual import is_all_of, is_usual

if TYPE_CHECKING:
    from aiohttp.base_protocol import BaseProtocol
    from aiohttp.http import RawRequestMessage
    from aiohttp.streams import StreamReader

HEAD = b"POST /v1 HTTP/1.1\r\nHost: h\r\n"
WHOLE = HEAD + b"Content-Length: 3\r\n\r\nabc"


async def parsed(data: bytes) -> tuple[RawRequestMessage, StreamReader]:
    """The first request in `data`."""
    protocol = cast("BaseProtocol", Mock())
    parser = HttpRequestParser(protocol, asyncio.get_running_loop(), 2**16)
    [first, *_], _, _ = parser.feed_data(data)
    return first


@pytest.mark.parametrize(
    ("data", "usual"),
    [
        (WHOLE, True),
        (HEAD + b"\r\n", True),
        (WHOLE[:-1], False),
        (HEAD + b"Connection: close\r\n\r\n", False),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", False),
        (HEAD + b"Connection: upgrade\r\nUpgrade: websocket\r\n\r\n", False),
        (b"HEAD /v1 HTTP/1.1\r\nHost: h\r\n\r\n", False),
        (b"GET /v1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", False),
    ],
    ids=["whole", "no body", "part of it", "close", "chunked", "upgrade", "head", "1.0"],
)
async def test_what_is_usual_is_here_whole(data: bytes, *, usual: bool) -> None:
    message, payload = await parsed(data)
    assert is_usual(message, payload) is usual


@pytest.mark.parametrize(
    ("data", "is_all"),
    [
        (WHOLE, True),
        (HEAD + b"\r\n", True),
        (HEAD + b"Content-Length: 8\r\n\r\n\r\n\r\nabcd", True),
        (WHOLE[:-1], False),
        (WHOLE + b"\r\n", False),
        (WHOLE + b"POST", False),
        (WHOLE + WHOLE, False),
        (b"\r\n\r\n" + WHOLE, False),
        (HEAD + b"Connection: upgrade\r\nUpgrade: websocket\r\n\r\n", False),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", False),
    ],
    ids=[
        "one",
        "no body",
        "ends in a body",
        "part",
        "an end",
        "more",
        "two",
        "ends",
        "upgrade",
        "chunked",
    ],
)
async def test_bytes_may_be_one_request_and_nothing_besides(data: bytes, *, is_all: bool) -> None:
    assert is_all_of(data, *await parsed(data)) is is_all
