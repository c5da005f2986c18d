"""What happened, request by request: the facts that log lines, reports and tests read.

Entries show no body and no credential; URLs in them are redacted before they are made. The request
itself is behind `sent`, and redacted when somebody reads it. One is made for every request, hence
a tuple: a frozen dataclass takes five times as long.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from llmreplay.core.exchange import Request

__all__ = ["Entry", "Outcome", "Sent"]


class Sent(Protocol):
    """A request as it arrived. It shows nothing of itself but through `request`."""

    @property
    def size_bytes(self) -> int:
        """What it holds in memory, nearly."""
        ...

    def request(self) -> Request:
        """The request, redacted: to be asked for by those who read, not for every request."""
        ...


class Outcome(StrEnum):
    """What became of a request."""

    __hash__ = str.__hash__  # Enum's own is Python code, and paid for every request

    HIT = "hit"
    """Answered from a recording."""
    MISS = "miss"
    """No recording; refused and explained."""
    RECORDED = "recorded"
    """Forwarded, and what passed is stored."""
    FORWARDED = "forwarded"
    """Forwarded, nothing stored."""
    FAILED = "failed"
    """Forwarded, but the upstream gave no answer, or what passed could not be stored."""
    FAULT = "fault"
    """Answered by a rule alone."""
    REFUSED = "refused"
    """Not a request that can be answered: malformed, too large, unknown upstream."""


class Entry(NamedTuple):
    """One request and its outcome.

    `target` is the path with a redacted query; `source` names the exchange (`cassette#number`)
    for a hit or a recording; `faults` are those that were injected (`rule: what`); `detail` is
    the explanation of a miss or failure, whole. `elapsed_ms` runs from the last byte of the
    request to the end of the answer; `first_byte_ms` to its start. `sent` is the request, where
    there was one whole.
    """

    session: str
    outcome: Outcome
    method: str
    target: str
    status: int
    upstream: str | None = None
    model: str | None = None
    source: str | None = None
    elapsed_ms: float = 0.0
    first_byte_ms: float | None = None
    streamed: bool = False
    drift: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    detail: str = ""
    sent: Sent | None = None
