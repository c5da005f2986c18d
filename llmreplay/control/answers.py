"""What the control API answers, as values: JSON, text, a stream, or a problem (RFC 9457).

Pure. Operations make them, `handling` puts them on the wire.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import orjson

from llmreplay.core.plan import reason_phrase

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable

    from llmreplay.core.dialect import Json
    from llmreplay.core.exchange import Headers

__all__ = ["JSON", "PROBLEM", "SSE", "Answer", "Mistake", "ProblemError", "Streamed", "ok"]

JSON = "application/json"
PROBLEM = "application/problem+json"
SSE = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that is there whole."""

    status: int
    body: bytes = b""
    media_type: str = JSON
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class Streamed:
    """An answer that goes on until the client leaves, or we do. None for nothing new."""

    pieces: AsyncGenerator[bytes | None]
    media_type: str = SSE


class Mistake(NamedTuple):
    """Something in a request that cannot be meant: where, and what to do."""

    field: str
    what: str


class ProblemError(Exception):
    """A request that is refused. `detail` is a sentence with the remedy in it."""

    def __init__(
        self,
        status: int,
        detail: str,
        mistakes: Iterable[Mistake] = (),
        headers: Headers = (),
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.mistakes = tuple(mistakes)
        self.headers = headers

    @property
    def answer(self) -> Answer:
        """As problem+json."""
        told: dict[str, Json] = {
            "type": "about:blank",
            "title": reason_phrase(self.status),
            "status": self.status,
            "detail": self.detail,
        }
        if self.mistakes:
            told["mistakes"] = [mistake._asdict() for mistake in self.mistakes]
        return Answer(self.status, orjson.dumps(told), PROBLEM, self.headers)


def ok(value: Json, status: int = 200) -> Answer:
    """`value` as JSON."""
    return Answer(status, orjson.dumps(value))
