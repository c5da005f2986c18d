"""Sessions in a report: as the control API shows them, and never more than there is room for."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from llmreplay.core.journal import Entry, Outcome
from llmreplay.core.policy import Mode
from llmreplay.service.reports import gathered as module
from llmreplay.service.reports.gathered import Gathered
from llmreplay.session import SessionInfo, Setup, Verdict

if TYPE_CHECKING:
    import pytest

    from llmreplay.core.tape import Recording

MISS = Entry("a", Outcome.MISS, "POST", "/v1", 470, model="m", detail="llmreplay: none\n- why")


class Unused:
    """A recording that nobody asked for."""

    source = "chat#1"


def session(name: str, **tally: int) -> SessionInfo:
    counts = {Outcome(outcome): count for outcome, count in tally.items()}
    return SessionInfo(name, False, Setup(mode=Mode.REPLAY), 1.5, 0.5, counts)  # noqa: FBT003  # a field


def verdict(*misses: Entry, missed: int | None = None, unused: int = 0) -> Verdict:
    recordings = (cast("Recording", Unused()),) * unused
    count = len(misses) if missed is None else missed
    return Verdict(count, misses, recordings, 0, 0, (), {"slow": 2}, ("never",), ())


def test_a_session_is_shown_with_its_verdict() -> None:
    gathered = Gathered()
    gathered.add(session("a", hit=2, miss=3), verdict(MISS, missed=3, unused=1))
    assert gathered.sessions == [
        {
            "name": "a",
            "configured": False,
            "mode": "replay",
            "duration_s": 1.5,
            "requests": 5,
            "outcomes": {"hit": 2, "miss": 3},
            "missing": [],
            "misses": [
                {
                    "method": "POST",
                    "target": "/v1",
                    "model": "m",
                    "detail": "llmreplay: none\n- why",
                }
            ],
            "misses_left_out": 2,
            "unused": ["chat#1"],
            "unused_left_out": 0,
            "missed": 3,
            "live_calls": 0,
            "drifted": 0,
            "drift": [],
            "fired": {"slow": 2},
            "never_fired": ("never",),
            "not_done": (),
        }
    ]


def test_what_nobody_used_is_no_session() -> None:
    gathered = Gathered()
    gathered.add(session("a"), verdict())
    assert (gathered.sessions, gathered.left_out) == ([], 0)


def test_sessions_with_misses_are_not_crowded_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_SESSIONS", 2)
    gathered = Gathered()
    for number in range(5):
        gathered.add(session(f"well-{number}", hit=1), verdict())
    gathered.add(session("bad", miss=1), verdict(MISS))
    assert [one["name"] for one in gathered.sessions] == ["well-0", "well-1", "bad"]
    assert gathered.left_out == 3


def test_misses_and_unused_recordings_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_MISSES", 3)
    monkeypatch.setattr(module, "MOST_UNUSED", 2)
    gathered = Gathered()
    gathered.add(session("a", miss=2), verdict(MISS, MISS, unused=5))
    gathered.add(session("b", miss=2), verdict(MISS, MISS))
    told = [(len(one["misses"]), one["misses_left_out"]) for one in gathered.sessions]
    assert told == [(2, 0), (1, 1)]
    assert (gathered.sessions[0]["unused"], gathered.sessions[0]["unused_left_out"]) == (
        ["chat#1"] * 2,
        3,
    )
