"""Later answers: times count from the start, so that waits never add up."""

from __future__ import annotations

from llmreplay.core.faults.delay import Delay
from llmreplay.core.plan import Plan, Step
from tests.core.faults.given import CHAT, fired, injected, lived, stream


def times(plan: Plan) -> list[float]:
    return [step.at_ms for step in plan.steps]


def test_before_and_between() -> None:
    plan = injected(stream(*CHAT[:3], every_ms=5), Delay(before_ms=800, between_ms=40))
    assert times(plan) == [800, 845, 890]


def test_two_delays_add() -> None:
    assert times(injected(stream(*CHAT[:2]), Delay(10), Delay(5, 1))) == [15, 16]


def test_a_head_alone_comes_later_too() -> None:
    assert injected(Plan(204, "No Content", (), ()), Delay(50)).steps == (Step(50, b""),)


def test_jitter_is_the_same_every_time_and_never_goes_back() -> None:
    delay = Delay(100, 40, 60, "normal")
    first, again, other = (
        times(injected(stream(*CHAT), delay, fingerprint=print_)) for print_ in ("a", "a", "b")
    )
    assert first == again != other
    assert first == sorted(first)
    assert len(set(times(injected(stream(*CHAT), Delay(0, 40, 60))))) > 3


def test_nothing_jitters_where_nothing_waits() -> None:
    assert times(injected(stream(*CHAT[:2]), Delay(jitter_ms=9, between_ms=0))) == [0, 0]


def test_what_arrives_is_sent_later() -> None:
    steps, live = lived(fired(Delay(100, 5)), *CHAT[:3])
    assert [at for at, _ in steps] == [100, 115, 130]
    assert live.opening.held_ms == 100


def test_it_says_what_it_does() -> None:
    assert str(Delay(800, 40, 10)) == "delay before 800ms, between 40ms, jitter 10ms"
