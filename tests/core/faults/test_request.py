"""What a rule can see of a request."""

from __future__ import annotations

from typing import Any

import pytest

from tests.core.faults.given import asked

MESSAGES: list[dict[str, Any]] = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": "Weather?"},
    {"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "f"}}]},
    {"role": "tool", "tool_call_id": "c", "content": "rain"},
    {"role": "assistant", "content": "Rain."},
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "Sure?"},
            {"type": "image_url", "image_url": {"url": "https://x/y.png"}},
            {"type": "text", "text": "Really?"},
        ],
    },
]


def test_model() -> None:
    assert asked().model == "gpt-4o"
    assert asked(body=None).model == ""


@pytest.mark.parametrize(
    ("path", "body", "stream"),
    [
        ("/v1/chat/completions", {"stream": True}, True),
        ("/v1/chat/completions", {"stream": False}, False),
        ("/v1/chat/completions", {}, False),
        ("/v1/chat/completions", None, False),
        ("/v1beta/models/m:streamGenerateContent", {}, True),
        ("/model/m/converse-stream", {}, True),
        ("/api/chat", {}, True),
        ("/api/chat", {"stream": False}, False),
    ],
)
def test_stream(path: str, body: object, stream: bool) -> None:  # noqa: FBT001  # expected
    assert asked(path=path, body=body).stream is stream


@pytest.mark.parametrize(("count", "turn"), [(0, 1), (2, 1), (3, 2), (4, 2), (6, 3)])
def test_the_turn_is_the_number_of_the_answer_asked_for(count: int, turn: int) -> None:
    assert asked(body={"messages": MESSAGES[:count]}).turn == turn


def test_the_text_is_that_of_the_last_user() -> None:
    assert asked(body={"messages": MESSAGES}).text == "Sure?\nReally?"
    assert asked(body={"messages": MESSAGES[:5]}).text == "Weather?"
    assert asked(body={}).text == ""
