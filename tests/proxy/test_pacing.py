"""What is due at set times is done then, by one timer."""

from __future__ import annotations

import asyncio
import time

import pytest

from llmreplay.proxy.pacing import Pacer
from tests.fakes.clock import FakeClock
from tests.fakes.hand_clock import HandClock


async def done(pacer: Pacer) -> None:
    """Wait until nothing is due any more."""
    async with asyncio.timeout(5):
        while pacer.is_busy:  # noqa: ASYNC110  # there is no event for it
            await asyncio.sleep(0)


async def test_what_is_due_is_done_in_order_and_again_as_it_says() -> None:
    clock, did = FakeClock(), list[tuple[str, float]]()
    pacer = Pacer(clock)
    again = {"one": [0.4, 0.5], "two": [0.45]}

    def act(name: str, now: float) -> float | None:
        did.append((name, now))
        left = again[name]
        return left.pop(0) if left else None

    pacer.at(0.2, lambda now: act("two", now))
    pacer.at(0.1, lambda now: act("one", now))
    await done(pacer)
    assert did == [("one", 0.1), ("two", 0.2), ("one", 0.4), ("two", 0.45), ("one", 0.5)]
    assert clock.slept_to == [0.1, 0.2, 0.4, 0.45, 0.5]
    pacer.at(0.6, lambda now: act("two", now))
    await done(pacer)
    assert did[-1] == ("two", 0.6)


async def test_what_is_due_at_nearly_the_same_time_is_done_together() -> None:
    clock, did = FakeClock(), list[float]()
    pacer = Pacer(clock)
    for moment in (0.1, 0.1001, 0.1005, 0.1012):
        pacer.at(moment, did.append)
    await done(pacer)
    assert clock.slept_to == pytest.approx([0.1, 0.101, 0.102])
    assert did == pytest.approx([0.1, 0.101, 0.101, 0.102])


async def test_what_is_sooner_is_not_kept_waiting() -> None:
    clock, did = HandClock(), list[float]()
    pacer = Pacer(clock)
    now = clock.now()
    pacer.at(now + 60, did.append)
    await asyncio.sleep(0.01)
    pacer.at(now + 5, did.append)
    pacer.at(now + 70, did.append)
    await asyncio.sleep(0.01)
    await clock.forward(6)
    await asyncio.sleep(0.01)
    assert len(did) == 1
    await clock.forward(70)
    await asyncio.sleep(0.01)
    await done(pacer)
    assert len(did) == 3


async def test_what_is_dropped_is_not_done() -> None:
    clock, did = HandClock(), list[float]()
    pacer = Pacer(clock)

    def never(now: float) -> None:
        raise AssertionError(now)

    def act(now: float) -> None:
        did.append(now)

    for moment in (5, 1, 3):
        pacer.at(moment, never)
    pacer.at(4, act)
    await asyncio.sleep(0)
    pacer.drop(never)
    assert pacer.is_busy
    await clock.forward(1)
    await clock.forward(6)
    await done(pacer)
    assert did == [7]
    pacer.at(60, act)
    await asyncio.sleep(0)
    pacer.drop(act)
    pacer.drop(act)
    assert not pacer.is_busy


class SlowClock:
    """Real time, in which each look takes a while: it is always late already."""

    def now(self) -> float:
        return time.perf_counter()

    async def sleep_until(self, moment: float) -> None:
        raise AssertionError(moment)


async def test_others_get_on_while_it_is_behind() -> None:
    pacer, others = Pacer(SlowClock()), list[int]()
    left = iter(range(50))

    def act(now: float) -> float | None:
        time.sleep(0.002)  # as a thousand writes do
        return now + 0.0001 if next(left, None) is not None else None

    pacer.at(0, act)
    while pacer.is_busy:
        others.append(1)
        await asyncio.sleep(0)
    assert len(others) >= 50
