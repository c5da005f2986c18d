"""What is known of a session, and what a test wants to know of it at its end.

It takes journal entries and says what they come to; `sessions` keeps one for each session.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from llmreplay.core.journal import Entry, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmreplay.core.tape import Recording
    from llmreplay.session.setup import ClosedTake, Setup

__all__ = ["Ended", "Remembered", "SessionInfo", "Verdict"]

MOST_KEPT = 20
"""Misses, and hits with drift, of which the whole entry is kept; all are counted."""

_LIVE = frozenset({Outcome.RECORDED, Outcome.FORWARDED})


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """A session as it is. `setup` has every value filled in but `cassettes`: None means all.

    `configured` says whether anybody set it up. `tally` has the outcomes that occurred.
    """

    name: str
    configured: bool
    setup: Setup
    age_s: float
    idle_s: float
    tally: Mapping[Outcome, int]
    missing: tuple[str, ...] = ()

    @property
    def requests(self) -> int:
        """How many there were."""
        return sum(self.tally.values())


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a test wants to know at its end.

    `missed` and `drifted` count what `misses` and `drift` have the first few entries of.
    `live_calls` went to a provider. `fired` and `never_fired` are names of rules, the latter of
    those that could have been about this session; `not_done` are faults that fired and found no
    place in the answer, `rule: what (not done: why)`.
    """

    missed: int
    misses: tuple[Entry, ...]
    unused: tuple[Recording, ...]
    live_calls: int
    drifted: int
    drift: tuple[Entry, ...]
    fired: Mapping[str, int]
    never_fired: tuple[str, ...]
    not_done: tuple[str, ...]


class Ended(NamedTuple):
    """Whether there was such a session, and what became of what it recorded."""

    existed: bool
    closed: ClosedTake | None


@dataclass(slots=True)
class Remembered:
    """What is remembered of the requests of a session. Bounded, however many there are."""

    tally: Counter[Outcome] = field(default_factory=Counter)
    misses: list[Entry] = field(default_factory=list)
    drifted: int = 0
    drift: list[Entry] = field(default_factory=list)
    live_calls: int = 0
    not_done: dict[str, None] = field(default_factory=dict)

    def add(self, entry: Entry) -> None:
        """Remember what is remarkable about a request, which is counted already."""
        if entry.outcome in _LIVE or (entry.outcome is Outcome.FAILED and entry.upstream):
            self.live_calls += 1
        if entry.outcome is Outcome.MISS and len(self.misses) < MOST_KEPT:
            self.misses.append(entry._replace(sent=None))
        if entry.drift:
            self.drifted += 1
            if len(self.drift) < MOST_KEPT:
                self.drift.append(entry._replace(sent=None))
        for fault in entry.faults:
            if " (not done: " in fault and len(self.not_done) < MOST_KEPT:
                self.not_done[fault] = None
