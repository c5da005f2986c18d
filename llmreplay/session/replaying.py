"""Recordings as answers: made once, kept while there is room, with the live client's own ids."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic, TypeVar

from llmreplay.core.matching import echo_ids
from llmreplay.core.plan import Plan, plan_replay
from llmreplay.session.calls import HasSize, Settled
from llmreplay.session.memory import Memory
from llmreplay.session.understanding import understand

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmreplay.core.exchange import Exchange
    from llmreplay.core.tape import Recording

__all__ = ["Kept", "Replays"]

P = TypeVar("P", bound=HasSize)

_KEPT_BYTES = 256 * 2**20


@dataclass(frozen=True, slots=True)
class Kept(Generic[P]):
    """A recording made ready: its answer, and the ids of its request."""

    answer: P
    plan: Plan
    ids: tuple[str, ...]
    streamed: bool


class Replays(Generic[P]):
    """Answers by recording. `prepare` makes of a plan what the proxy writes."""

    def __init__(self, settled: Settled, prepare: Callable[[Plan], P]) -> None:
        self._match = settled.match
        self._timing = settled.timing
        self._seed = settled.seed
        self._prepare = prepare
        self._kept: Memory[Recording, Kept[P]] = Memory(max_bytes=_KEPT_BYTES)

    def of(self, recording: Recording, live_ids: tuple[str, ...]) -> Kept[P]:
        """The answer of `recording`, for a request whose ids are `live_ids`."""
        kept = self._kept.get(recording)
        if kept is None:
            kept = self._made(recording, recording.load())
            self._kept.put(recording, kept, kept.answer.size)
        if kept.ids == live_ids:
            return kept
        return self._made(recording, _echoing(recording.load(), kept.ids, live_ids))

    def _made(self, recording: Recording, exchange: Exchange) -> Kept[P]:
        recorded = understand(exchange.request, self._match)
        plan = plan_replay(
            exchange.response,
            self._timing,
            recorded.dialect.least_wait,
            key=f"{self._seed}|{recording.source}".encode(),
        )
        plan = replace(plan, headers=(*plan.headers, ("x-llmreplay-exchange", recording.source)))
        return Kept(self._prepare(plan), plan, recorded.canonical.ids, plan.streamed)


def _echoing(exchange: Exchange, recorded: tuple[str, ...], live: tuple[str, ...]) -> Exchange:
    """`exchange` with the ids that this client made in place of those that were recorded."""
    chunks = tuple(
        replace(chunk, data=echo_ids(chunk.data, recorded, live))
        for chunk in exchange.response.chunks
    )
    return replace(exchange, response=replace(exchange.response, chunks=chunks))
