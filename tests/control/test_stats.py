"""Figures: counted for every request, put together when asked for."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from llmreplay.control import stats as module
from llmreplay.control.stats import Stats
from llmreplay.core.dialect import Usage
from llmreplay.core.journal import Outcome
from tests.control.asking import entry, running

if TYPE_CHECKING:
    import pytest


def price(upstream: str | None, model: str | None, usage: Usage) -> float | None:
    """A cent a token, for one model."""
    del upstream
    known = model == "gpt-4o-mini"
    return ((usage.input_tokens or 0) + (usage.output_tokens or 0)) / 100 if known else None


def counted(*entries: object) -> Stats:
    stats = Stats()
    for one in entries:
        stats.add(one)  # type: ignore[arg-type]  # entries
    return stats


def test_hits_save_and_live_answers_cost() -> None:
    stats = counted(
        entry(source="a#1"),
        entry(source="a#1"),
        entry(source="a#2", outcome=Outcome.RECORDED, first_byte_ms=5.0),
        entry(outcome=Outcome.FORWARDED),
    )
    stats.usages = {"a#1": Usage(10, 1), "a#2": Usage(20, None)}
    told = stats.shown(price)
    saved = {"input_tokens": 20, "output_tokens": 2, "cost_usd": 0.22, "unknown_answers": 0}
    spent = {"input_tokens": 20, "output_tokens": 0, "cost_usd": 0.2, "unknown_answers": 1}
    assert (told["saved"], told["spent"]) == (saved, spent)
    assert (told["requests"], told["outcomes"]["hit"]) == (4, 2)
    assert told["first_byte_ms"]["p50"] == 5.0


def test_models_are_told_apart_and_upstreams_have_their_share() -> None:
    stats = counted(entry(), entry(), entry(), entry(upstream="anthropic", model="claude"))
    stats.usages = {}
    told = stats.shown(price)
    assert told["share"] == {"openai": 0.75, "anthropic": 0.25}
    assert [(one["upstream"], one["model"], one["requests"]) for one in told["models"]] == [
        ("openai", "gpt-4o-mini", 3),
        ("anthropic", "claude", 1),
    ]


def test_what_has_no_price_costs_nothing_that_is_known() -> None:
    stats = counted(entry(model="m", source="a#1"), entry(source="a#2"))
    stats.usages = {"a#1": Usage(10, 1), "a#2": Usage(1, 0)}
    told = stats.shown(price)
    assert told["saved"]["cost_usd"] == 0.01
    assert [one["saved"]["cost_usd"] for one in told["models"]] == [None, 0.01]


def test_answers_without_a_count_of_tokens_are_counted() -> None:
    stats = counted(entry(source="a#1"), entry(source="a#2"), entry())
    stats.usages = {"a#1": Usage()}
    assert stats.shown(price)["saved"]["unknown_answers"] == 3
    assert [one.source for one in stats.unread] == ["a#2"]


def test_what_a_provider_cannot_have_meant_is_none() -> None:
    stats = counted(entry(source="a#1"))
    stats.usages = {"a#1": Usage(-5, 3)}
    saved = stats.shown(lambda *_: None)["saved"]
    assert (saved["input_tokens"], saved["output_tokens"]) == (0, 3)


def test_faults_are_counted_by_what_they_did() -> None:
    stats = counted(entry(faults=("slow: delay", "cut: at 3")), entry(faults=("slow: delay",)))
    assert stats.shown(price)["faults"] == {"slow: delay": 2, "cut: at 3": 1}


def test_nothing_grows_without_end() -> None:
    stats = counted(
        *(
            entry(model=f"m{number}", source=f"a#{number}", faults=(f"r{number}: x",))
            for number in range(module._MOST_GROUPS + 50)
        )
    )
    assert len(stats.groups) == module._MOST_GROUPS + 1
    assert len(stats.faults) == module._MOST_FAULTS + 1
    assert stats.shown(price)["requests"] == module._MOST_GROUPS + 50
    stats._sources = module._MOST_SOURCES
    stats.add(entry(source="b#1"))
    assert "b#1" not in [one.source for one in stats.unread]


async def test_figures_over_http() -> None:
    async with running() as ask:
        empty = await ask("GET /stats")
        ask.tell(entry(source="checkout#1"), entry(source="gone#1"), entry(outcome=Outcome.MISS))
        told = await ask("GET /stats")
        await ask("GET /stats")
    assert (empty.value["requests"], empty.value["latency_ms"], empty.value["share"]) == (
        0,
        None,
        {},
    )
    assert told.value["saved"]["input_tokens"] == 1_000
    assert told.value["saved"]["cost_usd"] > 0
    assert told.value["saved"]["unknown_answers"] == 1
    assert told.value["prices"] is True
    assert ask.house.looked_up == ["checkout#1", "gone#1"]


async def test_without_the_price_lists_tokens_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    async with running() as ask:
        ask.tell(entry(source="checkout#1"))
        told = (await ask("GET /stats")).value
    assert (told["prices"], told["saved"]["cost_usd"]) == (False, None)
    assert told["saved"]["input_tokens"] == 1_000
