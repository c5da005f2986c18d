"""No more than so many bytes a second."""

from __future__ import annotations

from llmreplay.core.faults.cut import Cut
from llmreplay.core.faults.points import Ahead, Before
from llmreplay.core.faults.throttle import Throttle
from tests.core.faults.given import CHAT, body, data, injected, stream


def test_bytes_are_due_when_the_wire_has_taken_them() -> None:
    plan = injected(body(b"x" * 250), Throttle(2000))
    assert [(step.at_ms, len(step.data)) for step in plan.steps] == [
        (50, 100),
        (100, 100),
        (125, 50),
    ]


def test_a_slow_answer_is_not_made_slower() -> None:
    plan = injected(stream(b"data: 1\n\n", b"data: 2\n\n", every_ms=500), Throttle(1000))
    assert [step.at_ms for step in plan.steps] == [9, 509]


def test_at_least_a_byte_at_a_time() -> None:
    plan = injected(body(b"abc"), Throttle(2))
    assert [(step.at_ms, step.data) for step in plan.steps] == [
        (500, b"a"),
        (1000, b"b"),
        (1500, b"c"),
    ]


def test_it_comes_last_so_that_events_are_still_known() -> None:
    plan = injected(stream(*CHAT), Throttle(2000), Cut(Before(Ahead.END)))
    assert data(plan) == b"".join(CHAT[:-1])
    assert str(Throttle(2000)) == "throttle to 2000 bytes a second"
