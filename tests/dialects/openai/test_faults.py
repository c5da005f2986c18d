"""How OpenAI and Azure fail, and where in a stream a meaning stands."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from llmreplay.core.failure import Allowance, Failure, Problem, Trouble
from llmreplay.core.streams import Event, Framing
from llmreplay.dialects.openai import OPENAI

AZURE = "/openai/deployments/gpt/chat/completions"
IDENTITY = "0123456789abcdef" * 2


def failed(problem: Problem, path: str = "/v1/chat/completions", **more: Any) -> Failure:  # noqa: ANN401  # fields
    return OPENAI.failures.answer(Trouble(problem, path, "gpt-4o", IDENTITY, **more))


def error(failure: Failure) -> dict[str, Any]:
    told: dict[str, Any] = orjson.loads(failure.body)["error"]
    return told


def event(value: object, name: str = "") -> Event:
    data = orjson.dumps(value)
    return Event(b"data: " + data + b"\n\n", data, name)


@pytest.mark.parametrize(
    ("problem", "status", "kind", "code"),
    [
        (Problem.RATE_LIMIT, 429, "requests", "rate_limit_exceeded"),
        (Problem.QUOTA, 429, "insufficient_quota", "insufficient_quota"),
        (Problem.OVERLOADED, 503, "server_error", None),
        (Problem.SERVER_ERROR, 500, "server_error", None),
        (Problem.UNAVAILABLE, 503, "server_error", None),
        (Problem.AUTH, 401, "invalid_request_error", "invalid_api_key"),
        (Problem.FORBIDDEN, 403, "request_forbidden", "unsupported_country_region_territory"),
        (Problem.NOT_FOUND, 404, "invalid_request_error", "model_not_found"),
        (Problem.BAD_REQUEST, 400, "invalid_request_error", None),
        (Problem.CONTEXT_LENGTH, 400, "invalid_request_error", "context_length_exceeded"),
        (Problem.CONTENT_FILTER, 400, "invalid_request_error", "invalid_prompt"),
    ],
)
def test_presets(problem: Problem, status: int, kind: str, code: str | None) -> None:
    failure = failed(problem)
    assert failure.status == status
    assert error(failure).keys() == {"message", "type", "param", "code"}
    assert (error(failure)["type"], error(failure)["code"]) == (kind, code)
    assert "{" not in error(failure)["message"]
    assert dict(failure.headers)["x-request-id"] == f"req_{IDENTITY}"


@pytest.mark.parametrize("problem", [Problem.BAD_GATEWAY, Problem.GATEWAY_TIMEOUT])
def test_gateways_answer_with_a_page_unless_something_is_to_be_said(problem: Problem) -> None:
    failure = failed(problem, wait_ms=1)
    assert failure.body.startswith(b"<html>")
    assert dict(failure.headers)["cf-ray"] == "0123456789abcdef-IAD"
    assert error(failed(problem, message="Oh."))["message"] == "Oh."


def test_a_rate_limit_is_consistent() -> None:
    failure = failed(Problem.RATE_LIMIT)
    assert dict(failure.headers) == {
        "content-type": "application/json",
        "x-request-id": f"req_{IDENTITY}",
        "openai-version": "2020-10-01",
        "retry-after-ms": "1000",
        "retry-after": "1",
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "1s",
    }
    assert "Limit 60, Used 60, Requested 1. Please try again in 1s." in error(failure)["message"]


def test_a_rate_limit_of_tokens() -> None:
    left = (Allowance("requests", 9, 8, 500), Allowance("tokens", 30_000, 0, 18_642))
    failure = failed(Problem.RATE_LIMIT, allowances=left)
    assert error(failure)["type"] == "tokens"
    assert "on tokens per min (TPM): Limit 30000" in error(failure)["message"]
    assert dict(failure.headers)["retry-after-ms"] == "18642"
    assert dict(failure.headers)["x-ratelimit-remaining-requests"] == "8"


@pytest.mark.parametrize(
    ("reset_ms", "shown"),
    [(12, "12ms"), (1000, "1s"), (1500, "1.5s"), (360_000, "6m0s"), (3_661_000, "1h1m1s")],
)
def test_resets_are_durations(reset_ms: float, shown: str) -> None:
    headers = OPENAI.failures.allowance((Allowance("tokens", 9, 3, reset_ms),), 0.0)
    assert dict(headers)["x-ratelimit-reset-tokens"] == shown


def test_waiting_where_it_is_asked_for() -> None:
    assert "retry-after" not in dict(failed(Problem.OVERLOADED).headers)
    assert dict(failed(Problem.OVERLOADED, wait_ms=2500).headers)["retry-after"] == "3"
    assert OPENAI.failures.wait(0) == (("retry-after-ms", "1"), ("retry-after", "0"))


def test_the_responses_api_names_its_input() -> None:
    assert error(failed(Problem.CONTEXT_LENGTH))["param"] == "messages"
    assert error(failed(Problem.CONTEXT_LENGTH, "/v1/responses"))["param"] == "input"


def test_azure() -> None:
    limited = failed(Problem.RATE_LIMIT, AZURE)
    assert error(limited)["code"] == "429"
    assert dict(limited.headers)["x-ms-retry-after-ms"] == "1000"
    assert dict(limited.headers)["apim-request-id"].startswith("01234567-89ab-")
    filtered = error(failed(Problem.CONTENT_FILTER, AZURE))
    assert (filtered["code"], filtered["status"]) == ("content_filter", 400)
    assert filtered["innererror"]["code"] == "ResponsibleAIPolicyViolation"
    assert error(failed(Problem.SERVER_ERROR, AZURE))["type"] == "server_error"
    assert error(failed(Problem.NOT_FOUND, AZURE, message="No."))["message"] == "No."


def test_errors_in_a_stream() -> None:
    trouble = Trouble(Problem.OVERLOADED, "/v1/chat/completions")
    (told,) = OPENAI.failures.in_stream(trouble, Framing.SSE, None)
    assert (told.name, orjson.loads(told.data)["error"]["type"]) == ("", "server_error")


@pytest.mark.parametrize(
    ("path", "last", "sequence"),
    [
        ("/v1/responses", None, 0),
        ("/v1/responses/", event({"sequence_number": 4}), 5),
        ("/x", event({}, "response.created"), 0),
        ("/v1/responses", Event(b": hi\n\n"), 0),
    ],
)
def test_errors_in_a_stream_of_responses(path: str, last: Event | None, sequence: int) -> None:
    told = OPENAI.failures.in_stream(Trouble(Problem.OVERLOADED, path), Framing.SSE, last)
    assert [one.name for one in told] == ["error", "response.failed"]
    values = [orjson.loads(one.data) for one in told]
    assert [value["sequence_number"] for value in values] == [sequence, sequence + 1]
    assert values[0]["error"]["type"] == values[1]["response"]["error"]["code"] == "server_error"


@pytest.mark.parametrize(
    ("value", "text", "arguments"),
    [
        ({"choices": [{"delta": {"content": "Hi"}}]}, "Hi", ""),
        ({"choices": [{"text": "Hi"}]}, "Hi", ""),
        ({"choices": [{"message": {"content": "Hi"}}]}, "Hi", ""),
        (
            {"choices": [{"delta": {"tool_calls": [{"function": {"arguments": '{"a'}}]}}]},
            "",
            '{"a',
        ),
        ({"choices": [{"delta": {"tool_calls": [{"custom": {"input": "x"}}]}}]}, "", "x"),
        ({"choices": [{"delta": {"function_call": {"arguments": "{}"}}}]}, "", "{}"),
        ({"type": "response.output_text.delta", "delta": "Hi"}, "Hi", ""),
        ({"type": "response.function_call_arguments.delta", "delta": "{"}, "", "{"),
        ({"type": "response.custom_tool_call_input.delta", "delta": "x"}, "", "x"),
        ({"type": "response.reasoning_text.delta", "delta": "x"}, "", ""),
        ({"output": [{"content": [{"text": "Hi"}]}, {"arguments": "{}"}]}, "Hi", "{}"),
        ([1], "", ""),
    ],
)
def test_what_is_said(value: object, text: str, arguments: str) -> None:
    assert OPENAI.event_text(event(value)) == text
    assert OPENAI.tool_arguments(event(value)) == arguments


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"choices": [], "usage": {"total_tokens": 3}}, True),
        ({"choices": [{"delta": {"content": ""}}], "usage": {"total_tokens": 3}}, True),
        ({"choices": [{"delta": {"content": "Hi"}}], "usage": {"total_tokens": 3}}, False),
        (
            {"choices": [{"delta": {"content": "Hi"}, "finish_reason": "stop"}], "usage": {"a": 1}},
            True,
        ),
        ({"choices": [], "usage": None}, False),
        ({"type": "response.completed", "response": {"usage": {"a": 1}}}, True),
        ({"type": "response.created", "response": {"usage": None}}, False),
        ({}, False),
    ],
)
def test_the_final_count(value: object, expected: bool) -> None:  # noqa: FBT001  # expected
    assert OPENAI.has_usage(event(value)) is expected


def test_pieces_that_are_no_events_say_nothing() -> None:
    ping = Event(b": ping\n\n")
    assert (OPENAI.event_text(ping), OPENAI.tool_arguments(ping), OPENAI.has_usage(ping)) == (
        "",
        "",
        False,
    )
