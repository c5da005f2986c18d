from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from llmreplay.core.journal import Entry, Outcome
from llmreplay.core.matching import Miss, MissReason
from llmreplay.dialects.plain import PLAIN
from llmreplay.session import Call
from llmreplay.session.refusing import Refusals, mistake_in, nowhere_to_go, unknown_call
from tests.session.made import Played

if TYPE_CHECKING:
    from llmreplay.core.exchange import Headers

KEY = "correct-horse-battery-staple-9"
AUTH: Headers = (("authorization", f"Bearer {KEY}"),)
FACTS = Entry("mine", Outcome.FAILED, "POST", "/v1/chat", 0, model="m")
RULE = "use letters, digits, '.', '_' and '-', up to 128, with no dot first"


@pytest.mark.parametrize(
    ("target", "headers", "mistake"),
    [
        ("/v1/models", (), None),
        ("/_s/mine/v1/models", (), None),
        ("/v1/models", (("X-Llmreplay-Session", "mine"),), None),
        (
            "/_s/..%2fup/v1/models",
            (),
            (400, f"llmreplay: '..%2fup' cannot name a session: {RULE}"),
        ),
        (
            "/v1/models",
            (("x-llmreplay-session", "a b"),),
            (400, f"llmreplay: 'a b' cannot name a session: {RULE}"),
        ),
        ("/_llmreplay/x", (), (404, "llmreplay: nothing is at /_llmreplay/x")),
        ("/_s/mine/_llmreplay/x", (), (404, "llmreplay: nothing is at /_llmreplay/x")),
        (
            "/_llmreplay/" + "x" * 999,
            (),
            (404, "llmreplay: nothing is at /_llmreplay/" + "x" * 188),
        ),
    ],
)
def test_calls_that_mean_nothing_are_told_why(
    target: str, headers: Headers, mistake: tuple[int, str] | None
) -> None:
    assert mistake == mistake_in(Call("GET", target, headers, b""))


@pytest.mark.parametrize("target", [f"/_s/{KEY}!/v1", f"/_llmreplay/{KEY}"])
def test_no_message_repeats_a_credential(target: str) -> None:
    call = Call("GET", target, AUTH, b"")
    mistake = mistake_in(call)
    assert mistake is not None
    assert KEY not in mistake[1] + unknown_call(call).target


def test_a_miss_is_no_failure_that_sdks_would_retry() -> None:
    answer = Refusals(Played).missed(FACTS, Miss(MissReason.USED_UP), 470, "no more", PLAIN)
    plan = answer.prepared.plan
    assert (plan.status, plan.reason) == (470, "No Recording")
    assert plan.headers == (
        ("content-type", "application/json"),
        ("x-should-retry", "false"),
        ("x-llmreplay-miss", "used-up"),
    )
    assert json.loads(answer.prepared.body) == PLAIN.error_body(470, "no more", "no_recording")
    assert answer.entry(elapsed_ms=3.0) == FACTS._replace(
        outcome=Outcome.MISS, status=470, detail="no more", elapsed_ms=3.0
    )


def test_a_refusal_says_what_to_do() -> None:
    answer = Refusals(Played).refused(FACTS, 404, nowhere_to_go("/v1/chat"))
    assert (answer.prepared.plan.status, answer.prepared.plan.reason) == (404, "Not Found")
    assert json.loads(answer.prepared.body)["message"] == (
        "llmreplay: no upstream for /v1/chat: begin the path with a provider's name "
        "(/openai/v1/…, /anthropic/v1/…), or say where the bare path goes with --upstream URL"
    )
    assert answer.entry(elapsed_ms=0.0).outcome is Outcome.FAILED
