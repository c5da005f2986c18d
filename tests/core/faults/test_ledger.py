"""What rules remember, each session for itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmreplay.core.faults import ledger as of
from llmreplay.core.faults.ledger import Ledger, Window

if TYPE_CHECKING:
    import pytest


def test_counts_by_rule_and_session() -> None:
    ledger = Ledger()
    assert [ledger.count("a", "r"), ledger.count("a", "r"), ledger.count("b", "r")] == [1, 2, 1]
    ledger.forget("a")
    assert ledger.count("a", "r") == 1
    ledger.forget("never seen")


def test_counts_by_request() -> None:
    ledger = Ledger()
    assert [ledger.count_request("a", "r", f) for f in ("x", "y", "x")] == [1, 1, 2]
    assert ledger.count_request("a", "other", "x") == 1


def test_the_oldest_requests_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of, "MOST_REQUESTS", 2)
    ledger = Ledger()
    assert [ledger.count_request("a", "r", f) for f in ("x", "y", "x", "z", "x", "y")] == [
        1, 1, 2, 1, 3, 1,
    ]  # fmt: skip


def test_windows_open_anew_when_they_are_over() -> None:
    ledger = Ledger()
    first = ledger.window("a", "r", "gpt", now_s=5, per_s=60)
    first.requests += 1
    assert ledger.window("a", "r", "gpt", now_s=64.9, per_s=60) == Window(5, 1)
    assert ledger.window("a", "r", "o3", now_s=64.9, per_s=60) == Window(64.9)
    assert ledger.window("a", "r", "gpt", now_s=65, per_s=60) == Window(65)


def test_what_fired_is_counted_by_session() -> None:
    ledger = Ledger()
    for session, rule in (("a", "r"), ("a", "r"), ("a", "s"), ("b", "r")):
        ledger.note_fired(session, rule)
    assert (ledger.fired("a"), ledger.fired("b")) == ({"r": 2, "s": 1}, {"r": 1})
    ledger.forget("a")
    assert (ledger.fired("a"), ledger.fired("never seen")) == ({}, {})
