"""Faults at work on an answer that is still arriving: raw pieces in, timed steps out.

Content codings come off, since faults speak of events; what is recorded is captured elsewhere
and never comes by here. The session feeds it and `deliver` waits for the steps.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from llmreplay.core.decoding import CorruptBodyError, Decoder, DecodingError
from llmreplay.core.exchange import Ending, header, without_headers
from llmreplay.core.faults.stage import End, Opening, Piece
from llmreplay.core.plan import Step
from llmreplay.core.streams import framing_of, parser_for

if TYPE_CHECKING:
    from llmreplay.core.faults.stage import Chain
    from llmreplay.core.streams import Parser

__all__ = ["Injected"]

_LENGTH = frozenset({"content-length"})
_REWRITTEN = _LENGTH | {"content-encoding"}


class Injected:
    """One live answer with its faults. Steps are due in ms since the request was sent.

    `opening` is the head to send: chunked, for nobody knows yet how long the body becomes. Once
    `end` is known, nothing more is sent, and it says how the answer ends for the client.
    """

    def __init__(
        self,
        chain: Chain,
        told: tuple[str, str],
        length_known: bool,  # noqa: FBT001  # `injection` alone makes these
        limit_bytes: int,
    ) -> None:
        self._chain = chain
        self._length_known = length_known
        self._decoder = _decoder(chain.opening, limit_bytes)
        kept = without_headers(
            chain.opening.headers, _LENGTH if self._decoder is None else _REWRITTEN
        )
        self.opening = replace(chain.opening, headers=(*kept, told))
        self._parser: Parser | None = None
        self._held: list[Piece] = []
        self._holds = chain.needs_total and chain.opening.total_bytes is None
        self._at_ms = 0.0
        self._bytes = 0

    @property
    def end(self) -> End | None:
        """How the answer ends for the client, once it has."""
        return self._chain.end

    def feed(self, raw: bytes, at_ms: float) -> list[Step]:
        """What may go to the client when `raw` has come, `at_ms` after the request was sent."""
        self._at_ms = at_ms
        try:
            data = self._decoded(raw)
        except DecodingError:
            return self._ended(End(Ending.RESET))
        if not data:
            return []
        if self._parser is None:
            framing = framing_of(self.opening.headers, data, length_known=self._length_known)
            self._parser = parser_for(framing)
            self._chain.frame(framing)
        self._bytes += len(data)
        return self._taken([Piece(event, at_ms) for event in self._parser.feed(data)])

    def finish(self, ending: Ending) -> list[Step]:
        """What still goes to the client when the answer has come to its end."""
        return self._ended(End(ending))

    def _ended(self, end: End) -> list[Step]:
        rest = self._parser.finish() if self._parser is not None else []
        steps = self._taken([Piece(event, self._at_ms) for event in rest])
        if self._holds:
            self._holds = False
            self._chain.measure(self._bytes)
            steps = self._taken(self._held)
        return steps + _steps(self._chain.finish(end))

    def _taken(self, pieces: list[Piece]) -> list[Step]:
        if self._holds:
            self._held += pieces
            return []
        return [step for piece in pieces for step in _steps(self._chain.feed(piece))]

    def _decoded(self, raw: bytes) -> bytes:
        """`raw` without its coding; a body that never was in the coding it names stays as it is."""
        if self._decoder is None:
            return raw
        try:
            return self._decoder.feed(raw)
        except CorruptBodyError:
            if self._bytes:
                raise
            self._decoder = None
            return raw


def _decoder(opening: Opening, limit_bytes: int) -> Decoder | None:
    try:
        return Decoder(header(opening.headers, "content-encoding"), limit_bytes)
    except DecodingError:
        return None


def _steps(pieces: list[Piece]) -> list[Step]:
    return [Step(piece.at_ms, piece.raw) for piece in pieces if piece.raw]
