"""Events that never come."""

from __future__ import annotations

from llmreplay.core.faults.drop import Drop
from llmreplay.core.plan import Plan, Step
from tests.core.faults.given import CHAT, data, fired, injected, stream


def test_events_are_left_out_by_number() -> None:
    plan = injected(stream(CHAT[0], b": ping\n\n", *CHAT[1:]), Drop((2, 6)))
    assert data(plan) == CHAT[0] + b": ping\n\n" + b"".join(CHAT[2:5])


def test_events_that_are_not_there_are_told() -> None:
    injection = fired(Drop((1, 9, 8)))
    assert data(injection.onto(stream(*CHAT))) == b"".join(CHAT[1:])
    assert injection.missing == ("r: no event 8, 9: the answer had 6",)
    assert str(Drop((1, 9))) == "drop events 1, 9"


def test_the_elements_of_an_array_hang_together() -> None:
    typed = (("content-type", "application/json"),)
    array = Plan(200, "OK", typed, (Step(0, b'[{"a":1},{"b":2}]'),), streamed=True)
    injection = fired(Drop((1,)))
    assert data(injection.onto(array)) == b'[{"a":1},{"b":2}]'
    assert injection.missing == ("r: the events of a JSON array hang together by its commas",)
