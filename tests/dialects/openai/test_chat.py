from __future__ import annotations

import pytest

from llmreplay.core.dialect import Json, Part, PartKind, Reply, Turn, Usage
from llmreplay.dialects.openai import OPENAI
from tests.dialects.wire import answer, image, said, stream, thought, tool

AUDIO = "aGVsbG8="


def turns(*messages: Json) -> tuple[Turn, ...]:
    return OPENAI.conversation({"messages": list(messages)})


def chunk(delta: Json = None, index: int = 0, **more: Json) -> Json:
    return {
        "object": "chat.completion.chunk",
        "choices": [{"index": index, "delta": delta, **more}],
    }


def calls(*deltas: Json) -> Json:
    return chunk({"tool_calls": list(deltas)})


# Conversations


def test_a_conversation_is_its_messages_with_tool_results_under_their_tools_name() -> None:
    assert turns(
        {"role": "developer", "content": "be brief"},
        {"role": "user", "content": [{"type": "text", "text": "weather?"}]},
        {
            "role": "assistant",
            "content": None,
            "reasoning_content": "hm",
            "tool_calls": [
                {"id": "call_1", "function": {"name": "weather", "arguments": '{"city":"Paris"}'}}
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "rain"},
        {"role": "tool", "tool_call_id": "call_9", "content": ""},
        {"role": "function", "name": "old", "content": "42"},
        {"content": "who?"},
        "broken",
    ) == (
        Turn("system", (said("be brief"),), "$.messages[0]"),
        Turn("user", (said("weather?"),), "$.messages[1]"),
        Turn("assistant", (thought("hm"), tool("weather", '{"city":"Paris"}')), "$.messages[2]"),
        Turn("tool", (Part(PartKind.TOOL_RESULT, "rain", "weather"),), "$.messages[3]"),
        Turn("tool", (Part(PartKind.TOOL_RESULT, "", None),), "$.messages[4]"),
        Turn("tool", (Part(PartKind.TOOL_RESULT, "42", "old"),), "$.messages[5]"),
        Turn("user", (said("who?"),), "$.messages[6]"),
        Turn("user", (), "$.messages[7]"),
    )


def test_legacy_function_calls_refusals_and_sound_are_parts_of_a_message() -> None:
    message = {
        "role": "assistant",
        "refusal": "no",
        "audio": {"id": "audio_1", "data": AUDIO, "transcript": "spoken"},
        "function_call": {"name": "add", "arguments": "{}"},
    }
    assert turns(message)[0].parts == (
        said("no"),
        said("spoken"),
        Part(PartKind.AUDIO, "audio, 5 B"),
        tool("add", "{}"),
    )


# Replies


def test_a_whole_completion() -> None:
    body = {
        "object": "chat.completion",
        "model": "gpt-4o-2024",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": "one moment",
                    "tool_calls": [{"id": "c", "function": {"name": "add", "arguments": "{}"}}],
                },
                "finish_reason": "tool_calls",
            }
        ],
        "usage": {"prompt_tokens": 3, "completion_tokens": 5},
    }
    assert OPENAI.reply(answer(body)) == Reply(
        (said("one moment"), tool("add", "{}")), "gpt-4o-2024", "tool_calls", Usage(3, 5)
    )


def test_a_stream_is_put_together() -> None:
    response = stream(
        {"choices": [], "prompt_filter_results": []},  # Azure's first
        chunk({"role": "assistant", "content": ""}) | {"model": "m"},
        chunk({"reasoning_content": "h"}),
        chunk({"reasoning_content": "m"}),
        chunk({"content": "Hell"}),
        chunk({"content": "o"}),
        chunk({}, finish_reason="stop"),
        {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 5}},
        "[DONE]",
    )
    assert OPENAI.reply(response) == Reply((thought("hm"), said("Hello")), "m", "stop", Usage(3, 5))


def test_tool_calls_are_put_together_by_index() -> None:
    response = stream(
        calls({"index": 0, "id": "a", "function": {"name": "add", "arguments": ""}}),
        calls({"index": 0, "function": {"arguments": '{"x"'}}),
        calls({"index": 1, "id": "b", "function": {"name": "sub", "arguments": '{"y"'}}),
        calls({"index": 1, "function": {"arguments": ":2}"}}),
        calls({"index": 0, "function": {"arguments": ":1}"}}),
    )
    assert OPENAI.reply(response).parts == (tool("add", '{"x":1}'), tool("sub", '{"y":2}'))


def test_calls_that_share_an_index_are_told_apart_by_their_ids() -> None:
    response = stream(
        calls({"index": 0, "id": "a", "function": {"name": "add", "arguments": "{}"}}),
        calls({"index": 0, "id": "b", "function": {"name": "add", "arguments": "[]"}}),
    )
    assert OPENAI.reply(response).parts == (tool("add", "{}"), tool("add", "[]"))


def test_calls_without_an_index_and_with_arguments_as_a_value() -> None:
    message = {"tool_calls": [{"function": {"name": "a", "arguments": {"x": 1}}}, "broken"]}
    body = {"choices": [{"message": message}]}
    assert OPENAI.reply(answer(body)).parts == (tool("a", '{"x": 1}'), tool(None, ""))


def test_a_legacy_function_call_is_a_tool_call() -> None:
    response = stream(
        chunk({"function_call": {"name": "add", "arguments": ""}}),
        chunk({"function_call": {"arguments": "{}"}}),
    )
    assert OPENAI.reply(response).parts == (tool("add", "{}"),)


def test_a_function_call_with_nothing_in_it_is_none() -> None:
    message = {"content": "4", "function_call": {"arguments": "", "name": ""}}
    assert OPENAI.reply(answer({"choices": [{"message": message}]})).parts == (said("4"),)


def test_custom_tool_calls() -> None:
    response = stream(
        calls({"index": 0, "id": "a", "custom": {"name": "sql", "input": "SELECT"}}),
        calls({"index": 0, "custom": {"input": " 1"}}),
    )
    assert OPENAI.reply(response).parts == (tool("sql", "SELECT 1"),)


def test_pictures_sound_and_refusals_in_answers() -> None:
    response = stream(
        chunk({"images": [{"image_url": {"url": f"data:image/png;base64,{AUDIO}"}}]}),
        chunk({"audio": {"transcript": "spo"}}),
        chunk({"audio": {"transcript": "ken"}}),
        chunk({"audio": {"data": "aGVs"}}),
        chunk({"audio": {"data": "bG8="}}),
        chunk({"refusal": ". No"}),
    )
    assert OPENAI.reply(response).parts == (
        said("spoken. No"),
        image("image/png, 5 B"),
        Part(PartKind.AUDIO, "audio, 5 B"),
    )


def test_content_in_parts() -> None:
    parts = [{"type": "thinking", "thinking": [{"text": "hm"}]}, {"type": "text", "text": "hi"}]
    body = {"choices": [{"message": {"content": parts}}]}
    assert OPENAI.reply(answer(body)).parts == (thought("hm"), said("hi"))


def test_choices_are_told_one_after_the_other() -> None:
    response = stream(
        chunk({"content": "b1"}, index=1),
        chunk({"content": "a"}),
        chunk({"content": "b2"}, index=1),
    )
    assert OPENAI.reply(response).parts == (said("a"), said("b1b2"))


def test_legacy_completions() -> None:
    response = stream(
        {"object": "text_completion", "choices": [{"index": 0, "text": "Once"}]},
        {"object": "text_completion", "choices": [{"index": 0, "text": " upon"}]},
    )
    assert OPENAI.reply(response).parts == (said("Once upon"),)


@pytest.mark.parametrize("whole", [True, False])
def test_perplexity_tells_messages_and_deltas_at_once(whole: bool) -> None:  # noqa: FBT001  # a parameter
    if whole:
        choice = {"message": {"content": "hi"}, "delta": {"content": ""}}
        response = answer({"choices": [choice]})
    else:
        response = stream(
            {"choices": [{"message": {"content": "h"}, "delta": {"content": "h"}}]},
            {"choices": [{"message": {"content": "hi"}, "delta": {"content": "i"}}]},
        )
    assert OPENAI.reply(response).parts == (said("hi"),)


def test_usage_where_groq_puts_it() -> None:
    response = stream(
        chunk({"content": "hi"}),
        chunk({}) | {"x_groq": {"usage": {"prompt_tokens": 1, "completion_tokens": 2}}},
    )
    assert OPENAI.reply(response).usage == Usage(1, 2)


def test_an_error_in_mid_stream_stands_beside_what_was_said() -> None:
    response = stream(
        chunk({"content": "Hell"}), {"error": {"message": "overloaded", "code": "503"}}
    )
    assert OPENAI.reply(response) == Reply((said("Hell"),), error="503: overloaded")


def test_an_error_in_a_choice() -> None:
    response = stream(chunk({"content": ""}, error={"message": "gone", "code": 502}))
    assert OPENAI.reply(response) == Reply(error="gone")
