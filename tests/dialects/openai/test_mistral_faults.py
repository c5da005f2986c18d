"""Mistral's errors, as its SDK gets them."""

from __future__ import annotations

import orjson
import pytest

from llmreplay.core.failure import Allowance, Problem, Trouble
from llmreplay.core.streams import Framing
from llmreplay.dialects.openai import OPENAI

PATH = "/v1/chat/completions"


def trouble(problem: Problem, **more: object) -> Trouble:
    fields = {"model": "mistral-small", "upstream": "mistral", **more}
    return Trouble(problem, PATH, **fields)  # type: ignore[arg-type]  # as each case gives them


def test_a_rate_limit() -> None:
    failure = OPENAI.failures.answer(trouble(Problem.RATE_LIMIT))
    assert (failure.status, dict(failure.headers)) == (
        429,
        {
            "content-type": "application/json",
            "mistral-correlation-id": "00000000-0000-0000-0000-000000000000",
            "retry-after": "1",
            "x-ratelimit-remaining-req-minute": "0",
        },
    )
    assert orjson.loads(failure.body) == {
        "object": "error",
        "message": "Rate limit exceeded",
        "type": "rate_limited",
        "param": None,
        "code": "1300",
        "raw_status_code": 429,
    }


@pytest.mark.parametrize("problem", Problem)
def test_every_problem_has_one_object(problem: Problem) -> None:
    failure = OPENAI.failures.answer(trouble(problem))
    body = orjson.loads(failure.body)
    assert (body["object"], body["raw_status_code"]) == ("error", failure.status)


def test_the_model_is_named() -> None:
    body = orjson.loads(OPENAI.failures.answer(trouble(Problem.NOT_FOUND)).body)
    assert body["message"] == "Invalid model: mistral-small"
    body = orjson.loads(OPENAI.failures.answer(trouble(Problem.NOT_FOUND, model=None)).body)
    assert body["message"] == "Invalid model: unknown"


@pytest.mark.parametrize(
    ("asked", "wait"),
    [
        (trouble(Problem.OVERLOADED), None),
        (trouble(Problem.OVERLOADED, wait_ms=2_000.0), "2"),
        (trouble(Problem.RATE_LIMIT, wait_ms=2_000.0), "2"),
        (
            trouble(Problem.RATE_LIMIT, allowances=(Allowance("requests", 3, 0, 4_000.0),)),
            "4",
        ),
    ],
)
def test_how_long_to_wait(asked: Trouble, wait: str | None) -> None:
    assert dict(OPENAI.failures.answer(asked).headers).get("retry-after") == wait


def test_an_error_in_a_stream() -> None:
    asked = trouble(Problem.OVERLOADED, message="Full.")
    (told,) = OPENAI.failures.in_stream(asked, Framing.SSE, None)
    assert (told.name, orjson.loads(told.data)["message"]) == ("", "Full.")
