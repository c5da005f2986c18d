from __future__ import annotations

import pytest

from llmreplay.core.dialect import Json, Part, PartKind, Reply, Turn, Usage
from llmreplay.dialects.openai import OPENAI
from tests.dialects.wire import answer, image, other, said, stream, thought, tool

MESSAGE = {
    "type": "message",
    "role": "assistant",
    "content": [{"type": "output_text", "text": "Hello", "annotations": []}],
}
CALL = {"type": "function_call", "call_id": "call_1", "name": "add", "arguments": '{"x":1}'}


def response(*output: Json, status: str = "completed", **more: Json) -> Json:
    return {"object": "response", "model": "gpt-5", "status": status, "output": output, **more}


def ended(kind: str, whole: Json) -> Json:
    return {"type": f"response.{kind}", "response": whole}


def delta(kind: str, text: str, index: int = 0) -> Json:
    return {"type": f"response.{kind}.delta", "output_index": index, "delta": text}


def item(kind: str, value: Json, index: int = 0) -> Json:
    return {"type": f"response.output_item.{kind}", "output_index": index, "item": value}


# Conversations


def test_input_items_are_turns_and_outputs_carry_their_tools_name() -> None:
    assert OPENAI.conversation(
        {
            "instructions": "be brief",
            "input": [
                {"role": "developer", "content": "no jokes"},
                {
                    "type": "message",
                    "role": "user",
                    "content": [{"type": "input_text", "text": "?"}],
                },
                {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
                {"type": "reasoning", "summary": [], "encrypted_content": "x"},
                CALL,
                {"type": "function_call_output", "call_id": "call_1", "output": "2"},
                {"type": "item_reference", "id": "msg_1"},
                {"type": "mcp_approval_response", "approve": True},
            ],
        }
    ) == (
        Turn("system", (said("be brief"),), "$.instructions"),
        Turn("system", (said("no jokes"),), "$.input[0]"),
        Turn("user", (said("?"),), "$.input[1]"),
        Turn("assistant", (thought("hm"),), "$.input[2]"),
        Turn("assistant", (thought("(encrypted)"),), "$.input[3]"),
        Turn("assistant", (tool("add", '{"x":1}'),), "$.input[4]"),
        Turn("tool", (Part(PartKind.TOOL_RESULT, "2", "add"),), "$.input[5]"),
        Turn("user", (other('{"type": "item_reference", "id": "msg_1"}'),), "$.input[6]"),
        Turn("user", (other('{"type": "mcp_approval_response", "approve": true}'),), "$.input[7]"),
    )


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"type": "custom_tool_call", "name": "sql", "input": "SELECT"}, tool("sql", "SELECT")),
        (
            {"type": "web_search_call", "action": {"query": "x"}},
            tool("web_search", '{"query": "x"}'),
        ),
        ({"type": "file_search_call", "queries": ["x"]}, tool("file_search", '["x"]')),
        ({"type": "code_interpreter_call", "code": "1+1"}, tool("code_interpreter", "1+1")),
        ({"type": "computer_call"}, tool("computer", "")),
        ({"type": "image_generation_call", "result": "aGVsbG8="}, image("image, 5 B")),
        (
            {"type": "custom_tool_call_output", "output": [{"type": "input_text", "text": "2"}]},
            Part(PartKind.TOOL_RESULT, "2"),
        ),
        (
            {"type": "function_call_output", "output": [{"type": "input_image", "image_url": "u"}]},
            image("image, u"),
        ),
        (
            {"type": "computer_call_output", "output": {"type": "computer_screenshot"}},
            Part(PartKind.TOOL_RESULT, '{"type": "computer_screenshot"}'),
        ),
        ({"type": "function_call_output", "output": ""}, Part(PartKind.TOOL_RESULT, "")),
        ({"type": "shell_call_output"}, Part(PartKind.TOOL_RESULT, "")),
    ],
)
def test_items_of_all_tools(told: Json, expected: Part) -> None:
    (turn,) = OPENAI.conversation({"input": [told]})
    assert turn.parts == (expected,)


# Replies


def test_a_whole_response() -> None:
    body = response(
        {"type": "reasoning", "summary": []},
        MESSAGE,
        CALL,
        usage={"input_tokens": 3, "output_tokens": 5},
        error=None,
    )
    assert OPENAI.reply(answer(body)) == Reply(
        (said("Hello"), tool("add", '{"x":1}')), "gpt-5", "completed", Usage(3, 5)
    )


def test_an_incomplete_response_says_why() -> None:
    body = response(status="incomplete", incomplete_details={"reason": "max_output_tokens"})
    assert OPENAI.reply(answer(body)).finish == "incomplete: max_output_tokens"


def test_a_stream_ends_with_the_whole_response() -> None:
    played = stream(
        ended("created", response(status="in_progress")),
        delta("output_text", "Hell"),
        delta("output_text", "o"),
        ended("completed", response(MESSAGE)),
        names=True,
    )
    assert OPENAI.reply(played) == Reply((said("Hello"),), "gpt-5", "completed")


def test_a_stream_without_names_ends_with_done() -> None:
    played = stream(delta("output_text", "Hello"), ended("completed", response(MESSAGE)), "[DONE]")
    assert OPENAI.reply(played).parts == (said("Hello"),)


def test_a_stream_that_was_cut_is_put_together_from_items_and_deltas() -> None:
    played = stream(
        ended("created", response(status="in_progress")),
        item("added", {"type": "reasoning", "summary": []}, 0),
        delta("reasoning_summary_text", "h", 0),
        delta("reasoning_summary_text", "m", 0),
        item("added", {"type": "message", "content": []}, 1),
        delta("output_text", "Hell", 1),
        delta("output_text", "o", 1),
        item("added", {"type": "function_call", "name": "add", "arguments": ""}, 2),
        delta("function_call_arguments", '{"x":', 2),
        names=True,
    )
    assert OPENAI.reply(played) == Reply(
        (thought("hm"), said("Hello"), tool("add", '{"x":')), "gpt-5", "in_progress"
    )


def test_a_finished_item_counts_more_than_its_deltas() -> None:
    played = stream(delta("output_text", "Hell"), item("done", MESSAGE), names=True)
    assert OPENAI.reply(played).parts == (said("Hello"),)


def test_deltas_of_an_item_that_was_never_announced() -> None:
    played = stream(
        delta("custom_tool_call_input", "SELECT"),
        delta("refusal", "No", 1),
        delta("audio", "aGVs", 2),
        delta("audio", "bG8=", 2),
        item("added", CALL, 3),
    )
    assert OPENAI.reply(played).parts == (
        tool("function", "SELECT"),
        said("No"),
        Part(PartKind.AUDIO, "audio, 5 B"),
        tool("add", '{"x":1}'),
    )


def test_an_error_event_and_a_failed_response() -> None:
    error = {"type": "error", "code": "server_error", "message": "sorry", "sequence_number": 3}
    failure = {"code": "rate_limit_exceeded", "message": "slow down"}
    assert OPENAI.reply(stream(delta("output_text", "Hell"), error, names=True)) == Reply(
        (said("Hell"),), error="server_error: sorry"
    )
    played = stream(ended("failed", response(status="failed", error=failure)), names=True)
    assert OPENAI.reply(played) == Reply(
        (), "gpt-5", "failed", error="rate_limit_exceeded: slow down"
    )
