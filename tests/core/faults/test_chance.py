"""Chance follows from what it is for, and is spread as it says."""

from __future__ import annotations

from statistics import mean, median, stdev

import pytest

from llmreplay.core.faults.chance import SPREADS, fraction, key_of

KEYS = [key_of("seed", number) for number in range(4000)]


def test_the_same_for_the_same_and_else_another() -> None:
    assert fraction(key_of(7, "a", "b")) == fraction(key_of(7, "a", "b"))
    assert len({fraction(key_of(*key)) for key in ((1, "ab"), (1, "a", "b"), (2, "ab"))}) == 3
    assert fraction(KEYS[0], 1) != fraction(KEYS[0], 2)
    assert key_of("\udc80") != key_of("x")


def test_fractions_are_even() -> None:
    found = [fraction(key) for key in KEYS]
    assert 0 <= min(found) < max(found) < 1
    assert mean(found) == pytest.approx(0.5, abs=0.02)
    assert sum(one < 0.3 for one in found) / len(found) == pytest.approx(0.3, abs=0.03)


def test_waits_are_spread_as_the_distribution_says() -> None:
    uniform, normal, lognormal = (
        [SPREADS[name](100, 20, fraction(key)) for key in KEYS]
        for name in ("uniform", "normal", "lognormal")
    )
    assert 80 <= min(uniform) < max(uniform) <= 120
    assert (mean(normal), stdev(normal)) == pytest.approx((100, 20), abs=2)
    assert median(lognormal) == pytest.approx(100, abs=3)
    assert min(lognormal) > 0
    assert SPREADS["lognormal"](0, 20, 0.9) == 0
    assert SPREADS["normal"](100, 20, 0.0) < 0
