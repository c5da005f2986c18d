"""Sizes, times and dates as a person reads them."""

from __future__ import annotations

import pytest

from llmreplay.cli.units import counted, duration_shown, moment_shown, size_shown


@pytest.mark.parametrize(
    ("duration_ms", "shown"),
    [
        (0, "0 ms"),
        (0.42, "0.4 ms"),
        (12.3, "12 ms"),
        (999, "999 ms"),
        (1_500, "1.5 s"),
        (125_000, "2 min 5 s"),
    ],
)
def test_durations(duration_ms: float, shown: str) -> None:
    assert duration_shown(duration_ms) == shown


@pytest.mark.parametrize(
    ("size_bytes", "shown"),
    [(0, "0 B"), (999, "999 B"), (1_234, "1.2 kB"), (4_200_000, "4.2 MB")],
)
def test_sizes(size_bytes: int, shown: str) -> None:
    assert size_shown(size_bytes) == shown


def test_counts() -> None:
    assert [counted(count, "miss hit") for count in (0, 1, 1_234)] == [
        "0 miss hits",
        "1 miss hit",
        "1,234 miss hits",
    ]


def test_moments_are_shown_to_the_minute() -> None:
    assert moment_shown("2026-11-20T16:02:11Z") == "2026-11-20 16:02"
