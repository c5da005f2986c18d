"""Budgets, as providers have them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from llmreplay.core.exchange import header
from llmreplay.core.faults import Ledger, Overlay
from llmreplay.core.faults.limit import Limit
from tests.core.faults.given import CHAT, asked, body, data, rule, stream

if TYPE_CHECKING:
    from llmreplay.core.plan import Plan

ANSWER = stream(*CHAT)


class Session:
    """A session with one limit, and a clock that is set by hand."""

    def __init__(self, limit: Limit) -> None:
        self.rule = rule(limit)
        self.ledger = Ledger()

    def ask(
        self, at_s: float, answer: Plan = ANSWER, model: str = "gpt-4o", **given: object
    ) -> Plan:
        request = asked(body={"model": model}, **given)
        injection = Overlay().fire((self.rule,), request, self.ledger, now_s=at_s)
        assert injection is not None
        return injection.answer or injection.onto(answer)


def told(plan: Plan, what: str = "requests") -> tuple[str | None, ...]:
    names = ("limit", "remaining", "reset")
    return tuple(header(plan.headers, f"x-ratelimit-{name}-{what}") for name in names)


def test_requests_in_a_window() -> None:
    session = Session(Limit(60, requests=2))
    plans = [session.ask(at) for at in (100, 110, 120, 159.5, 160)]
    assert [plan.status for plan in plans] == [200, 200, 429, 429, 200]
    assert [told(plan) for plan in plans] == [
        ("2", "1", "1m0s"),
        ("2", "0", "50s"),
        ("2", "0", "40s"),
        ("2", "0", "500ms"),
        ("2", "1", "1m0s"),
    ]
    assert header(plans[2].headers, "retry-after") == "40"
    assert header(plans[3].headers, "retry-after-ms") == "500"
    assert "Limit 2, Used 2" in orjson.loads(data(plans[2]))["error"]["message"]


def test_tokens_are_those_that_answers_tell() -> None:
    session = Session(Limit(60, requests=9, tokens=10))
    plans = [session.ask(at) for at in (0, 1, 2)]
    assert [plan.status for plan in plans] == [200, 200, 429]
    assert [told(plan, "tokens")[1] for plan in plans] == ["10", "3", "0"]
    assert told(plans[2])[1] == "7"
    assert orjson.loads(data(plans[2]))["error"]["type"] == "tokens"


def test_answers_that_tell_no_tokens_cost_none() -> None:
    session = Session(Limit(60, tokens=10))
    assert [session.ask(at, body(b"{}")).status for at in range(3)] == [200, 200, 200]
    assert session.ask(4, stream()).status == 200


def test_each_model_by_itself() -> None:
    session = Session(Limit(60, requests=1, by="model"))
    statuses = [session.ask(0, model=model).status for model in ("a", "b", "a")]
    assert statuses == [200, 200, 429]


def test_by_upstream_and_path() -> None:
    session = Session(Limit(60, requests=1, by="upstream"))
    assert [session.ask(0, upstream=name).status for name in ("a", None, "a")] == [200, 200, 429]
    session = Session(Limit(60, requests=1, by="path"))
    assert [session.ask(0, path=path).status for path in ("/a", "/b", "/a")] == [200, 200, 429]


def test_it_says_what_it_does() -> None:
    assert str(Limit(60, 3, 10_000, "model")) == (
        "limit of 3 requests and 10,000 tokens in 60 s by model"
    )
    assert str(Limit(1, 3)) == "limit of 3 requests in 1 s"
