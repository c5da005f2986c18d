"""Which requests fail their test, and what its report says."""

from __future__ import annotations

import pytest

from llmreplay.core.journal import Entry, Outcome
from llmreplay.pytest_plugin.judging import (
    failure_told,
    not_stored,
    saved_told,
    sum_of,
    tally,
    totals,
    totals_told,
    unused_told,
)

NODE = "tests/test_x.py::test_t"


def entry(outcome: Outcome, detail: str = "", **more: object) -> Entry:
    made = Entry("s", outcome, "POST", "/v1/chat/completions", 470, "openai", "gpt-4o", "c#1")
    return made._replace(detail=detail, **more)  # type: ignore[arg-type]  # any of its fields


MISS = entry(Outcome.MISS, "llmreplay: no recording for it\nnearest: c#1")
NOT_STORED = entry(Outcome.FAILED, "disk full", first_byte_ms=3.0)


@pytest.mark.parametrize("outcome", [one for one in Outcome if one is not Outcome.FAILED])
def test_only_what_was_answered_and_not_stored_is_not_stored(outcome: Outcome) -> None:
    nobody_there = entry(Outcome.FAILED, "connection refused")
    assert not_stored([entry(outcome, first_byte_ms=1.0), nobody_there, NOT_STORED]) == (
        NOT_STORED,
    )


def test_a_miss_is_explained() -> None:
    assert failure_told(1, [MISS], NODE).splitlines() == [
        "llmreplay: 1 request had no recording",
        "",
        "no recording for it",
        "nearest: c#1",
        "",
        'To record what is missing: pytest --llmreplay=auto "tests/test_x.py::test_t"',
    ]


def test_a_miss_that_came_again_is_told_once() -> None:
    told = failure_told(3, [MISS, MISS, MISS], NODE)
    assert told.startswith("llmreplay: 3 requests had no recording\n")
    assert told.count("no recording for it\nnearest: c#1\n(this came 3 times)\n") == 1


def test_of_many_misses_the_first_are_told() -> None:
    told = failure_told(8, [entry(Outcome.MISS, f"miss {number}") for number in range(8)], NODE)
    assert [f"miss {number}" in told for number in range(8)] == [True] * 5 + [False] * 3
    assert "… and 3 more" in told


def test_what_was_not_stored_is_told() -> None:
    assert failure_told(0, [NOT_STORED], NODE).splitlines() == [
        "llmreplay: 1 request could not be recorded",
        "",
        "disk full",
    ]


def test_unused_recordings_are_named() -> None:
    assert unused_told(["c#1"], NODE).splitlines() == [
        "llmreplay: 1 recording was not used: c#1",
        'To drop what is not asked for: pytest --llmreplay=record "tests/test_x.py::test_t"',
    ]
    many = unused_told([f"c#{number}" for number in range(7)], NODE)
    assert many.startswith("llmreplay: 7 recordings were not used: c#0, c#1, c#2, c#3, c#4 and 2 ")


def test_the_summary_counts_all_tests() -> None:
    first = tally({Outcome.HIT: 2, Outcome.MISS: 1})
    second = tally({Outcome.FAULT: 1, Outcome.HIT: 1}, faults=1, drift=1, unused=3)
    assert totals([first, second, tally({})]) == {
        "tests": 3, "requests": 5, "hit": 3, "miss": 1, "fault": 1, "faults": 1, "drift": 1,
        "unused": 3,
    }  # fmt: skip
    assert totals_told(totals([first, second, tally({})])) == [
        "5 requests in 3 tests: 3 replayed, 1 answered by a fault, 1 without a recording",
        "1 fault injected",
        "1 answer by place, to a request that is not as it was recorded",
        "3 recordings not used; --llmreplay-unused=fail names them",
    ]


def test_the_summary_of_tests_that_asked_for_nothing() -> None:
    assert totals_told(totals([tally({})])) == ["0 requests in 1 test"]


def test_there_is_no_summary_where_nothing_used_it() -> None:
    assert totals_told(totals([])) == []


def test_one_that_says_nothing_of_itself_is_named() -> None:
    assert "\nPOST /v1/chat/completions\n" in failure_told(1, [entry(Outcome.MISS)], NODE)


def test_the_remedy_is_pytest_s() -> None:
    miss = entry(
        Outcome.MISS, "no recordings are loaded from x.yaml; make some with: llmreplay record"
    )
    assert "no recordings are loaded from x.yaml\n" in failure_told(1, [miss], NODE)


def test_what_was_not_spent_is_told() -> None:
    first = {"input_tokens": 1200, "output_tokens": 30, "cost_usd": 0.01, "unknown_answers": 0}
    second = {"input_tokens": 34, "output_tokens": 4, "cost_usd": None, "unknown_answers": 1}
    told = saved_told(sum_of([first, second]))
    assert told == ["not spent: 1,234 tokens in and 34 tokens out, $0.01"]
    assert saved_told(sum_of([second])) == ["not spent: 34 tokens in and 4 tokens out"]
    assert saved_told({"input_tokens": 1, "cost_usd": 0.001})[0].endswith("out, less than a cent")
    assert saved_told(sum_of([])) == []
