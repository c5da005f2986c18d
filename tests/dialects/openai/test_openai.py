"""The dialect as a whole: what is left when routes, chat, responses and objects are told."""

from __future__ import annotations

import httpx2
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmreplay.core.canonical import MatchSettings, canonical
from llmreplay.core.dialect import Json, Part, PartKind, Turn
from llmreplay.core.exchange import Request, Response
from llmreplay.core.fingerprint import fingerprint
from llmreplay.core.streams import Event
from llmreplay.dialects.openai import OPENAI
from tests.dialects.wire import answer, event, other, raw, said

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(
                [
                    "messages",
                    "input",
                    "content",
                    "type",
                    "role",
                    "tool_calls",
                    "function",
                    "arguments",
                    "choices",
                    "delta",
                    "data",
                    "output",
                    "error",
                    "text",
                ]
            ),
            inner
            | st.sampled_from(["message", "response", "function_call", "reasoning", "thinking"]),
        )
    ),
    max_leaves=12,
)


@given(ANY_JSON)
def test_no_request_and_no_response_can_make_it_fail(value: Json) -> None:
    OPENAI.conversation(value)
    OPENAI.model("/v1/chat/completions", value)
    OPENAI.simplify("/v1/chat/completions", value)
    OPENAI.simplify("/v1/responses", value)
    OPENAI.reply(answer(value))
    OPENAI.reply(answer(value, 500))
    OPENAI.ends_stream(event(value))


# Conversations outside of chat and responses


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"prompt": "Once"}, [Turn("user", (said("Once"),), "$.prompt")]),
        (
            {"prompt": ["a", "b"]},
            [Turn("user", (said("a"),), "$.prompt[0]"), Turn("user", (said("b"),), "$.prompt[1]")],
        ),
        ({"prompt": {"id": "pmpt_1"}}, [Turn("system", (other('{"id": "pmpt_1"}'),), "$.prompt")]),
        ({"input": [1, 2, 3]}, [Turn("user", (other("3 tokens"),), "$.input")]),
        (
            {"input": [[1], [2, 3]]},
            [
                Turn("user", (other("1 tokens"),), "$.input[0]"),
                Turn("user", (other("2 tokens"),), "$.input[1]"),
            ],
        ),
        ({"input": [{"type": "text", "text": "bad?"}]}, [Turn("user", (said("bad?"),), "$.input")]),
        (
            {"input": "Say it", "instructions": "slowly"},
            [
                Turn("system", (said("slowly"),), "$.instructions"),
                Turn("user", (said("Say it"),), "$.input"),
            ],
        ),
        (
            {"items": [{"role": "user", "content": "hi"}]},
            [Turn("user", (said("hi"),), "$.items[0]")],
        ),
        ({"role": "user", "content": "hi"}, [Turn("user", (said("hi"),), "$")]),
        (
            {"thread": {"messages": [{"role": "user", "content": "hi"}]}},
            [Turn("user", (said("hi"),), "$.thread.messages[0]")],
        ),
        (
            {"additional_messages": [{"role": "user", "content": "hi"}]},
            [Turn("user", (said("hi"),), "$.additional_messages[0]")],
        ),
        (
            {"tool_outputs": [{"tool_call_id": "c", "output": "2"}]},
            [Turn("tool", (Part(PartKind.TOOL_RESULT, "2"),), "$.tool_outputs[0]")],
        ),
        ({"input": ""}, []),
        ({"training_file": "file-1"}, []),
        (None, []),
    ],
)
def test_what_other_requests_ask(body: Json, expected: list[Turn]) -> None:
    assert OPENAI.conversation(body) == tuple(expected)
    if isinstance(body, dict) and expected:
        assert OPENAI.conversation_keys & body.keys()


# The end of a stream


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (event("[DONE]"), True),
        (event({"type": "response.completed"}, "response.completed"), True),
        (event({"type": "response.failed"}, "response.failed"), True),
        (event({"type": "response.incomplete"}, "response.incomplete"), True),
        (event({"type": "response.completed"}), True),
        (event({"type": "transcript.text.done"}), True),
        (event({"error": {"message": "overloaded"}}), True),
        (event({"type": "error", "message": "sorry"}, "error"), True),
        (event({"type": "response.output_text.done"}, "response.output_text.done"), False),
        (event({"type": "response.output_text.done"}), False),
        (event({"choices": [{"delta": {"content": '"response.completed"'}}]}), False),
        (event({"choices": [], "error": None}), False),
        (event('{"error": broken'), False),
        (event({"choices": []}), False),
        (Event(b": comment\n\n"), False),
    ],
)
def test_the_last_event_that_a_client_waits_for(one: Event, expected: bool) -> None:  # noqa: FBT001  # a parameter
    assert OPENAI.ends_stream(one) is expected


# Errors, as the real SDK sees them


def client(status: int, body: Json, headers: dict[str, str] | None = None) -> openai.OpenAI:
    """An SDK whose every request gets this answer."""

    def play(_request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(status, json=body, headers=headers)

    return openai.OpenAI(
        api_key="k", max_retries=0, http_client=httpx2.Client(transport=httpx2.MockTransport(play))
    )


@pytest.mark.parametrize(
    ("status", "kind", "expected"),
    [
        (470, openai.APIStatusError, "invalid_request_error"),
        (400, openai.BadRequestError, "invalid_request_error"),
        (401, openai.AuthenticationError, "invalid_request_error"),
        (429, openai.RateLimitError, "requests"),
        (500, openai.InternalServerError, "server_error"),
        (503, openai.InternalServerError, "server_error"),
    ],
)
def test_the_sdk_shows_the_message(
    status: int, kind: type[openai.APIStatusError], expected: str
) -> None:
    body = OPENAI.error_body(status, "no recording:\nturn 3 differs", "no_recording")
    with pytest.raises(kind) as raised:
        client(status, body).chat.completions.create(model="m", messages=[])
    assert str(raised.value) == f"Error code: {status} - no recording:\nturn 3 differs"
    assert (raised.value.code, raised.value.type) == ("no_recording", expected)


def test_used_up_credit_has_a_type_of_its_own() -> None:
    body = OPENAI.error_body(429, "no credit", "insufficient_quota")
    assert body["error"]["type"] == body["error"]["code"] == "insufficient_quota"


def test_the_sdk_waits_the_least_that_it_can() -> None:
    with openai.OpenAI(api_key="k") as sdk:
        wait = sdk._calculate_retry_timeout(
            2,
            openai._models.FinalRequestOptions(method="post", url="/"),
            httpx2.Headers(dict(OPENAI.least_wait)),
        )
    assert wait == 0.001


# What is equal, through the canonical form


def found(body: bytes) -> bytes:
    request = Request("POST", "https://api.openai.com/v1/chat/completions", (), body)
    return fingerprint(canonical(request, OPENAI, MatchSettings()))


def test_ids_count_up_to_renaming_but_not_in_arguments() -> None:
    def called(call_id: str, arguments: str) -> bytes:
        return (
            b'{"messages":[{"role":"assistant","tool_calls":[{"id":"%(id)s","function":'
            b'{"name":"get","arguments":"%(args)s"}}]},'
            b'{"role":"tool","tool_call_id":"%(id)s","content":"x"}]}'
        ) % {b"id": call_id.encode(), b"args": arguments.encode()}

    ask_42 = r"{\"id\":\"42\"}"
    assert found(called("call_a", ask_42)) == found(called("call_b", ask_42))
    assert found(called("call_a", ask_42)) != found(called("call_a", r"{\"id\":\"43\"}"))


@pytest.mark.parametrize(
    ("one", "same"),
    [
        (b'{"user":"a","model":"m"}', b'{"model":"m"}'),
        (b'{"prompt_cache_key":"a","safety_identifier":"b","model":"m"}', b'{"model":"m"}'),
        (
            b'{"input":[{"type":"reasoning","encrypted_content":"a"},{}]}',
            b'{"input":[{"type":"reasoning","encrypted_content":"b"},{}]}',
        ),
        (
            b'{"messages":[{"reasoning_details":[{"data":"a","signature":"a"}]}]}',
            b'{"messages":[{"reasoning_details":[{"data":"b","signature":"b"}]}]}',
        ),
    ],
)
def test_volatile_fields_do_not_count(one: bytes, same: bytes) -> None:
    assert found(one) == found(same)


def test_a_204_says_nothing() -> None:
    assert OPENAI.reply(Response(204)).parts == ()
    assert OPENAI.reply(raw(b"", "application/json", 500)).error is None
