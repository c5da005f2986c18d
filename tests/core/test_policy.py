from __future__ import annotations

import pytest

from llmreplay.core.matching import Hit, Miss, MissReason
from llmreplay.core.policy import (
    Forward,
    Mode,
    Refuse,
    Replay,
    decide,
    looks_for_recordings,
    on_miss,
)
from tests.fakes.recordings import recording

HIT = Hit(recording("a"))
MISS = Miss(MissReason.NEVER_RECORDED)
RECORD, PASS = Forward(record=True), Forward(record=False)


@pytest.mark.parametrize(
    ("mode", "on_hit", "on_no_hit"),
    [
        (Mode.REPLAY, Replay(HIT), Refuse(MISS)),
        (Mode.NEW, Replay(HIT), RECORD),
        (Mode.ALL, RECORD, RECORD),
        (Mode.FORWARD, Replay(HIT), PASS),
        (Mode.OFF, PASS, PASS),
    ],
)
def test_each_mode_has_its_decisions(
    mode: Mode, on_hit: Replay | Forward, on_no_hit: Refuse | Forward
) -> None:
    assert on_hit == decide(mode, HIT)
    assert on_no_hit == decide(mode, MISS)


def test_every_mode_decides() -> None:
    assert all(decide(mode, found) for mode in Mode for found in (HIT, MISS))


@pytest.mark.parametrize("used_up", [Miss(MissReason.USED_UP, (HIT.recording,)), MISS])
def test_replay_never_forwards(used_up: Miss) -> None:
    assert decide(Mode.REPLAY, used_up) == Refuse(used_up)


def test_recordings_are_looked_for_where_they_count() -> None:
    assert {mode for mode in Mode if looks_for_recordings(mode)} == {
        Mode.REPLAY,
        Mode.NEW,
        Mode.FORWARD,
    }


@pytest.mark.parametrize(
    ("word", "mode"), [("fail", Mode.REPLAY), ("record", Mode.NEW), ("forward", Mode.FORWARD)]
)
def test_what_serve_does_on_a_miss_is_a_mode(word: str, mode: Mode) -> None:
    assert mode is on_miss(word)
