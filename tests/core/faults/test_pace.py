"""A speed of its own."""

from __future__ import annotations

from llmreplay.core.faults.delay import Delay
from llmreplay.core.faults.pace import Pace
from tests.core.faults.given import CHAT, fired, injected, lived, stream


def test_events_are_due_at_absolute_times() -> None:
    plan = injected(stream(*CHAT[:3], every_ms=999), Pace(300, 50))
    assert [step.at_ms for step in plan.steps] == [300, 320, 340]


def test_all_at_once_after_a_while() -> None:
    plan = injected(stream(*CHAT[:3], every_ms=999), Pace(300))
    assert [step.at_ms for step in plan.steps] == [300, 300, 300]


def test_it_begins_after_a_delay() -> None:
    plan = injected(stream(*CHAT[:2]), Delay(100), Pace(300, 10))
    assert [step.at_ms for step in plan.steps] == [400, 500]


def test_jitter_is_the_same_every_time_and_does_not_drift() -> None:
    many = stream(*CHAT * 50)
    first, again = (
        [step.at_ms for step in injected(many, Pace(0, 100, 8)).steps] for _ in range(2)
    )
    assert first == again == sorted(first)
    assert max(abs(at - place * 10) for place, at in enumerate(first)) <= 8


def test_what_arrives_cannot_come_before_it_is_there() -> None:
    steps, _ = lived(fired(Pace(5, 200)), *CHAT[:4])
    assert [at for at, _ in steps] == [5, 10, 20, 30]


def test_it_says_what_it_does() -> None:
    assert str(Pace(300, 50, 5)) == "pace ttft 300ms, 50 events a second, jitter 5ms"
    assert str(Pace(tps=2)) == "pace 2 events a second"
    assert str(Pace(300)) == "pace ttft 300ms"
