"""How those fail who have no dialect of their own, and where in their streams a meaning stands."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from llmreplay.core.failure import Allowance, Failure, Problem, Trouble
from llmreplay.core.streams import Event, Framing
from llmreplay.dialects.plain import PLAIN

GEMINI = "/v1beta/models/gemini-2.5-flash:generateContent"
BEDROCK = "/model/anthropic.claude/converse-stream"
OLLAMA = "/api/chat"
COHERE = "/v2/chat"
IDENTITY = "0123456789abcdef" * 2


def failed(problem: Problem, path: str = GEMINI, **more: Any) -> Failure:  # noqa: ANN401  # fields
    return PLAIN.failures.answer(Trouble(problem, path, "m", IDENTITY, **more))


def event(value: object, name: str = "") -> Event:
    data = orjson.dumps(value)
    return Event(data + b"\n", data, name)


@pytest.mark.parametrize("problem", [one for one in Problem if one is not Problem.BAD_GATEWAY])
def test_each_problem_in_each_shape(problem: Problem) -> None:
    google, bedrock, ollama, cohere = (
        orjson.loads(failed(problem, path).body) for path in (GEMINI, BEDROCK, OLLAMA, COHERE)
    )
    assert google["error"]["code"] == failed(problem).status
    assert google["error"]["status"].isupper()
    assert [*bedrock] == ["message"]
    assert [*ollama] == ["error"]
    assert [*cohere] == ["id", "message"]
    assert failed(problem, "/unknown").body == failed(problem).body


def test_google_says_how_long_to_wait_in_the_body() -> None:
    failure = failed(Problem.RATE_LIMIT, wait_ms=1500)
    details = orjson.loads(failure.body)["error"]["details"]
    assert [each["@type"].rpartition(".")[2] for each in details] == [
        "QuotaFailure",
        "Help",
        "RetryInfo",
    ]
    assert details[2]["retryDelay"] == "1.5s"
    assert dict(failure.headers)["retry-after"] == "2"
    assert "retry-after" not in dict(failed(Problem.RATE_LIMIT).headers)


def test_google_names_the_quota_that_is_used_up() -> None:
    left = (Allowance("requests", 9, 8, 500), Allowance("tokens", 30_000, 0, 18_642))
    failure = failed(Problem.RATE_LIMIT, allowances=left, wait_ms=18_642)
    details = orjson.loads(failure.body)["error"]["details"]
    (violation,) = details[0]["violations"]
    assert violation["quotaValue"] == "30000"
    assert violation["quotaMetric"].endswith("input_token_count")
    assert details[2]["retryDelay"] == "18.642s"


def test_a_gateway_answers_with_a_page_unless_something_is_to_be_said() -> None:
    assert failed(Problem.BAD_GATEWAY).body.startswith(b"<html>")
    assert orjson.loads(failed(Problem.BAD_GATEWAY, message="Oh.").body)["error"]["code"] == 502


def test_bedrock_tells_the_exception_in_a_header() -> None:
    failure = failed(Problem.RATE_LIMIT, BEDROCK, wait_ms=1)
    assert failure.status == 429
    assert dict(failure.headers) == {
        "content-type": "application/json",
        "x-amzn-RequestId": "01234567-89ab-cdef-0123-456789abcdef",
        "x-amzn-ErrorType": (
            "ThrottlingException:http://internal.amazon.com/coral/com.amazon.bedrock/"
        ),
        "retry-after": "1",
    }
    assert "retry-after" not in dict(failed(Problem.RATE_LIMIT, BEDROCK).headers)


def test_others_wait_by_header() -> None:
    assert dict(failed(Problem.RATE_LIMIT, COHERE).headers)["retry-after"] == "1"
    assert dict(failed(Problem.OVERLOADED, OLLAMA, wait_ms=9).headers)["retry-after"] == "1"
    assert "retry-after" not in dict(failed(Problem.OVERLOADED, OLLAMA).headers)
    assert b"model 'm' not found" in failed(Problem.NOT_FOUND, OLLAMA).body


def test_errors_in_streams() -> None:
    trouble = Trouble(Problem.RATE_LIMIT, message="Slow.")
    told = {
        framing: PLAIN.failures.in_stream(trouble, framing, None)[0]
        for framing in (Framing.SSE, Framing.NDJSON, Framing.EVENT_STREAM)
    }
    assert orjson.loads(told[Framing.SSE].data)["error"]["code"] == 429
    assert told[Framing.NDJSON].data == b'{"error":"Slow."}'
    assert told[Framing.EVENT_STREAM].name == "throttlingException"
    assert told[Framing.EVENT_STREAM].data == b'{"message":"Slow."}'


def test_an_error_in_a_stream_of_cohere() -> None:
    trouble = Trouble(Problem.OVERLOADED, "/v2/chat", message="Full.")
    (told,) = PLAIN.failures.in_stream(trouble, Framing.SSE, None)
    delta = {"error": "Full.", "finish_reason": "ERROR", "usage": None}
    assert told.name == "message-end"
    assert orjson.loads(told.data) == {"type": "message-end", "delta": delta}


@pytest.mark.parametrize(
    ("value", "text", "arguments"),
    [
        ({"candidates": [{"content": {"parts": [{"text": "Hi"}]}}]}, "Hi", ""),
        (
            {"candidates": [{"content": {"parts": [{"functionCall": {"args": {"a": 1}}}]}}]},
            "",
            '{"a": 1}',
        ),
        ({"message": {"role": "assistant", "content": "Hi"}, "done": False}, "Hi", ""),
        ({"bytes": "eyJ0ZXh0IjoiSGkifQ=="}, "Hi", ""),
        (None, "", ""),
    ],
)
def test_what_is_said(value: object, text: str, arguments: str) -> None:
    assert PLAIN.event_text(event(value)) == text
    assert PLAIN.tool_arguments(event(value)) == arguments


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"done": True, "eval_count": 3}, True),
        ({"usage": {"outputTokens": 3}}, True),
        ({"usageMetadata": {"candidatesTokenCount": 3}}, False),
        (
            {
                "usageMetadata": {"candidatesTokenCount": 3},
                "candidates": [{"finishReason": "STOP"}],
            },
            True,
        ),
        ({"text": "Hi"}, False),
    ],
)
def test_the_final_count(value: object, expected: bool) -> None:  # noqa: FBT001  # expected
    assert PLAIN.has_usage(event(value)) is expected


def test_pieces_that_are_no_events_say_nothing() -> None:
    ping = Event(b": ping\n\n")
    assert (PLAIN.event_text(ping), PLAIN.has_usage(ping)) == ("", False)
