"""Cuts: what came before is untouched, and a point that is not there is told."""

from __future__ import annotations

import pytest

from llmreplay.core.exchange import Ending
from llmreplay.core.faults.cut import Cut, How
from llmreplay.core.faults.points import Ahead, Amount, Before, Unit
from llmreplay.core.plan import Step, Wire
from tests.core.faults.given import CHAT, body, data, fired, injected, lived, stream

TWO = Amount(2)


@pytest.mark.parametrize(
    ("how", "ending", "wire"),
    [
        (How.TRUNCATE, Ending.COMPLETE, Wire.SOUND),
        (How.CLOSE, Ending.TRUNCATED, Wire.SOUND),
        (How.RESET, Ending.RESET, Wire.SOUND),
        (How.STALL, Ending.COMPLETE, Wire.STALL),
    ],
)
def test_a_stream_ends_as_asked(how: How, ending: Ending, wire: Wire) -> None:
    plan = injected(stream(*CHAT), Cut(TWO, how))
    assert (data(plan), plan.ending, plan.wire) == (b"".join(CHAT[:2]), ending, wire)
    assert plan.streamed
    assert plan.announced is None
    assert not (how is How.STALL and plan.instant)


@pytest.mark.parametrize(
    ("how", "announced"), [(How.TRUNCATE, None), (How.CLOSE, 10), (How.STALL, 10)]
)
def test_a_body_keeps_its_length_unless_it_ends_cleanly(how: How, announced: int | None) -> None:
    plan = injected(body(b'{"a": 123}'), Cut(Amount(4, Unit.BYTES), how))
    assert (data(plan), plan.announced) == (b'{"a"', announced)


def test_a_body_cut_at_its_very_end_still_lacks_something() -> None:
    plan = injected(body(b"{}"), Cut(Amount(2, Unit.BYTES), How.CLOSE))
    assert (data(plan), plan.announced) == (b"{}", 3)


def test_a_point_that_is_not_there_changes_nothing_and_is_told() -> None:
    injection = fired(Cut(Amount(9)))
    plan = injection.onto(stream(*CHAT))
    assert (data(plan), plan.ending) == (b"".join(CHAT), Ending.COMPLETE)
    assert injection.missing == ("r: the answer has 6 events",)
    assert injection.told == ("r: cut after 9 events, close (not done: the answer has 6 events)",)
    assert injection.header == ("x-llmreplay-fault", "r (cut, not done)")


def test_an_answer_without_a_body_can_be_cut_at_its_start() -> None:
    plan = injected(stream(), Cut(Amount(0), How.RESET))
    assert (plan.steps, plan.ending) == ((), Ending.RESET)


def test_a_cut_is_the_same_on_an_answer_that_arrives() -> None:
    whole = b"".join(CHAT)
    steps, live = lived(fired(Cut(TWO, How.RESET)), whole[:100], whole[100:])
    assert b"".join(piece for _, piece in steps) == b"".join(CHAT[:2])
    assert live.end.ending is Ending.RESET
    assert live.opening.headers[-1] == ("x-llmreplay-fault", "r (cut)")


def test_a_part_of_what_arrives_is_sent_when_its_length_is_known() -> None:
    whole = b"".join(CHAT)
    half = Cut(Amount(50, Unit.PER_CENT), How.CLOSE)
    unknown, _ = lived(fired(half), *CHAT)
    known, _ = lived(fired(half), *CHAT, length=len(whole))
    assert b"".join(piece for _, piece in unknown) == whole[: len(whole) // 2]
    assert b"".join(piece for _, piece in known) == whole[: len(whole) // 2]


def test_two_cuts_end_it_at_the_first() -> None:
    plan = injected(stream(*CHAT), Cut(Amount(3)), Cut(Before(Ahead.END)), Cut(Amount(1)))
    assert plan.steps == (Step(0.0, CHAT[0]),)
