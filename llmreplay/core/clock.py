"""The clock, as those who need time are given it; tests pass one of their own."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Clock"]


class Clock(Protocol):
    """Time that goes forward, in seconds, from any zero."""

    def now(self) -> float:
        """Seconds now."""
        ...

    async def sleep_until(self, moment: float) -> None:
        """Return when `now()` has reached `moment`."""
        ...
