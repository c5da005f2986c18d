"""Entries on their way to those who keep them: log, journal, figures, sessions.

They wait until there are some, for told together each takes a third as long. Whoever reads what is
kept has `settle` called first, so that nobody sees that they waited. `serving` has one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmreplay.core.journal import Entry

__all__ = ["Telling"]

_MOST_WAITING: Final = 256


class Telling:
    """Tells each of `keepers` every entry, in order. `later` has a function called before long."""

    def __init__(
        self, later: Callable[[Callable[[], None]], object], *keepers: Callable[[Entry], None]
    ) -> None:
        self._later = later
        self._keepers = keepers
        self._waiting: list[Entry] = []
        self._is_due = False

    def add(self, entry: Entry) -> None:
        """Have an entry told. Paid for every request."""
        waiting = self._waiting
        waiting.append(entry)
        if not self._is_due:
            self._is_due = True
            self._later(self._due)
        elif len(waiting) >= _MOST_WAITING:
            self.settle()

    def settle(self) -> None:
        """Tell all that waits, now."""
        entries, self._waiting = self._waiting, []
        for keep in self._keepers:
            for entry in entries:
                keep(entry)

    def _due(self) -> None:
        self._is_due = False
        self.settle()
