"""A company's HTTP proxy: leads on to places that only it knows, with the right credentials."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from llmreplay.core.proxies import Proxy

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["CompanyProxy"]


class CompanyProxy:
    """Knows `places` (`host:port` → where that really is); `wanted` is what it asks for.

    `asked` has the first line of each request. With `answer` it says only that to CONNECT.
    """

    def __init__(
        self,
        places: dict[str, tuple[str, int]] | None = None,
        *,
        wanted: str = "",
        answer: bytes | None = None,
    ) -> None:
        self.asked: list[str] = []
        self.port = 0
        self._places = places or {}
        self._wanted = wanted
        self._answer = answer
        self._server: asyncio.Server

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()

    def proxy(self, user: str = "", password: str = "") -> Proxy:
        """What leads here."""
        return Proxy("127.0.0.1", self.port, user, password)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await self._talk(reader, writer)
        writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        line, *headers = head.decode("latin-1").split("\r\n")
        self.asked.append(line)
        method, target, _ = line.split(" ")
        if self._answer is not None:
            writer.write(self._answer)
            return
        given = [one.partition(": ")[2] for one in headers if one.startswith("Proxy-Auth")]
        if self._wanted and given != [self._wanted]:
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return
        parts = urlsplit(f"//{target}" if method == "CONNECT" else target)
        there = await asyncio.open_connection(*self._places[f"{parts.hostname}:{parts.port or 80}"])
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connection established\r\nVia: company\r\n\r\n")
        else:
            there[1].write(head)
        await asyncio.gather(_passed_on(reader, there[1]), _passed_on(there[0], writer))


async def _passed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
    writer.close()
