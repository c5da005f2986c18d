"""One try to have a request answered: a connection of the pool, and what passes on it.

Decides when a connection may serve another, and whether a try that failed may be made again.
`sending` makes these, `answers` reads from them. The connections and the parser are aiohttp's;
its `ClientSession` is left out, which would rewrite the head and delay the first byte
(`benchmarks/recording.py`) by a third of a millisecond.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, cast

import aiohttp
from aiohttp.http import StreamWriter

if TYPE_CHECKING:
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.connector import Connection
    from aiohttp.http import RawResponseMessage

__all__ = ["Attempt", "BrokenFramingError"]

_STALE_SECONDS: Final = 1.0
_LARGE_BODY_BYTES: Final = 512 * 1024
_READ_BUFFER_BYTES: Final = 256 * 1024
_HEAD_LINE_BYTES: Final = 64 * 1024
_HEAD_LINES: Final = 512
_BEFORE_THE_ANSWER: Final = frozenset(range(100, 200)) - {HTTPStatus.SWITCHING_PROTOCOLS}


class BrokenFramingError(aiohttp.ClientPayloadError):
    """The answer's chunks made no sense."""


class Attempt:
    """One try. `reused` says that the connection has served before.

    `message` and `content` are the answer's head and its body as it arrives, once `ask` is over.
    """

    __slots__ = (
        "_closed",
        "_connection",
        "_protocol",
        "_reused",
        "_started",
        "_writing",
        "content",
        "message",
    )

    message: RawResponseMessage
    content: aiohttp.StreamReader

    def __init__(self, connection: Connection, *, reused: bool) -> None:
        self._connection = connection
        self._protocol = cast("ResponseHandler", connection.protocol)  # None once it is given back
        self._closed = self._protocol.closed
        self._reused = reused
        self._started = asyncio.get_running_loop().time()
        self._writing: asyncio.Task[None] | None = None

    async def ask(
        self, head: bytes, body: bytes, *, wants_head: bool, silence_seconds: float
    ) -> None:
        """Send a request, and wait for the head of its answer.

        `wants_head` is of a HEAD request, whose answer has no body whatever it says. Raises
        aiohttp's errors and OSError; then the connection is closed.
        """
        protocol = self._protocol
        try:
            protocol.set_response_params(
                skip_payload=wants_head,
                read_until_eof=True,
                auto_decompress=False,
                read_timeout=silence_seconds,
                read_bufsize=_READ_BUFFER_BYTES,
                max_line_size=_HEAD_LINE_BYTES,
                max_field_size=_HEAD_LINE_BYTES,
                max_headers=_HEAD_LINES,
            )
            self._write(head, body)
            while True:
                self.message, self.content = await protocol.read()
                if self.message.code not in _BEFORE_THE_ANSWER:
                    break
        except BaseException:
            self.close()
            raise
        if not protocol.upgraded:
            self.content.on_eof(self._release)

    def close(self) -> None:
        """End the connection, whatever is unsent, unless it was given back already."""
        if self._connection.protocol is None:
            return
        if self._writing is not None:
            self._writing.cancel()
        self._protocol.abort()
        self._connection.close()

    def _write(self, head: bytes, body: bytes) -> None:
        transport = self._protocol.transport
        if len(body) >= _LARGE_BODY_BYTES:
            self._writing = asyncio.create_task(self._write_by_pieces(head, body))
        elif transport is not None:  # else it is lost, and whoever reads hears why
            transport.write(head + body)
            self._protocol.start_timeout()

    async def _write_by_pieces(self, head: bytes, body: bytes) -> None:
        """Not faster than it is read: TLS would encrypt all at once, and the loop would wait."""
        writer = StreamWriter(self._protocol, asyncio.get_running_loop())
        # Whoever reads the answer hears of a connection that broke.
        with suppress(aiohttp.ClientError, OSError):
            await writer.write(head)
            for start in range(0, len(body), _READ_BUFFER_BYTES):
                await writer.write(body[start : start + _READ_BUFFER_BYTES])
            self._protocol.start_timeout()

    def _release(self) -> None:
        """The answer is here to its end: the connection may serve another, if all was sent."""
        if self._writing is not None and not self._writing.done():
            self.close()
        else:
            self._connection.release()

    def was_stale(self, error: Exception) -> bool:
        """Whether `error` only says that a kept connection had been closed in the meantime.

        LLM calls are POSTs, which nobody may repeat lightly (RFC 9110 §9.2.2); aiohttp repeats
        only what is idempotent. It is safe where the server cannot have seen the request: the
        connection had served before, failed at once (one that dies while a model works is not
        stale), and brought not a byte of an answer.
        """
        if not self._reused or isinstance(error, TimeoutError):
            return False
        if isinstance(error, aiohttp.ServerDisconnectedError) and not isinstance(
            error.message, str
        ):  # then it is the head that had begun
            return False
        return asyncio.get_running_loop().time() - self._started < _STALE_SECONDS

    @property
    def broke(self) -> bool:
        """Whether the connection ended with an error: RST, not FIN."""
        closed = self._closed
        return closed is not None and closed.done() and closed.exception() is not None

    def watch(self) -> None:
        """See to it that a reader of `content` hears of the connection's end in every case.

        aiohttp 3.14 closes the connection on a chunk that makes no sense, and leaves whoever
        reads the body waiting for ever.
        """
        if self._closed is not None:
            self._closed.add_done_callback(self._wake)

    def let_go(self) -> None:
        """Watch no more: the connection may go on to serve others."""
        if self._closed is not None:
            self._closed.remove_done_callback(self._wake)

    def _wake(self, _closed: asyncio.Future[None]) -> None:
        content = self.content
        if not content.is_eof() and content.exception() is None:
            content.set_exception(BrokenFramingError("the connection was given up"))
