"""Errors in the provider's words."""

from __future__ import annotations

import orjson

from llmreplay.core.exchange import header
from llmreplay.core.failure import Problem
from llmreplay.core.faults.delay import Delay
from llmreplay.core.faults.error import Error
from llmreplay.core.plan import Plan, Step
from llmreplay.dialects.anthropic import ANTHROPIC
from tests.core.faults.given import data, fired


def answer(error: Error, **given: object) -> Plan:
    plan = fired(error, **given).answer
    assert plan is not None
    return plan


def test_a_preset_is_the_dialects() -> None:
    plan = answer(Error(Problem.OVERLOADED), dialect=ANTHROPIC)
    assert (plan.status, plan.streamed) == (529, False)
    assert orjson.loads(data(plan))["error"] == {
        "type": "overloaded_error",
        "message": "Overloaded",
    }
    assert plan.headers[-1] == ("x-llmreplay-fault", "r (error)")


def test_what_is_written_beside_it_wins() -> None:
    error = Error(
        Problem.RATE_LIMIT,
        status=503,
        headers=(("X-Request-Id", "mine"), ("retry-after", "9")),
        retry_after_ms=2500,
        message="Not now.",
    )
    plan = answer(error)
    assert (plan.status, plan.reason) == (503, "Service Unavailable")
    named = [(name.lower(), value) for name, value in plan.headers]
    assert dict(named)["x-request-id"] == "mine"
    assert [value for name, value in named if name == "retry-after"] == ["9"]
    assert [value for name, value in named if name == "retry-after-ms"] == ["2500"]
    assert orjson.loads(data(plan))["error"]["message"] == "Not now."


def test_a_status_alone_is_the_preset_with_this_status() -> None:
    assert orjson.loads(data(answer(Error(status=429))))["error"]["code"] == "rate_limit_exceeded"
    assert answer(Error(status=529)).status == 529


def test_a_status_that_no_preset_has() -> None:
    plan = answer(Error(status=418))
    assert orjson.loads(data(plan))["error"]["message"] == "I'm a Teapot"
    assert orjson.loads(data(answer(Error(status=499))))["error"]["message"] == "Status 499"


def test_a_body_of_its_own_is_what_it_looks_like() -> None:
    text = answer(Error(Problem.BAD_GATEWAY, body=b"oops"))
    assert (header(text.headers, "content-type"), data(text)) == (
        "text/plain; charset=utf-8",
        b"oops",
    )
    named = Error(status=500, body=b'{"a":1}', headers=(("Content-Type", "text/html"),))
    assert header(answer(named).headers, "content-type") == "text/html"
    assert header(answer(Error(body=b"[]")).headers, "content-type") == "application/json"


def test_it_can_be_late() -> None:
    plan = fired(Delay(2000), Error(Problem.AUTH)).answer
    assert plan is not None
    assert [step.at_ms for step in plan.steps] == [2000]


def test_its_request_id_is_the_same_in_every_run() -> None:
    assert answer(Error(Problem.AUTH)) == answer(Error(Problem.AUTH))
    assert answer(Error(Problem.AUTH)) != answer(Error(Problem.AUTH), fingerprint="other")


def test_an_empty_body() -> None:
    assert answer(Error(status=500, body=b"")).steps in ((), (Step(0.0, b""),))


def test_it_says_what_it_does() -> None:
    assert str(Error(Problem.AUTH, retry_after_ms=20)) == "error auth, retry after 20ms"
    assert str(Error(status=418)) == "error status 418"
