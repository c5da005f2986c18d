"""Real time: for waits, and for what a recording says of when it was made."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from functools import lru_cache

from llmreplay.core.exchange import Recorded

__all__ = ["LoopClock", "stamp"]


class LoopClock:
    """Real time. `perf_counter` costs a quarter of what the loop's own clock does."""

    def now(self) -> float:
        """See `Clock`."""
        return time.perf_counter()

    async def sleep_until(self, moment: float) -> None:
        """See `Clock`."""
        await asyncio.sleep(moment - time.perf_counter())


def stamp(take: str) -> Recorded:
    """Now, in this take."""
    return Recorded(_utc(int(time.time())), take)


@lru_cache(maxsize=1)
def _utc(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
