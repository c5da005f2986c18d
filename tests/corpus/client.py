"""An HTTP/1.1 client that notes what a library hides: chunks as they were cut, how it ended.

It reads what servers of this project and of its tests send, and is strict about it. Nothing is
decoded, followed or retried, but for a kept connection that the server closed meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from llmreplay.core.exchange import Ending, header

if TYPE_CHECKING:
    from types import TracebackType

    from llmreplay.core.exchange import Headers

__all__ = ["Connection", "Received"]

_MAX_HEAD_BYTES = 1024 * 1024
_STATUS_LINE = re.compile(r"HTTP/1\.1 (\d{3}) (.*)")
_BODILESS_STATUSES = {204, 304}


@dataclass(frozen=True, slots=True)
class Received:
    """A response as it was on the wire. `pieces` are its chunks, or the body in one."""

    status: int
    reason: str
    headers: Headers
    pieces: tuple[bytes, ...]
    ending: Ending

    @property
    def body(self) -> bytes:
        """The body, still in its coding."""
        return b"".join(self.pieces)

    @property
    def chunked(self) -> bool:
        """Whether it came in chunks."""
        return header(self.headers, "transfer-encoding") is not None


class Connection:
    """One connection to `url` at a time, kept open between requests as long as it lasts.

    An async context manager that closes it at the end.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        self._host, self._port = parts.hostname, parts.port or 80
        self._open: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, target: str, headers: Headers, body: bytes) -> Received:
        """Sends one request and reads the response to it."""
        kept = self._open is not None
        message = self._message(method, target, headers, body)
        try:
            return await self._exchange(method, message)
        except (ConnectionError, asyncio.IncompleteReadError):
            await self._close()
            if not kept:
                raise
        return await self._exchange(method, message)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._close()

    async def _close(self) -> None:
        if self._open is not None:
            _, writer = self._open
            self._open = None
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    def _message(self, method: str, target: str, headers: Headers, body: bytes) -> bytes:
        lines = [f"{method} {target} HTTP/1.1", f"Host: {self._host}:{self._port}"]
        lines += [f"{name}: {value}" for name, value in headers]
        if body or method not in {"GET", "DELETE", "HEAD"}:
            lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join([*lines, "", ""]).encode() + body

    async def _exchange(self, method: str, message: bytes) -> Received:
        if self._open is None:
            self._open = await asyncio.open_connection(
                self._host, self._port, limit=_MAX_HEAD_BYTES
            )
        reader, writer = self._open
        writer.write(message)
        await writer.drain()
        received = await _read_response(reader, has_body=method != "HEAD")
        closing = (header(received.headers, "connection") or "").lower() == "close"
        if closing or received.ending is not Ending.COMPLETE or reader.at_eof():
            await self._close()
        return received


async def _read_response(reader: asyncio.StreamReader, *, has_body: bool) -> Received:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode().removesuffix("\r\n\r\n").split("\r\n")
    status_line = _STATUS_LINE.fullmatch(first)
    assert status_line is not None, first
    pairs = (line.partition(": ") for line in lines)
    headers = tuple((name, value) for name, _, value in pairs)
    status = int(status_line[1])
    pieces: list[bytes] = []
    ending = Ending.COMPLETE
    if has_body and status not in _BODILESS_STATUSES:
        try:
            await _read_body(reader, headers, pieces)
        except asyncio.IncompleteReadError as error:
            pieces += [error.partial] if error.partial else []
            ending = Ending.TRUNCATED
        except ConnectionError:
            ending = Ending.RESET
    return Received(status, status_line[2], headers, tuple(pieces), ending)


async def _read_body(reader: asyncio.StreamReader, headers: Headers, pieces: list[bytes]) -> None:
    if header(headers, "transfer-encoding") == "chunked":
        while size := int(await reader.readuntil(b"\r\n"), 16):
            pieces.append(await reader.readexactly(size))
            assert await reader.readexactly(2) == b"\r\n"
        assert await reader.readexactly(2) == b"\r\n"
        return
    length = header(headers, "content-length")
    body = await (reader.read() if length is None else reader.readexactly(int(length)))
    pieces += [body] if body else []
