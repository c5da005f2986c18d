"""When a rule fires, of the times that its conditions hold: counts and chance.

Pure: the ledger counts, `overlay` asks. All that is given must hold.
"""

from __future__ import annotations

from dataclasses import dataclass

from llmreplay.core.faults.chance import fraction

__all__ = ["ALWAYS", "When"]


@dataclass(frozen=True, slots=True)
class When:
    """Which occurrences, counted from 1 in each session.

    `each_request` counts those of each request that differs by itself, so that it does not matter
    in which order different ones arrive.
    """

    first: int | None = None
    after: int | None = None
    every: int | None = None
    nth: tuple[int, ...] = ()
    between: tuple[int, int] | None = None
    chance: float | None = None
    each_request: bool = False

    @property
    def needs_fingerprint(self) -> bool:
        """Whether it must be known which request this is."""
        return self.each_request or self.chance is not None

    def counts(self, occurrence: int) -> bool:
        """Whether this occurrence is one of those."""
        first, after, every, between = self.first, self.after, self.every, self.between
        return (
            (first is None or occurrence <= first)
            and (after is None or occurrence > after)
            and (every is None or occurrence % every == 0)
            and (not self.nth or occurrence in self.nth)
            and (between is None or between[0] <= occurrence <= between[1])
        )

    def is_lucky(self, key: bytes) -> bool:
        """Whether chance has it; `key` names seed, rule, session, request and occurrence."""
        return self.chance is None or fraction(key) < self.chance

    def __str__(self) -> str:
        parts = []
        if self.first is not None:
            parts.append(f"the first {self.first}")
        if self.after is not None:
            parts.append(f"after {self.after}")
        if self.every is not None:
            parts.append(f"every {self.every}")
        if self.nth:
            parts.append(f"number {', '.join(map(str, self.nth))}")
        if self.between is not None:
            parts.append(f"from {self.between[0]} to {self.between[1]}")
        if self.chance is not None:
            parts.append(f"with a chance of {self.chance:g}")
        if self.each_request:
            parts.append("of each request")
        return ", ".join(parts) or "always"


ALWAYS = When()
