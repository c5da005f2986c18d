"""What is due at set times, for all connections of a loop, by one timer.

Knows nothing of answers. `deliver` has its steps called here: a thousand streams with a wait of
their own for each event would keep a core busy with waking up.
"""

from __future__ import annotations

import asyncio
from heapq import heapify, heappop, heappush, heapreplace
from itertools import count
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmreplay.core.clock import Clock

__all__ = ["Act", "Pacer"]

Act: TypeAlias = "Callable[[float], float | None]"
"""Does what is due now, and says when it is to be called again; None for never.

It raises nothing, and has nothing else called.
"""

_GRAIN_SECONDS: Final = 0.001
"""What is due within so much is done together. libuv counts in milliseconds, and would not wait
at all for less than half of one."""


class Pacer:
    """Calls acts when they are due, on the given clock. Waits aim at absolute times."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._due: list[tuple[float, int, Act]] = []
        self._numbers = count()
        self._waiting: asyncio.Task[None] | None = None
        self._until = 0.0

    @property
    def is_busy(self) -> bool:
        """Whether anything is due some day."""
        return self._waiting is not None

    def at(self, moment: float, act: Act) -> None:
        """Have `act` called at `moment`."""
        heappush(self._due, (moment, next(self._numbers), act))
        if self._waiting is None:
            self._waiting = asyncio.create_task(self._run())
        elif moment < self._until:
            self._waiting.cancel()
            self._waiting = asyncio.create_task(self._run())

    def drop(self, act: Act) -> None:
        """Never mind `act`. Not to be asked by an act."""
        self._due[:] = [one for one in self._due if one[2] != act]
        heapify(self._due)
        if not self._due and self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    async def _run(self) -> None:
        """Wait and do, for as long as anything is due some day."""
        due, clock = self._due, self.clock
        now = clock.now()
        earliest = now
        while due:
            self._until = max(due[0][0], earliest)
            if self._until > now:
                await clock.sleep_until(self._until)
            else:
                await asyncio.sleep(0)  # others want to get on as well
            now = clock.now()
            earliest = now + _GRAIN_SECONDS
            while due and due[0][0] <= now:
                _, number, act = due[0]
                again = act(now)
                if again is None:
                    heappop(due)
                else:
                    heapreplace(due, (again, number, act))
            now = clock.now()
        self._waiting = None
