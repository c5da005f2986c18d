"""How Anthropic fails, and where in a stream a meaning stands."""

from __future__ import annotations

import orjson
import pytest

from llmreplay.core.failure import Allowance, Failure, Problem, Trouble
from llmreplay.core.streams import Event, Framing
from llmreplay.dialects.anthropic import ANTHROPIC

IDENTITY = "0123456789abcdef" * 2
REQUEST_ID = "req_0123456789abcdef01234567"


def failed(problem: Problem, **more: object) -> Failure:
    trouble = Trouble(problem, "/v1/messages", "claude", IDENTITY, **more)  # type: ignore[arg-type]  # fields
    return ANTHROPIC.failures.answer(trouble)


def event(value: object) -> Event:
    data = orjson.dumps(value)
    return Event(b"data: " + data + b"\n\n", data)


@pytest.mark.parametrize(
    ("problem", "status", "kind"),
    [
        (Problem.RATE_LIMIT, 429, "rate_limit_error"),
        (Problem.QUOTA, 402, "billing_error"),
        (Problem.OVERLOADED, 529, "overloaded_error"),
        (Problem.SERVER_ERROR, 500, "api_error"),
        (Problem.UNAVAILABLE, 503, "api_error"),
        (Problem.GATEWAY_TIMEOUT, 504, "timeout_error"),
        (Problem.AUTH, 401, "authentication_error"),
        (Problem.FORBIDDEN, 403, "permission_error"),
        (Problem.NOT_FOUND, 404, "not_found_error"),
        (Problem.BAD_REQUEST, 400, "invalid_request_error"),
        (Problem.CONTEXT_LENGTH, 400, "invalid_request_error"),
        (Problem.CONTENT_FILTER, 400, "invalid_request_error"),
    ],
)
def test_presets(problem: Problem, status: int, kind: str) -> None:
    failure = failed(problem)
    told = orjson.loads(failure.body)
    assert (failure.status, told["type"], told["error"]["type"]) == (status, "error", kind)
    assert "{" not in told["error"]["message"]
    assert told["request_id"] == dict(failure.headers)["request-id"] == REQUEST_ID


def test_a_gateway_answers_with_a_page_unless_something_is_to_be_said() -> None:
    failure = failed(Problem.BAD_GATEWAY)
    assert (failure.status, failure.body[:6]) == (502, b"<html>")
    assert (
        orjson.loads(failed(Problem.BAD_GATEWAY, message="Oh.").body)["error"]["message"] == "Oh."
    )


def test_a_rate_limit_is_consistent() -> None:
    headers = dict(failed(Problem.RATE_LIMIT, epoch_s=1_800_000_000.2, wait_ms=2500).headers)
    assert headers["retry-after"] == "3"
    assert headers["anthropic-ratelimit-requests-limit"] == "50"
    assert headers["anthropic-ratelimit-requests-remaining"] == "0"
    assert headers["anthropic-ratelimit-requests-reset"] == "2027-01-15T08:00:03Z"


def test_a_rate_limit_of_tokens() -> None:
    left = (Allowance("requests", 9, 8, 500), Allowance("tokens", 30_000, 0, 500))
    failure = failed(Problem.RATE_LIMIT, allowances=left)
    assert b"rate limit of 30000 tokens per minute" in failure.body
    assert dict(failure.headers)["anthropic-ratelimit-requests-remaining"] == "8"


def test_waiting_where_it_is_asked_for() -> None:
    assert "retry-after" not in dict(failed(Problem.OVERLOADED).headers)
    assert dict(failed(Problem.OVERLOADED, wait_ms=500).headers)["retry-after"] == "1"


def test_errors_in_a_stream() -> None:
    trouble = Trouble(Problem.OVERLOADED)
    (told,) = ANTHROPIC.failures.in_stream(trouble, Framing.SSE, None)
    assert told.name == "error"
    assert told.data == (
        b'{"type":"error","error":{"details":null,"type":"overloaded_error","message":"Overloaded"}}'
    )


@pytest.mark.parametrize(
    ("value", "text", "arguments"),
    [
        ({"type": "content_block_delta", "delta": {"type": "text_delta", "text": "Hi"}}, "Hi", ""),
        ({"type": "content_block_delta", "delta": {"partial_json": '{"a'}}, "", '{"a'),
        ({"type": "content_block_delta", "delta": {"thinking": "x"}}, "", ""),
        ({"type": "completion", "completion": "Hi"}, "Hi", ""),
        (
            {"type": "message", "content": [{"text": "Hi"}, {"input": {"a": 1}}, {"input": {}}]},
            "Hi",
            '{"a":1}',
        ),
        (None, "", ""),
    ],
)
def test_what_is_said(value: object, text: str, arguments: str) -> None:
    assert ANTHROPIC.event_text(event(value)) == text
    assert ANTHROPIC.tool_arguments(event(value)) == arguments


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"type": "message_delta", "usage": {"output_tokens": 3}}, True),
        ({"type": "message_delta", "delta": {}}, False),
        ({"type": "message_start", "message": {"usage": {"input_tokens": 3}}}, False),
    ],
)
def test_the_final_count(value: object, expected: bool) -> None:  # noqa: FBT001  # expected
    assert ANTHROPIC.has_usage(event(value)) is expected


def test_pieces_that_are_no_events_say_nothing() -> None:
    assert ANTHROPIC.event_text(Event(b": ping\n\n")) == ""
