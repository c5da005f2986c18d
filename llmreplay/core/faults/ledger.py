"""What rules remember, each session for itself: how often they applied, and budgets used.

Rules are values and may be replaced while running; what they remember stays, under their names.
"""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Ledger", "Window"]

MOST_REQUESTS = 100_000
"""Of how many requests of a session it is known how often they came; beyond it the oldest go."""


@dataclass(slots=True)
class Window:
    """What was used of a budget since `start_s`."""

    start_s: float
    requests: int = 0
    tokens: int = 0


@dataclass(slots=True)
class _Session:
    by_rule: dict[str, int] = field(default_factory=dict)
    by_request: dict[tuple[str, str], int] = field(default_factory=dict)
    windows: dict[tuple[str, str], Window] = field(default_factory=dict)
    fired: dict[str, int] = field(default_factory=dict)


class Ledger:
    """Counts and budgets of all sessions."""

    def __init__(self) -> None:
        self._sessions: dict[str, _Session] = {}

    def count(self, session: str, rule: str) -> int:
        """Counts one more occurrence; which one it is, from 1."""
        counts = self._of(session).by_rule
        counts[rule] = counts.get(rule, 0) + 1
        return counts[rule]

    def count_request(self, session: str, rule: str, fingerprint: str) -> int:
        """Counts one more occurrence of this very request; which one it is, from 1."""
        counts = self._of(session).by_request
        key = (rule, fingerprint)
        occurrence = counts.pop(key, 0) + 1
        if len(counts) >= MOST_REQUESTS:
            del counts[next(iter(counts))]
        counts[key] = occurrence
        return occurrence

    def window(self, session: str, rule: str, by: str, *, now_s: float, per_s: float) -> Window:
        """The window that is open now, for what `by` names."""
        windows = self._of(session).windows
        window = windows.get((rule, by))
        if window is None or now_s - window.start_s >= per_s:
            window = windows[rule, by] = Window(now_s)
        return window

    def note_fired(self, session: str, rule: str) -> None:
        """A rule fired for a session."""
        fired = self._of(session).fired
        fired[rule] = fired.get(rule, 0) + 1

    def fired(self, session: str) -> dict[str, int]:
        """How often each rule fired for a session; those that never did are not in it."""
        known = self._sessions.get(session)
        return dict(known.fired) if known is not None else {}

    def forget(self, session: str) -> None:
        """Begin anew for a session."""
        self._sessions.pop(session, None)

    def _of(self, session: str) -> _Session:
        return self._sessions.setdefault(session, _Session())
