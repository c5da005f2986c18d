"""What is told of an injection, and plans that it is put onto."""

from __future__ import annotations

from llmreplay.core.exchange import Ending
from llmreplay.core.faults import Injection
from llmreplay.core.faults.cut import Cut
from llmreplay.core.faults.delay import Delay
from llmreplay.core.faults.injection import Note
from llmreplay.core.faults.points import Amount
from llmreplay.core.faults.stage import Stage
from llmreplay.core.plan import Plan, Step
from tests.core.faults.given import CHAT, body, data, injected, stream


def test_what_is_told() -> None:
    late = Stage()
    late.missing = "too late"
    injection = Injection((Note("slow", Delay(5), Stage()), Note("café\r\n", Cut(Amount(9)), late)))
    assert injection.answer is None
    assert injection.told == (
        "slow: delay before 5ms",
        "café\r\n: cut after 9 events, close (not done: too late)",
    )
    assert injection.missing == ("café\r\n: too late",)
    assert injection.header[1] == "slow (delay), caf\\xe9\\r\\n (cut, not done)"


def test_how_an_answer_ended_stays() -> None:
    broken = Plan(200, "OK", (), (Step(0, b"{"),), ending=Ending.TRUNCATED)
    plan = injected(broken, Delay(5))
    assert (plan.ending, plan.announced) == (Ending.TRUNCATED, 2)


def test_steps_that_hold_several_events_or_parts_of_them() -> None:
    whole = b"".join(CHAT)
    steps = (Step(10, whole[:100]), Step(20, whole[100:]))
    plan = injected(Plan(200, "OK", (), steps, streamed=True), Cut(Amount(2)))
    assert data(plan) == CHAT[0] + CHAT[1]
    assert [step.at_ms for step in plan.steps] == [10, 20]


def test_an_unfinished_event_at_the_end() -> None:
    plan = stream(CHAT[0], CHAT[1][:-5])
    assert data(injected(plan, Delay(5))) == CHAT[0] + CHAT[1][:-5]


def test_a_body_stays_a_body() -> None:
    plan = injected(body(b"{}"), Delay(5))
    assert (plan.streamed, plan.announced, plan.steps) == (False, None, (Step(5, b"{}"),))
