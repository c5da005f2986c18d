"""A listener for tests, and clients that send it bytes."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn, Self, cast

from aiohttp import web

from llmreplay.proxy.listener import Listener
from tests.fakes.hand_clock import HandClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from llmreplay.proxy.connect import Gate
    from llmreplay.proxy.shared import Early, Handler

__all__ = ["Guest", "House", "Rules", "echo", "eventually", "far_side", "house"]


_LIMIT = 1 << 23


@dataclass(frozen=True)
class Rules:
    """The limits of a listener."""

    max_connections: int = 100
    max_header_bytes: int = 8 * 1024
    max_body_bytes: int = 100_000
    header_timeout_ms: float = 10_000
    body_timeout_ms: float = 60_000
    idle_timeout_ms: float = 75_000


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait for what nothing announces, five seconds at most."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110  # there is no event for it
            await asyncio.sleep(0.001)


class House:
    """A listener that runs, its clock, and what it has said."""

    def __init__(
        self, handler: Handler, rules: Rules, gate: Gate | None, early: Early | None
    ) -> None:
        self.clock = HandClock()
        self.said: list[str] = []
        self.listener = Listener(
            handler, rules, clock=self.clock, say=self.said.append, gate=gate, early=early
        )
        self.port = 0

    async def guest(self, host: str = "127.0.0.1") -> Guest:
        """A client that has just connected, and been let in."""
        accepted = self.listener.counts.accepted
        reader, writer = await asyncio.open_connection(host, self.port, limit=_LIMIT)
        await eventually(lambda: self.listener.counts.accepted > accepted)
        return Guest(reader, writer)

    async def seconds_pass(self, seconds: float) -> None:
        """Time goes by; what was sent before has been received before."""
        await asyncio.sleep(0.02)
        await self.clock.forward(1)  # a sweep sees what is new
        await self.clock.forward(seconds)


class Guest:
    """A client that sends bytes, right or wrong."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    async def send(self, data: bytes, *, wait: float = 0.01) -> None:
        """Send, in a packet of its own."""
        self._writer.write(data)
        await self._writer.drain()
        await asyncio.sleep(wait)

    async def secure(self, context: ssl.SSLContext, host: str | None) -> None:
        """Speak TLS from here on."""
        async with asyncio.timeout(5):
            await self._writer.start_tls(context, server_hostname=host)

    @property
    def streams(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """What it reads from and writes to."""
        return self._reader, self._writer

    @property
    def tls(self) -> ssl.SSLObject:
        """What is known of it."""
        found = self._writer.get_extra_info("ssl_object")
        assert isinstance(found, ssl.SSLObject)
        return found

    @property
    def names_shown(self) -> list[object]:
        """Those in the certificate that it was shown."""
        certificate = self.tls.getpeercert() or {}
        return [name for _, name in cast("list[tuple[str, str]]", certificate["subjectAltName"])]

    def send_no_more(self) -> None:
        """End one direction of the connection."""
        self._writer.write_eof()

    def reset(self) -> None:
        """Break the connection."""
        sock = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    async def answer(self) -> tuple[int, bytes]:
        """Status and body of the next answer."""
        async with asyncio.timeout(5):
            head = await self._reader.readuntil(b"\r\n\r\n")
            length = head.lower().partition(b"content-length: ")[2].partition(b"\r")[0]
            body = await self._reader.readexactly(int(length or 0))
        return int(head.split(b" ")[1]), body

    async def until(self, end: bytes) -> bytes:
        """All that comes, up to `end`."""
        async with asyncio.timeout(5):
            return await self._reader.readuntil(end)

    async def any(self) -> bytes:
        """What comes next; raises `ConnectionError` if nothing does."""
        async with asyncio.timeout(5):
            return await self._reader.read(1 << 16) or _raise_end()

    async def rest_or_reset(self) -> None:
        """Wait until the connection is closed, in whatever way."""
        with contextlib.suppress(ConnectionError):
            await self.rest()

    async def some(self, count: int) -> bytes:
        """So many bytes."""
        async with asyncio.timeout(5):
            return await self._reader.readexactly(count)

    async def rest(self) -> bytes:
        """All that comes until the listener closes the connection."""
        async with asyncio.timeout(5):
            return await self._reader.read()

    async def hears_nothing(self) -> bool:
        """Whether the connection is open, and silent."""
        try:
            async with asyncio.timeout(0.02):
                await self._reader.readexactly(1)
        except TimeoutError:
            return True
        except (asyncio.IncompleteReadError, ConnectionError):
            return False
        return False


def _raise_end() -> NoReturn:
    raise ConnectionError("it has ended")


class _Written(web.StreamResponse):
    """Tells aiohttp that the answer is written."""

    def __init__(self, *, keep_alive: bool) -> None:
        self._keep_alive = keep_alive

    async def prepare(self, request: web.BaseRequest) -> None:
        del request

    async def write_eof(self, data: bytes = b"") -> None:
        del data


async def echo(request: web.BaseRequest) -> web.StreamResponse:
    """Answers with method, target and body, as the product does: in bytes of its own."""
    body = await request.content.read() if request.body_exists else b""
    told = f"{request.method} {request.raw_path} ".encode("utf-8", "surrogateescape") + body
    if request.transport is not None:
        length = f"content-length: {len(told)}\r\n\r\n".encode()
        sent = b"" if request.method == "HEAD" else told
        request.transport.write(b"HTTP/1.1 200 OK\r\n" + length + sent)
    return _Written(keep_alive=request.keep_alive)


@asynccontextmanager
async def house(
    handler: Handler = echo,
    rules: Rules | None = None,
    gate: Gate | None = None,
    host: str = "127.0.0.1",
    early: Early | None = None,
) -> AsyncIterator[House]:
    """A listener on a free port."""
    made = House(handler, rules or Rules(), gate, early)
    url = await made.listener.start(host, 0, allow_remote=True)
    made.port = int(url.rpartition(":")[2])
    try:
        yield made
    finally:
        await made.listener.stop(0)


@asynccontextmanager
async def far_side(*, greeting: bytes = b"") -> AsyncIterator[tuple[str, int]]:
    """A server that says `greeting`, sends back what it gets, and ends when the other has."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(greeting)
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
            writer.write(b"bye")
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()
