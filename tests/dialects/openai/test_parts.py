from __future__ import annotations

import pytest

from llmreplay.core.dialect import Json, Part, PartKind
from llmreplay.dialects.openai.parts import content_parts, tool_call
from tests.dialects.wire import image, other, said, thought, tool

HELLO = "aGVsbG8="


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("bare text", said("bare text")),
        ({"type": "text", "text": "hi"}, said("hi")),
        ({"type": "input_text", "text": "hi"}, said("hi")),
        ({"type": "output_text", "text": "hi", "annotations": []}, said("hi")),
        ({"type": "refusal", "refusal": "no"}, said("no")),
        (
            {"type": "text", "text": {"value": "in a thread", "annotations": []}},
            said("in a thread"),
        ),
        ({"type": "reasoning_text", "text": "hm"}, thought("hm")),
        (
            {"type": "thinking", "thinking": [{"type": "text", "text": "h"}, {"text": "m"}]},
            thought("hm"),
        ),
        ({"type": "thinking", "thinking": "hm"}, thought("hm")),
        (
            {"type": "image_url", "image_url": {"url": "https://x/a.png"}},
            image("image, https://x/a.png"),
        ),
        (
            {"type": "image_url", "image_url": f"data:image/png;base64,{HELLO}"},
            image("image/png, 5 B"),
        ),
        ({"type": "input_image", "file_id": "file-1"}, image("image, file-1")),
        (
            {"type": "input_audio", "input_audio": {"data": HELLO, "format": "mp3"}},
            Part(PartKind.AUDIO, "audio/mp3, 5 B"),
        ),
        ({"type": "input_audio"}, Part(PartKind.AUDIO, "audio/wav")),
        ({"type": "file", "file": {"file_id": "file-1"}}, Part(PartKind.FILE, "file, file-1")),
        (
            {"type": "input_file", "file_url": "https://x/a"},
            Part(PartKind.FILE, "file, https://x/a"),
        ),
        ({"type": "file", "file": {"filename": "a.pdf"}}, Part(PartKind.FILE, "file, a.pdf")),
        (
            {
                "type": "file",
                "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{HELLO}"},
            },
            Part(PartKind.FILE, "a.pdf (application/pdf, 5 B)"),
        ),
        ({"type": "input_file", "file_data": HELLO}, Part(PartKind.FILE, "file, 5 B")),
        (
            {"type": "document_url", "document_url": "https://x/a.pdf"},
            Part(PartKind.FILE, "document, https://x/a.pdf"),
        ),
        (
            {"type": "video_url", "video_url": {"url": "https://x/a.mp4"}},
            Part(PartKind.FILE, "video, https://x/a.mp4"),
        ),
        (
            {"type": "reference", "reference_ids": [1]},
            other('{"type": "reference", "reference_ids": [1]}'),
        ),
        (7, other("{}")),
    ],
)
def test_each_kind_of_part_is_told_as_a_person_sees_it(part: Json, expected: Part) -> None:
    assert content_parts([part]) == (expected,)


def test_content_may_be_a_string_empty_or_missing() -> None:
    assert content_parts("hi") == (said("hi"),)
    assert content_parts("") == content_parts(None) == content_parts([{"type": "text"}]) == ()


def test_a_tool_call_is_told_by_name_and_arguments() -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": "[1]"}}
    assert tool_call(call) == tool("add", "[1]")
    assert tool_call({"function": {"name": "add", "arguments": {"a": 1}}}) == tool(
        "add", '{"a": 1}'
    )
    assert tool_call({"custom": {"name": "sql", "input": "SELECT"}}) == tool("sql", "SELECT")
    assert tool_call({"name": "old", "arguments": "{}"}) == tool("old", "{}")
    assert tool_call(None) == tool(None, "")
