"""`limit`: a budget of requests and tokens, as providers have it, with their rate-limit headers.

A window begins with the first request after the one before; it is counted on the given clock, for
each session and each model (or path, or upstream) by itself. Tokens are those that answers tell.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from llmreplay.core.exchange import Chunk, Headers, Response, without_headers
from llmreplay.core.failure import Allowance, Problem
from llmreplay.core.faults.error import trouble_of
from llmreplay.core.faults.fault import Fault
from llmreplay.core.faults.stage import Opening, Piece, Stage
from llmreplay.core.plan import Plan, Step, reason_phrase

if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmreplay.core.dialect import Dialect
    from llmreplay.core.faults.fault import Firing
    from llmreplay.core.faults.ledger import Window
    from llmreplay.core.faults.request import Asked

__all__ = ["BY", "Limit"]

BY = ("model", "path", "upstream")


@dataclass(frozen=True, slots=True)
class Limit(Fault):
    """At most so many `requests` and `tokens` in `per_s` seconds."""

    per_s: float = 60.0
    requests: int | None = None
    tokens: int | None = None
    by: str | None = None
    kind: ClassVar[str] = "limit"

    def begin(self, firing: Firing) -> Plan | Stage:
        """See `Fault`."""
        asked = firing.asked
        window = firing.ledger.window(
            asked.session,
            firing.rule,
            _name(asked, self.by),
            now_s=firing.now_s,
            per_s=self.per_s,
        )
        reset_ms = (window.start_s + self.per_s - firing.now_s) * 1000
        left = self._left(window, reset_ms)
        if any(each.remaining <= 0 for each in left):
            return _refused(firing, left, reset_ms)
        window.requests += 1
        told = asked.dialect.failures.allowance(self._left(window, reset_ms), firing.epoch_s)
        return _Counting(window, told, asked.dialect, counts_tokens=self.tokens is not None)

    def _left(self, window: Window, reset_ms: float) -> tuple[Allowance, ...]:
        budgets = (
            ("requests", self.requests, window.requests),
            ("tokens", self.tokens, window.tokens),
        )
        return tuple(
            Allowance(what, limit, max(0, limit - used), reset_ms)
            for what, limit, used in budgets
            if limit is not None
        )

    def __str__(self) -> str:
        budgets = ((self.requests, "requests"), (self.tokens, "tokens"))
        told = " and ".join(f"{limit:,} {what}" for limit, what in budgets if limit is not None)
        return f"limit of {told} in {self.per_s:g} s" + (f" by {self.by}" if self.by else "")


def _name(asked: Asked, by: str | None) -> str:
    if by is None:
        return ""
    return asked.model if by == "model" else str(getattr(asked, by) or "")


def _refused(firing: Firing, left: tuple[Allowance, ...], reset_ms: float) -> Plan:
    trouble = trouble_of(Problem.RATE_LIMIT, firing)
    trouble = replace(trouble, wait_ms=reset_ms, allowances=left)
    failure = firing.asked.dialect.failures.answer(trouble)
    status = failure.status
    return Plan(status, reason_phrase(status), failure.headers, (Step(0.0, failure.body),))


class _Counting(Stage):
    """Tells what is left, and takes from it what the answer says it cost."""

    def __init__(
        self, window: Window, told: Headers, dialect: Dialect, *, counts_tokens: bool
    ) -> None:
        self._window = window
        self._told = told
        self._dialect = dialect
        self._counts_tokens = counts_tokens
        self._opening: Opening | None = None
        self._seen: list[Chunk] = []

    def open(self, opening: Opening) -> Opening:
        self._opening = opening
        names = frozenset(name.lower() for name, _ in self._told)
        headers = (*without_headers(opening.headers, names), *self._told)
        return replace(opening, headers=headers)

    def feed(self, piece: Piece) -> Iterable[Piece]:
        if self._counts_tokens:
            self._seen.append(Chunk(piece.raw))
        return (piece,)

    def finish(self) -> Iterable[Piece]:
        if self._seen and self._opening is not None:
            response = Response(self._opening.status, self._opening.headers, tuple(self._seen))
            usage = self._dialect.reply(response).usage
            self._window.tokens += (usage.input_tokens or 0) + (usage.output_tokens or 0)
        return ()
