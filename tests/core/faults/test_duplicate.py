"""Events that come twice."""

from __future__ import annotations

from llmreplay.core.faults.duplicate import Duplicate
from tests.core.faults.given import CHAT, data, injected, stream


def test_events_come_twice_in_a_row() -> None:
    plan = injected(stream(*CHAT), Duplicate((2,)))
    assert data(plan) == CHAT[0] + CHAT[1] + b"".join(CHAT[1:])
    assert str(Duplicate((2,))) == "duplicate events 2"
