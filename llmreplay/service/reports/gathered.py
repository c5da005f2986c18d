"""What a report says of sessions: their verdicts, noted as each is over. Bounded in all it holds.

Sessions in which something was missed have room of their own, so that many that went well do not
crowd them out; all are counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llmreplay.control import mode_word, verdict_shown

if TYPE_CHECKING:
    from llmreplay.core.dialect import Json
    from llmreplay.session import SessionInfo, Verdict

__all__ = ["Gathered"]

MOST_SESSIONS: Final = 1_000
"""Of those with a miss, and of those without one."""
MOST_MISSES: Final = 1_000
"""With their explanations, in all sessions together."""
MOST_UNUSED: Final = 100
"""Recordings of one session."""


class Gathered:
    """Sessions with their verdicts, in the order in which they ended."""

    def __init__(self) -> None:
        self.sessions: list[dict[str, Json]] = []
        self.left_out = 0
        """How many sessions there was no room for."""
        self._kept = {True: 0, False: 0}
        self._misses = 0

    def add(self, info: SessionInfo, verdict: Verdict) -> None:
        """A session is over. One that nobody used and nobody set up is none."""
        if not (info.configured or info.tally):
            return
        has_missed = verdict.missed > 0
        if self._kept[has_missed] >= MOST_SESSIONS:
            self.left_out += 1
            return
        self._kept[has_missed] += 1
        self.sessions.append(self._shown(info, verdict))

    def _shown(self, info: SessionInfo, verdict: Verdict) -> dict[str, Json]:
        judged = verdict_shown(verdict)
        misses = judged.pop("misses")[: MOST_MISSES - self._misses]
        self._misses += len(misses)
        unused = judged.pop("unused")
        shown = {
            "name": info.name,
            "configured": info.configured,
            "mode": mode_word(info.setup.mode) if info.setup.mode is not None else None,
            "duration_s": round(info.age_s, 3),
            "requests": info.requests,
            "outcomes": {str(outcome): count for outcome, count in info.tally.items()},
            "missing": list(info.missing),
            "misses": misses,
            "misses_left_out": verdict.missed - len(misses),
            "unused": unused[:MOST_UNUSED],
            "unused_left_out": max(0, len(unused) - MOST_UNUSED),
        }
        return shown | {name: value for name, value in judged.items() if name not in shown}
