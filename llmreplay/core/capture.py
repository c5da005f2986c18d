"""What passes, kept as it passes: raw pieces in, a stored `Response` out.

Takes content codings off, notes when each event was complete, and knows when the provider's
own end marker has come. It decides nothing about sending; `session` feeds it while forwarding.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate
from typing import TYPE_CHECKING

from llmreplay.core.decoding import CorruptBodyError, Decoder, DecodingError
from llmreplay.core.exchange import (
    Chunk,
    Ending,
    Headers,
    Response,
    header,
    without_headers,
)
from llmreplay.core.streams import Event, Framing, framing_of, parser_for, split

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Capture"]

_CODING_HEADER = frozenset({"content-encoding"})


class Capture:
    """One response on its way through.

    `limit_bytes` bounds what is kept, decoded; beyond it `problem` says so and nothing more is
    kept. A coding that cannot be taken off leaves the bytes as they are, and their header.
    `end_at` is the place of the provider's end marker in the raw bytes, once it has come; in a
    coded body, where that place cannot be said, that of the piece which brought it.
    """

    def __init__(
        self,
        status: int,
        headers: Headers,
        *,
        content_length: int | None,
        ends_stream: Callable[[Event], bool],
        limit_bytes: int,
    ) -> None:
        self.problem: str | None = None
        self.end_at: int | None = None
        self._status = status
        self._headers = headers
        self._length_known = content_length is not None
        self._ends_stream = ends_stream
        self._limit_bytes = limit_bytes
        self._raw_bytes = 0
        self._pieces: list[bytes] = []
        self._arrivals: list[float] = []
        self._watched_bytes = 0
        self._watch: Callable[[bytes], list[Event]] | None = None
        self._decoder = self._make_decoder()

    def feed(self, raw: bytes, at_ms: float) -> None:
        """Keep `raw`, which arrived `at_ms` after the request was sent."""
        if self.problem is not None:
            return
        begin = self._raw_bytes
        self._raw_bytes += len(raw)
        try:
            data = self._decoded(raw, first=begin == 0)
        except DecodingError as error:
            self._give_up(str(error))
            return
        if self._raw_bytes > self._limit_bytes:
            self._give_up(f"it is larger than the limit of {self._limit_bytes:,} bytes")
            return
        if data:
            self._look_for_end(data, begin)
            self._pieces.append(data)
            self._arrivals.append(at_ms)

    def response(self, ending: Ending) -> Response:
        """What came, as it is stored: decoded, one chunk an event, with the wait before each."""
        body = b"".join(self._pieces)
        framing = framing_of(self._headers, body, length_known=self._length_known)
        pieces = [event.raw for event in split(framing, body)]
        coded = self._decoder is None
        headers = self._headers if coded else without_headers(self._headers, _CODING_HEADER)
        return Response(self._status, headers, self._timed(pieces), ending)

    def _make_decoder(self) -> Decoder | None:
        try:
            return Decoder(header(self._headers, "content-encoding"), self._limit_bytes)
        except DecodingError:
            return None

    def _decoded(self, raw: bytes, *, first: bool) -> bytes:
        """`raw` without its coding. A body that never was in the coding it names stays as it is."""
        if self._decoder is None:
            return raw
        try:
            return self._decoder.feed(raw)
        except CorruptBodyError:
            if not first:
                raise
            self._decoder = None
            return raw

    def _look_for_end(self, data: bytes, begin: int) -> None:
        """Ask the dialect of each event that `data` completes, where this is a stream at all."""
        if not self._pieces:
            framing = framing_of(self._headers, data, length_known=self._length_known)
            if framing is not Framing.NONE:
                self._watch = parser_for(framing).feed
        if self._watch is None or self.end_at is not None:
            return
        for event in self._watch(data):
            if self._ends_stream(event):
                coded = header(self._headers, "content-encoding") is not None
                self.end_at = begin if coded else self._watched_bytes
                return
            self._watched_bytes += len(event.raw)

    def _give_up(self, reason: str) -> None:
        self.problem = reason
        self._pieces.clear()
        self._arrivals.clear()
        self._watch = None

    def _timed(self, pieces: list[bytes]) -> tuple[Chunk, ...]:
        """Each piece with the wait before it: it was there when its last byte was."""
        ends_of_arrivals = list(accumulate(len(piece) for piece in self._pieces))
        chunks: list[Chunk] = []
        before = 0
        for piece, end in zip(pieces, accumulate(len(piece) for piece in pieces), strict=True):
            at = round(self._arrivals[bisect_left(ends_of_arrivals, end)])
            chunks.append(Chunk(piece, at - before))
            before = at
        return tuple(chunks)
