"""A clock that a test moves by hand."""

import asyncio


class FakeClock:
    """Seconds from zero. `sleep_until` moves the clock itself, and notes where to."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.slept_to: list[float] = []

    def now(self) -> float:
        return self.seconds

    async def sleep_until(self, moment: float) -> None:
        self.slept_to.append(moment)
        self.seconds = max(self.seconds, moment)
        await asyncio.sleep(0)
