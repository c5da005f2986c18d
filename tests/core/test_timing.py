"""How a pace is written, and the times that it gives."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmreplay.core.timing import INSTANT, Pace, Timing, parse_duration_ms, parse_timing


@pytest.mark.parametrize(
    ("text", "timing"),
    [
        ("instant", INSTANT),
        ("recorded", Timing(Pace.RECORDED)),
        ("recorded*0.1", Timing(Pace.RECORDED, scale=0.1)),
        (" recorded * 2 ", Timing(Pace.RECORDED, scale=2.0)),
        (
            "ttft=300ms,tps=50,jitter=10ms",
            Timing(Pace.SYNTHETIC, ttft_ms=300.0, tps=50.0, jitter_ms=10.0),
        ),
        ("tps=0.5", Timing(Pace.SYNTHETIC, tps=0.5)),
        ("ttft=1.5s", Timing(Pace.SYNTHETIC, ttft_ms=1500.0)),
    ],
)
def test_a_pace_is_written_in_one_of_four_ways(text: str, timing: Timing) -> None:
    assert timing == parse_timing(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "fast",
            (
                '"fast" is no timing: write instant, recorded, recorded*0.1 or'
                " ttft=300ms,tps=50,jitter=10ms"
            ),
        ),
        (
            "recorded*0",
            "recorded*0 needs a number above 0 and at most 1000, as in recorded*0.1",
        ),
        (
            "recorded*1e3",
            "recorded*1e3 needs a number above 0 and at most 1000, as in recorded*0.1",
        ),
        ("ttft=300", '"300" is no duration: write it as 800ms, 2s or 5m'),
        ("ttft=25h", '"25h" is longer than a day'),
        ("tps=0", "tps=0 needs a number above 0, as in tps=50"),
        ("tps=nan", "tps=nan needs a number above 0, as in tps=50"),
        ("pace=3", '"pace=3" is none of ttft=…, tps=… and jitter=…'),
        ("tps=3,tps=4", "tps is given twice"),
    ],
)
def test_a_mistake_in_a_pace_is_named(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        parse_timing(text)


@pytest.mark.parametrize(
    "text",
    [
        "instant",
        "recorded",
        "recorded*0.1",
        "ttft=300ms,tps=50,jitter=10ms",
        "ttft=0ms,tps=5",
        "ttft=9ms",
    ],
)
def test_a_pace_prints_as_it_is_written(text: str) -> None:
    assert text == str(parse_timing(text))


@pytest.mark.parametrize(
    ("text", "milliseconds"), [("800ms", 800), ("2s", 2000), ("1.5 m", 90_000), ("1h", 3_600_000)]
)
def test_durations_carry_their_unit(text: str, milliseconds: float) -> None:
    assert milliseconds == parse_duration_ms(text)


def test_instant_pieces_are_all_due_at_once() -> None:
    assert INSTANT.schedule([412, 18, 20]) == (0.0, 0.0, 0.0)


def test_recorded_waits_add_up_to_times_since_the_start() -> None:
    assert Timing(Pace.RECORDED).schedule([412, 18, 20]) == (412.0, 430.0, 450.0)
    assert Timing(Pace.RECORDED, scale=0.5).schedule([412, 18, 20]) == (206.0, 215.0, 225.0)


def test_a_synthetic_pace_forgets_the_recorded_one() -> None:
    timing = Timing(Pace.SYNTHETIC, ttft_ms=300, tps=50)
    assert timing.schedule([9, 9, 9]) == (300.0, 320.0, 340.0)


def test_without_a_rate_all_comes_with_the_first_piece() -> None:
    assert Timing(Pace.SYNTHETIC, ttft_ms=300).schedule([9, 9]) == (300.0, 300.0)


def test_jitter_follows_from_the_key_alone() -> None:
    timing = Timing(Pace.SYNTHETIC, ttft_ms=300, tps=50, jitter_ms=10)
    assert timing.schedule([0] * 5, key=b"a") == timing.schedule([7] * 5, key=b"a")
    assert timing.schedule([0] * 5, key=b"a") != timing.schedule([0] * 5, key=b"b")


@given(
    waits=st.lists(st.integers(0, 100_000), max_size=20),
    timing=st.builds(
        Timing,
        pace=st.sampled_from(Pace),
        scale=st.floats(0.001, 1000),
        ttft_ms=st.floats(0, 10_000),
        tps=st.none() | st.floats(0.1, 10_000),
        jitter_ms=st.floats(0, 1000),
    ),
    key=st.binary(max_size=8),
)
def test_pieces_are_never_due_before_the_one_ahead_of_them(
    waits: list[int], timing: Timing, key: bytes
) -> None:
    due = timing.schedule(waits, key=key)
    assert len(waits) == len(due)
    assert list(due) == sorted(due)
    assert all(at_ms >= 0 for at_ms in due)
