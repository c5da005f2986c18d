"""When a rule fires."""

from __future__ import annotations

import pytest

from llmreplay.core.faults.chance import key_of
from llmreplay.core.faults.when import ALWAYS, When


@pytest.mark.parametrize(
    ("when", "fires", "told"),
    [
        (ALWAYS, [1, 2, 3, 4, 5, 6], "always"),
        (When(first=2), [1, 2], "the first 2"),
        (When(first=0), [], "the first 0"),
        (When(after=4), [5, 6], "after 4"),
        (When(every=3), [3, 6], "every 3"),
        (When(nth=(2, 5)), [2, 5], "number 2, 5"),
        (When(between=(2, 4)), [2, 3, 4], "from 2 to 4"),
        (When(after=2, every=2), [4, 6], "after 2, every 2"),
        (When(first=2, each_request=True), [1, 2], "the first 2, of each request"),
    ],
)
def test_counts(when: When, fires: list[int], told: str) -> None:
    assert [occurrence for occurrence in range(1, 7) if when.counts(occurrence)] == fires
    assert str(when) == told


def test_chance_never_always_and_in_between() -> None:
    keys = [key_of(number) for number in range(2000)]
    assert not any(When(chance=0.0).is_lucky(key) for key in keys)
    assert all(When(chance=1.0).is_lucky(key) for key in keys)
    lucky = sum(When(chance=0.1).is_lucky(key) for key in keys)
    assert lucky / len(keys) == pytest.approx(0.1, abs=0.02)
    assert str(When(chance=0.1)) == "with a chance of 0.1"


def test_whose_chance_must_know_the_request() -> None:
    assert When(chance=0.5).needs_fingerprint
    assert When(first=1, each_request=True).needs_fingerprint
    assert not When(first=1).needs_fingerprint
