"""A clock that stands still until the test moves it; whoever sleeps wakes then."""

from __future__ import annotations

import asyncio

__all__ = ["HandClock"]


class HandClock:
    """Seconds from zero."""

    def __init__(self) -> None:
        self._now = 0.0
        self._sleepers: list[tuple[float, asyncio.Event]] = []

    def now(self) -> float:
        """Where the hands stand."""
        return self._now

    async def sleep_until(self, moment: float) -> None:
        """Wait until the test has moved the hands to `moment`."""
        if moment > self._now:
            woken = asyncio.Event()
            self._sleepers.append((moment, woken))
            await woken.wait()

    async def forward(self, seconds: float) -> None:
        """Move the hands, and let those that wake do what they woke for."""
        self._now += seconds
        for _, woken in (one for one in self._sleepers if one[0] <= self._now):
            woken.set()
        self._sleepers = [one for one in self._sleepers if one[0] > self._now]
        for _ in range(3):
            await asyncio.sleep(0)
