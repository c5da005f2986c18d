from __future__ import annotations

import pytest

from llmreplay.core.dialect import Json, Part, PartKind, Reply, Usage
from llmreplay.dialects.openai import OPENAI
from tests.dialects.wire import answer, image, ndjson, other, raw, said, stream, tool

PICTURE = "aGVsbG8="


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"data": [{"embedding": [0.1, 0.2]}]}, other("1 embedding of 2 numbers")),
        (
            {"data": [{"embedding": [0.1]}, {"embedding": [0.2]}]},
            other("2 embeddings of 1 numbers"),
        ),
        ({"data": [{"embedding": PICTURE}]}, other("1 embedding of 5 B")),
        ({"data": [{"b64_json": PICTURE}]}, image("image, 5 B")),
        ({"data": [{"url": "https://x/a.png"}]}, image("image, https://x/a.png")),
        ({"text": "Hello."}, said("Hello.")),
        ({"results": [{"flagged": False, "categories": {"hate": False}}]}, other("not flagged")),
        (
            {"results": [{"flagged": True, "categories": {"hate": True, "self-harm": False}}]},
            other("flagged: hate"),
        ),
        (
            {"object": "list", "data": [{"id": "gpt-4o", "object": "model"}]},
            other("list of 1: model"),
        ),
        ({"object": "list", "data": [{"id": "x"}]}, other("list of 1: item")),
        (
            {
                "object": "list",
                "data": [{"type": "message", "content": [{"type": "output_text", "text": "hi"}]}],
            },
            said("hi"),
        ),
        (
            {
                "object": "list",
                "data": [
                    {
                        "object": "thread.message",
                        "content": [{"type": "text", "text": {"value": "hi"}}],
                    }
                ],
            },
            said("hi"),
        ),
        ({"object": "list", "data": []}, other('{"object": "list", "data": []}')),
        ({"object": "list", "data": ["broken"]}, other('{"object": "list", "data": ["broken"]}')),
        ({"object": "file", "id": "file-1", "status": "processed"}, other("file file-1")),
        ({"object": "file", "id": "file-1", "deleted": True}, other("file file-1 deleted")),
        (
            {
                "object": "thread.message",
                "id": "msg_1",
                "content": [{"type": "text", "text": {"value": "hi"}}],
            },
            said("hi"),
        ),
        (
            {
                "object": "thread.run",
                "id": "run_1",
                "required_action": {
                    "submit_tool_outputs": {
                        "tool_calls": [{"function": {"name": "add", "arguments": "{}"}}]
                    }
                },
            },
            tool("add", "{}"),
        ),
        (
            {"object": "response.input_tokens", "input_tokens": 7},
            other('{"object": "response.input_tokens", "input_tokens": 7}'),
        ),
        ([1, 2], other("[1, 2]")),
        ({"results": ["broken", {"index": 1}]}, other('{"results": ["broken", {"index": 1}]}')),
    ],
)
def test_answers_that_are_no_conversation_are_told_in_a_few_words(
    body: Json, expected: Part
) -> None:
    assert OPENAI.reply(answer(body)).parts == (expected,)


def test_usage_model_and_status_are_found_where_they_are() -> None:
    body = {
        "data": [{"embedding": [0.1]}],
        "model": "e-3",
        "status": "ok",
        "usage": {"prompt_tokens": 5, "total_tokens": 5},
    }
    assert OPENAI.reply(answer(body)) == Reply(
        (other("1 embedding of 1 numbers"),), "e-3", "ok", Usage(5, None)
    )


def test_a_failure_has_an_error_and_no_parts() -> None:
    error = {"error": {"message": "no such model", "code": "model_not_found"}}
    assert OPENAI.reply(answer(error, 404)) == Reply(error="model_not_found: no such model")
    assert OPENAI.reply(raw(b"Bad Gateway", "text/html", 502)) == Reply(error="Bad Gateway")


def test_audio_and_captions_are_told() -> None:
    assert OPENAI.reply(raw(b"\xff" * 2000, "audio/mpeg")).parts == (
        Part(PartKind.AUDIO, "audio/mpeg, 2 kB"),
    )
    assert OPENAI.reply(raw(b"1\n00:00", "text/plain")).parts == (said("1\n00:00"),)


# Streams


def test_a_thread_that_runs() -> None:
    action = {
        "submit_tool_outputs": {"tool_calls": [{"function": {"name": "a", "arguments": "{}"}}]}
    }
    played = stream(
        {"object": "thread.run", "model": "gpt-4o", "status": "queued", "usage": None},
        {
            "object": "thread.message.delta",
            "delta": {"content": [{"type": "text", "text": {"value": "Hell"}}]},
        },
        {
            "object": "thread.message.delta",
            "delta": {"content": [{"type": "text", "text": {"value": "o"}}]},
        },
        {
            "object": "thread.run",
            "status": "requires_action",
            "required_action": action,
            "usage": {"prompt_tokens": 1, "completion_tokens": 2},
        },
        "[DONE]",
    )
    assert OPENAI.reply(played) == Reply(
        (said("Hello"), tool("a", "{}")), "gpt-4o", "requires_action", Usage(1, 2)
    )


def test_a_transcript() -> None:
    played = stream(
        {"type": "transcript.text.delta", "delta": "Hell"},
        {"type": "transcript.text.delta", "delta": "o"},
        {"type": "transcript.text.done", "text": "Hello", "usage": {"input_tokens": 9}},
    )
    assert OPENAI.reply(played) == Reply((said("Hello"),), usage=Usage(9))


def test_speech() -> None:
    played = stream(
        {"type": "speech.audio.delta", "audio": "aGVs"},
        {"type": "speech.audio.delta", "audio": "bG8="},
        {"type": "speech.audio.done"},
    )
    assert OPENAI.reply(played).parts == (Part(PartKind.AUDIO, "audio, 5 B"),)


def test_a_picture_that_grows() -> None:
    played = stream(
        {"type": "image_generation.partial_image", "b64_json": "aGVs"},
        {"type": "image_generation.completed", "b64_json": PICTURE},
    )
    assert OPENAI.reply(played).parts == (image("image, 5 B"),)


def test_writers_completions() -> None:
    played = stream({"value": "Sure"}, {"value": "!"})
    assert OPENAI.reply(played).parts == (said("Sure!"),)


def test_a_file_of_lines_and_a_stream_that_only_fails() -> None:
    assert OPENAI.reply(ndjson({"custom_id": "1"}, {"custom_id": "2"})).parts == (
        other("2 JSON values"),
    )
    assert OPENAI.reply(stream({"error": {"message": "no"}})).error == "no"
