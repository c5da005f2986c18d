"""Events that change places."""

from __future__ import annotations

from llmreplay.core.faults.reorder import Reorder
from tests.core.faults.given import CHAT, data, fired, injected, stream


def test_two_change_places() -> None:
    plan = injected(stream(*CHAT, every_ms=10), Reorder((2, 4)))
    assert data(plan) == CHAT[0] + CHAT[3] + CHAT[2] + CHAT[1] + b"".join(CHAT[4:])
    assert [step.at_ms for step in plan.steps] == [0, 30, 30, 30, 40, 50]


def test_more_come_in_reverse() -> None:
    plan = injected(stream(*CHAT), Reorder((1, 2, 4)))
    assert data(plan) == CHAT[3] + CHAT[1] + CHAT[2] + CHAT[0] + b"".join(CHAT[4:])


def test_without_the_last_of_them_none_moves() -> None:
    injection = fired(Reorder((5, 8)))
    assert data(injection.onto(stream(*CHAT))) == b"".join(CHAT)
    assert injection.missing == ("r: no event 8: the answer had 6",)


def test_without_any_of_them_nothing_is_held() -> None:
    injection = fired(Reorder((8, 9)))
    assert data(injection.onto(stream(*CHAT))) == b"".join(CHAT)
    assert str(Reorder((8, 9))) == "reorder events 8, 9"
