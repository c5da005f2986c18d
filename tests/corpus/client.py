"""An HTTP/1.1 client that notes what a library hides: chunks as they were cut, how it ended.

It reads what servers of this project and of its tests send, and is strict about it. Nothing is
decoded, followed or retried, but for a kept connection that the server closed meanwhile. It may
go through a proxy, always by CONNECT.
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
    import ssl
    from types import TracebackType

    from llmreplay.core.exchange import Headers

__all__ = ["Connection", "Proxy", "Received"]

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


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy, and by which CA the hosts behind it are known."""

    url: str
    trusted: ssl.SSLContext


class Connection:
    """One connection to `url` at a time, kept open between requests as long as it lasts.

    With a proxy it is a tunnel, and inside is TLS if `url` says https. An async context manager
    that closes it at the end.
    """

    def __init__(self, url: str, proxy: Proxy | None = None) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        self._authority, self._host = parts.netloc, parts.hostname
        self._secure = parts.scheme == "https"
        self._port = parts.port or (443 if self._secure else 80)
        self._proxy = proxy
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

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Opens it, if it is not open."""
        if self._open is None:
            to = (self._host, self._port)
            self._open = await (self._tunnel(self._proxy) if self._proxy else _connected(*to))
        return self._open

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._close()

    async def _tunnel(self, proxy: Proxy) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        parts = urlsplit(proxy.url)
        assert parts.hostname is not None
        reader, writer = await _connected(parts.hostname, parts.port or 80)
        to = f"{self._host}:{self._port}"
        writer.write(f"CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 "), f"{to}: {head.decode()}"
        if self._secure:
            await writer.start_tls(proxy.trusted, server_hostname=self._host)
        return reader, writer

    async def _close(self) -> None:
        if self._open is not None:
            _, writer = self._open
            self._open = None
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    def _message(self, method: str, target: str, headers: Headers, body: bytes) -> bytes:
        lines = [f"{method} {target} HTTP/1.1", f"Host: {self._authority}"]
        lines += [f"{name}: {value}" for name, value in headers]
        if body or method not in {"GET", "DELETE", "HEAD"}:
            lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join([*lines, "", ""]).encode() + body

    async def _exchange(self, method: str, message: bytes) -> Received:
        reader, writer = await self.open()
        writer.write(message)
        await writer.drain()
        received = await _read_response(reader, has_body=method != "HEAD")
        closing = (header(received.headers, "connection") or "").lower() == "close"
        if closing or received.ending is not Ending.COMPLETE or reader.at_eof():
            await self._close()
        return received


async def _connected(host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection(host, port, limit=_MAX_HEAD_BYTES)


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
