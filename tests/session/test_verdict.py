"""What is remembered of a session: bounded, and enough to judge it by."""

from __future__ import annotations

import pytest

from llmreplay.core.journal import Entry, Outcome
from llmreplay.core.policy import Mode
from llmreplay.session import Call, SessionInfo, Setup
from llmreplay.session.calls import Arrived
from llmreplay.session.verdict import Remembered

ENTRY = Entry("a", Outcome.HIT, "POST", "/v1", 200, sent=Arrived(Call("POST", "/v1", (), b"")))


@pytest.mark.parametrize(
    ("entry", "live_calls"),
    [
        (ENTRY._replace(outcome=Outcome.RECORDED), 1),
        (ENTRY._replace(outcome=Outcome.FORWARDED), 1),
        (ENTRY._replace(outcome=Outcome.FAILED, upstream="openai"), 1),
        (ENTRY._replace(outcome=Outcome.FAILED), 0),
        (ENTRY._replace(outcome=Outcome.MISS, upstream="openai"), 0),
        (ENTRY._replace(outcome=Outcome.FAULT, upstream="openai"), 0),
    ],
)
def test_live_calls_are_those_that_went_out(entry: Entry, live_calls: int) -> None:
    one = Remembered()
    one.add(entry)
    assert one.live_calls == live_calls


def test_the_first_misses_and_drifts_are_kept_without_their_requests() -> None:
    one = Remembered()
    for number in range(30):
        one.add(ENTRY._replace(outcome=Outcome.MISS, detail=str(number)))
        one.add(ENTRY._replace(drift=("turn 1 differs",)))
    assert [entry.detail for entry in one.misses] == [str(number) for number in range(20)]
    assert (one.drifted, len(one.drift)) == (30, 20)
    assert all(entry.sent is None for entry in (*one.misses, *one.drift))


def test_faults_that_found_no_place_are_kept_once() -> None:
    one = Remembered()
    for number in range(50):
        undone = f"cut: cut {number % 25} (not done: no event follows there)"
        one.add(ENTRY._replace(faults=("slow: delay 5 ms", undone)))
    assert len(one.not_done) == 20
    assert "slow: delay 5 ms" not in one.not_done


def test_requests_are_those_of_all_outcomes() -> None:
    tally = {Outcome.HIT: 3, Outcome.MISS: 1}
    info = SessionInfo(
        "a", configured=True, setup=Setup(mode=Mode.REPLAY), age_s=1.0, idle_s=0.0, tally=tally
    )
    assert info.requests == 4
