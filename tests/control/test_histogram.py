"""Percentiles from counts, at most 10 % too long."""

from __future__ import annotations

import math
import random

import pytest

from llmreplay.control.histogram import Histogram


def of(*durations_ms: float) -> Histogram:
    histogram = Histogram()
    for duration_ms in durations_ms:
        histogram.add(duration_ms)
    return histogram


@pytest.mark.parametrize("share", [0.5, 0.9, 0.99])
def test_percentiles_are_nearly_exact(share: float) -> None:
    dice = random.Random(7)  # noqa: S311  # not a secret
    durations = [dice.lognormvariate(3, 2) for _ in range(5_000)]
    exact = sorted(durations)[math.ceil(share * len(durations)) - 1]
    assert of(*durations).percentile(share) == pytest.approx(exact, rel=0.101)


@pytest.mark.parametrize("duration_ms", [0.0, 0.01, 1.0, 1e9])
def test_one_duration_is_every_percentile(duration_ms: float) -> None:
    histogram = of(duration_ms)
    assert histogram.percentile(0.5) == pytest.approx(min(duration_ms, 1e6), rel=0.11)
    assert (histogram.count, histogram.sum_ms, histogram.most_ms) == (1, duration_ms, duration_ms)


def test_of_nothing_there_is_none() -> None:
    assert of().percentile(0.5) == 0


def test_two_are_joined() -> None:
    joined = of(1, 2)
    joined.join(of(3))
    assert (joined.count, joined.sum_ms, joined.most_ms) == (3, 6, 3)
    assert joined.percentile(1) == 3


def test_buckets_only_grow_and_hold_all() -> None:
    buckets = [*of(0.5, 5, 5, 50).buckets()]
    bounds, counts = zip(*buckets, strict=True)
    assert [*bounds] == sorted(bounds)
    assert [*counts] == sorted(counts)
    assert buckets[-1] == (math.inf, 4)
    assert [count for bound, count in buckets if bound == pytest.approx(10)] == [3]
