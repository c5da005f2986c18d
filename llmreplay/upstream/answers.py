"""A live answer: its head, its body as it arrives, and how it ended.

Decides between whole, truncated and reset, which aiohttp does not tell apart. Decodes
nothing. `sending` makes these; `session` reads them through `core.live`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp

from llmreplay.core.exchange import Ending, Headers, header
from llmreplay.upstream.attempt import BrokenFramingError
from llmreplay.upstream.head import end_to_end

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from llmreplay.upstream.attempt import Attempt
    from llmreplay.upstream.failures import Words

__all__ = ["LiveAnswer"]


class LiveAnswer:
    """The `LiveResponse` over an attempt that was answered."""

    def __init__(self, attempt: Attempt, words: Words) -> None:
        self.status = attempt.message.code
        self.reason = attempt.message.reason or ""
        self.headers = end_to_end(_decoded(attempt.message.raw_headers))
        self.content_length = _content_length(self.headers)
        self.ending = Ending.RESET
        self._problem: str | None = None
        self._attempt = attempt
        self._words = words

    @property
    def has_begun(self) -> bool:
        """Whether some of the body is here already, or its end."""
        content = self._attempt.content
        return content.total_bytes > 0 or content.is_eof()

    @property
    def problem(self) -> str:
        """What went wrong, in plain words; else empty."""
        if self._problem is None:
            return self._words.about("was not heard to the end")
        return self._problem

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives; see `LiveResponse`."""
        content = self._attempt.content
        self._attempt.watch()
        try:
            while piece := await content.readany():
                yield piece
        except (aiohttp.ClientError, OSError, RuntimeError) as error:
            # RuntimeError is aiohttp's for a connection that it gave up before it was read.
            # What had arrived by then is in the buffer, and `readany` does not give it.
            rest = content._read_nowait(-1)  # noqa: SLF001  # there is no public way
            if rest:
                yield rest
            self._broken_off(error)
        else:
            self._whole()
        finally:
            self._attempt.let_go()

    async def close(self) -> None:
        """Let go of the connection; one whose answer was read to its end stays in the pool."""
        self._attempt.close()

    def _whole(self) -> None:
        if self._ends_with_connection and self._attempt.broke:
            # aiohttp takes any end of the connection for the end of such a body.
            self._problem = self._words.about("broke the connection in the middle of its answer")
            return
        self.ending = Ending.COMPLETE
        self._problem = ""

    def _broken_off(self, error: Exception) -> None:
        if isinstance(error, TimeoutError):
            self._problem = self._words.silent()
        elif isinstance(error, BrokenFramingError | RuntimeError):
            self._problem = self._words.about("sent chunks that are not valid HTTP/1.1")
        elif self._attempt.broke or not isinstance(error, aiohttp.ClientPayloadError):
            self._problem = self._words.about("broke the connection in the middle of its answer")
        else:
            self.ending = Ending.TRUNCATED
            self._problem = self._words.about("closed the connection in the middle of its answer")

    @property
    def _ends_with_connection(self) -> bool:
        """Whether only the end of the connection tells the end of the body."""
        return self.content_length is None and not self._attempt.message.chunked


def _decoded(raw: tuple[tuple[bytes, bytes], ...]) -> Headers:
    """Header bytes as text that gives the same bytes back, whatever they are."""
    return tuple(
        (name.decode("utf-8", "surrogateescape"), value.decode("utf-8", "surrogateescape"))
        for name, value in raw
    )


def _content_length(headers: Headers) -> int | None:
    announced = header(headers, "content-length")
    return int(announced) if announced is not None and announced.isdecimal() else None
