"""A log that nobody outside can flood: so many lines in a while, then only their number.

`connection` complains here of what clients do wrong; whoever made the listener says where the
lines go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Complaints"]

_LINES: Final = 5
_WINDOW_SECONDS: Final = 10.0


class Complaints:
    """Passes the first few lines of each window on to `write`, and counts the rest."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._said = 0
        self._unsaid = 0
        self._until = float("-inf")

    def say(self, now: float, line: str) -> None:
        """Write `line`, or count it if there were enough. `now` is in seconds, from any zero."""
        self.settle(now)
        if self._said == 0:
            self._until = now + _WINDOW_SECONDS
        if self._said < _LINES:
            self._said += 1
            self._write(line)
        else:
            self._unsaid += 1

    def settle(self, now: float) -> None:
        """At the end of a window, say how many lines it swallowed."""
        if now < self._until:
            return
        if self._unsaid:
            self._write(f"and {self._unsaid:,} more like these in {_WINDOW_SECONDS:g} s")
        self._said = self._unsaid = 0
