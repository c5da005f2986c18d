"""Real time goes on, and says when it is."""

from __future__ import annotations

from datetime import UTC, datetime

from llmreplay.service.clock import LoopClock, stamp


async def test_the_clock_waits_until_a_moment() -> None:
    clock = LoopClock()
    until = clock.now() + 0.01
    await clock.sleep_until(until)
    assert clock.now() >= until - 0.001


def test_a_stamp_says_when_and_in_which_take() -> None:
    made = stamp("7f3a")
    at = datetime.strptime(made.at, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    assert made.take == "7f3a"
    assert abs((datetime.now(UTC) - at).total_seconds()) < 2
