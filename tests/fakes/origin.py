"""An HTTP/1.1 server that does exactly what it is told, down to the bytes of its sockets.

For each request it asks a function for steps: bytes to send, waits, how to end. It adds nothing
(no header, no framing), so a test can have it behave like any provider, or like a broken one.
`tests.fakes.manners` has the steps for answering well or badly; the rest is in the test.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

__all__ = ["Asked", "Close", "Origin", "Reset", "Send", "Step", "Wait"]

_MAX_HEAD_BYTES = 1024 * 1024
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER: on, for no time


@dataclass(frozen=True, slots=True)
class Send:
    """Write these bytes, in one write."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Wait:
    """Do nothing for a while."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Close:
    """Close the connection in good order (FIN)."""


@dataclass(frozen=True, slots=True)
class Reset:
    """Break the connection (RST)."""


Step: TypeAlias = Send | Wait | Close | Reset
"""After the last step the connection waits for its next request, unless a step ended it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it arrived; `target` is the path and query as spelled on the wire."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """The first value under `name`, compared without case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


class Origin:
    """The server, on a free port of its own: `async with Origin(answers) as origin`.

    `asked` is every request that has arrived, in order. An error in `answers` breaks the
    connection and is kept in `failures`, for the test to look at.
    """

    def __init__(self, answers: Callable[[Asked], Iterable[Step]]) -> None:
        self.asked: list[Asked] = []
        self.failures: list[Exception] = []
        self._answers = answers
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """The port, while it is open."""
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """The address, without a slash at its end."""
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", limit=_MAX_HEAD_BYTES, backlog=512
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.current_task()
        assert connection is not None
        self._connections.add(connection)
        try:
            while (asked := await _read_request(reader, writer)) is not None:
                self.asked.append(asked)
                if not await self._play(asked, writer):
                    return
        except (ConnectionError, asyncio.IncompleteReadError):
            return  # the client has left; what it makes of that is for the test
        except asyncio.CancelledError:
            return  # the origin is closing, and nobody is told by whom
        finally:
            self._connections.discard(connection)
            writer.close()

    async def _play(self, asked: Asked, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection is still open afterwards."""
        try:
            steps = list(self._answers(asked))
        except Exception as error:  # noqa: BLE001  # whatever the test's function raised
            self.failures.append(error)
            steps = [Reset()]
        for step in steps:
            match step:
                case Send(data):
                    writer.write(data)
                    await writer.drain()
                case Wait(seconds):
                    await asyncio.sleep(seconds)
                case Close():
                    return False
                case Reset():
                    _reset(writer)
                    return False
        return True


def _reset(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    writer.transport.abort()


async def _read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Asked | None:
    """The next request of a connection, or None at its end."""
    with contextlib.suppress(asyncio.IncompleteReadError):
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
        method, target, _ = first.split(" ")
        pairs = (line.partition(":") for line in lines)
        asked = Asked(method, target, tuple((name, value.strip()) for name, _, value in pairs), b"")
        if (asked.header("expect") or "").lower() == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return Asked(method, target, asked.headers, await _read_body(reader, asked))
    return None


async def _read_body(reader: asyncio.StreamReader, asked: Asked) -> bytes:
    if (asked.header("transfer-encoding") or "").lower() != "chunked":
        return await reader.readexactly(int(asked.header("content-length") or 0))
    body = bytearray()
    while size := int(await reader.readuntil(b"\r\n"), 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readuntil(b"\r\n")
    return bytes(body)
