from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmreplay.core.canonical import MatchSettings, canonical
from llmreplay.core.dialect import Json, Part, PartKind, Reply, Turn, Usage
from llmreplay.core.exchange import Request, Response
from llmreplay.core.fingerprint import fingerprint
from llmreplay.core.streams import Event
from llmreplay.dialects.plain import PLAIN
from tests.dialects.wire import (
    answer,
    event,
    image,
    ndjson,
    other,
    raw,
    said,
    stream,
    thought,
    tool,
)

HELLO = "aGVsbG8="


def result(text: str, name: str | None) -> Part:
    return Part(PartKind.TOOL_RESULT, text, name)


def test_it_recognises_everything() -> None:
    assert PLAIN.recognises("BREW", "", ())


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("/api/chat", {"model": "llama3"}, "llama3"),
        ("/v1beta/cachedContents", {"model": "models/gemini"}, "gemini"),
        ("/v1beta/models/gemini-2.5-flash:generateContent", {}, "gemini-2.5-flash"),
        ("/v1beta/models/veo/operations/1", None, "veo"),
        ("/model/amazon.nova-v1%3A0/converse", {}, "amazon.nova-v1:0"),
        ("/model/amazon.nova-v1:0/converse", {}, "amazon.nova-v1:0"),
        ("/models/owner/zephyr", {}, "owner/zephyr"),
        ("/v1/models/owner/zephyr/predictions", {}, "owner/zephyr"),
        ("/v1/predictions", {}, None),
    ],
)
def test_the_model_is_in_the_body_or_in_the_path(
    path: str, body: Json, expected: str | None
) -> None:
    assert PLAIN.model(path, body) == expected


# Conversations


def test_gemini() -> None:
    body = {
        "systemInstruction": {"parts": [{"text": "be brief"}]},
        "contents": [
            {
                "role": "user",
                "parts": [
                    {"text": "see"},
                    {"inlineData": {"mimeType": "image/png", "data": HELLO}},
                ],
            },
            {
                "role": "model",
                "parts": [
                    {"text": "hm", "thought": True},
                    {"functionCall": {"name": "add", "args": {"x": 1}}},
                ],
            },
            {
                "role": "user",
                "parts": [{"functionResponse": {"name": "add", "response": {"sum": 2}}}],
            },
            {"parts": [{"fileData": {"mimeType": "application/pdf", "fileUri": "gs://a"}}]},
            {
                "role": "model",
                "parts": [
                    {"executableCode": {"code": "1+1"}},
                    {"codeExecutionResult": {"output": "2"}},
                ],
            },
        ],
        "tools": [{"functionDeclarations": []}],
    }
    assert PLAIN.conversation(body) == (
        Turn("system", (said("be brief"),), "$.systemInstruction"),
        Turn("user", (said("see"), image("image/png, 5 B")), "$.contents[0]"),
        Turn("assistant", (thought("hm"), tool("add", '{"x": 1}')), "$.contents[1]"),
        Turn("tool", (result('{"sum": 2}', "add"),), "$.contents[2]"),
        Turn("user", (Part(PartKind.FILE, "application/pdf, gs://a"),), "$.contents[3]"),
        Turn("assistant", (tool(None, "1+1"), result("2", None)), "$.contents[4]"),
    )


def test_bedrock() -> None:
    body = {
        "system": [{"text": "be brief"}],
        "messages": [
            {
                "role": "user",
                "content": [
                    {"text": "see"},
                    {"image": {"format": "png", "source": {"bytes": HELLO}}},
                    {"document": {"format": "pdf", "name": "a", "source": {"bytes": HELLO}}},
                ],
            },
            {
                "role": "assistant",
                "content": [
                    {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "x"}}},
                    {"toolUse": {"toolUseId": "t1", "name": "add", "input": {"x": 1}}},
                ],
            },
            {
                "role": "user",
                "content": [{"toolResult": {"toolUseId": "t1", "content": [{"text": "2"}]}}],
            },
        ],
    }
    assert PLAIN.conversation(body) == (
        Turn("system", (said("be brief"),), "$.system"),
        Turn(
            "user",
            (said("see"), image("image/png, 5 B"), Part(PartKind.FILE, "file/pdf, 5 B")),
            "$.messages[0]",
        ),
        Turn("assistant", (thought("hm"), tool("add", '{"x": 1}')), "$.messages[1]"),
        Turn("tool", (result("2", "add"),), "$.messages[2]"),
    )


def test_cohere_first_and_second_version() -> None:
    first = {
        "preamble": "be brief",
        "chat_history": [{"role": "USER", "message": "hi"}, {"role": "CHATBOT", "message": "ho"}],
        "message": "and?",
    }
    assert PLAIN.conversation(first) == (
        Turn("system", (said("be brief"),), "$.preamble"),
        Turn("user", (said("hi"),), "$.chat_history[0]"),
        Turn("assistant", (said("ho"),), "$.chat_history[1]"),
        Turn("user", (said("and?"),), "$.message"),
    )
    call = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": "{}"}}
    second = {
        "messages": [
            {"role": "assistant", "tool_plan": "I add.", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "content": "2"},
            {"role": "tool", "name": "now", "content": "noon"},
        ]
    }
    assert PLAIN.conversation(second) == (
        Turn("assistant", (thought("I add."), tool("add", "{}")), "$.messages[0]"),
        Turn("tool", (result("2", "add"),), "$.messages[1]"),
        Turn("tool", (result("noon", "now"),), "$.messages[2]"),
    )


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"prompt": "joke"}, [("user", "$.prompt", "joke")]),
        ({"inputs": "joke"}, [("user", "$.inputs", "joke")]),
        ({"inputText": "joke"}, [("user", "$.inputText", "joke")]),
        ({"texts": ["a"]}, [("user", "$.texts", "a")]),
        ({"query": "q", "documents": ["d"]}, [("user", "$.query", "q")]),
        (
            {"input": {"prompt": "p", "system_prompt": "s"}},
            [("system", "$.input.system_prompt", "s"), ("user", "$.input.prompt", "p")],
        ),
        ({"prompt": [{"type": "text", "data": "joke"}]}, [("user", "$.prompt", "joke")]),
        (
            {"requests": [{"content": {"parts": [{"text": "a"}]}}]},
            [("user", "$.requests[0].content", "a")],
        ),
        ({"instances": [{"content": "a"}]}, [("user", "$.instances[0].content", "a")]),
        (
            {"params": {"message": {"role": "user", "parts": [{"kind": "text", "text": "a"}]}}},
            [("user", "$.params.message", "a")],
        ),
        (
            {"input": [{"role": "user", "content": "a"}, {"role": "agent", "content": "b"}]},
            [("user", "$.input[0]", "a"), ("assistant", "$.input[1]", "b")],
        ),
        (
            {"messages": [{"type": "human", "content": "a"}, "b"]},
            [("user", "$.messages[0]", "a"), ("user", "$.messages[1]", "b")],
        ),
        ({"odd key": {"prompt": "a"}}, [("user", '$["odd key"].prompt', "a")]),
        ([{"prompt": "a"}], [("user", "$[0].prompt", "a")]),
    ],
)
def test_prompts_are_found_under_any_of_their_names(
    body: Json, expected: list[tuple[str, str, str]]
) -> None:
    turns = PLAIN.conversation(body)
    assert [(turn.role, turn.where, turn.parts[0].text) for turn in turns] == expected


@pytest.mark.parametrize(
    "body",
    [
        None,
        3,
        "text",
        {},
        {"sql": "SELECT"},
        {"prompt": ""},
        {"prompt": [1, 2]},
        {"prompt": 3},
        {"tools": [{"prompt": "not asked"}]},
    ],
)
def test_where_nothing_is_said_there_are_no_turns(body: Json) -> None:
    assert PLAIN.conversation(body) == ()


def test_what_is_too_deep_is_not_looked_for() -> None:
    body: Json = {"prompt": "bottom"}
    for _ in range(5_000):
        body = {"request": [body]}
    assert PLAIN.conversation(body) == ()
    assert PLAIN.reply(answer({"message": [[[[[[[[[[[[[["x"]]]]]]]]]]]]]]})).parts == (
        other('{"message": [[[[[[[[[[[[[["x"]]]]]]]]]]]]]]}'),
    )


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"image_url": "https://x/a"}, image("image, https://x/a")),
        ({"image_url": {"url": "https://x/a"}}, image("file, https://x/a")),
        (
            {
                "type": "image",
                "source": {"type": "base64", "media_type": "image/gif", "data": HELLO},
            },
            image("image/gif, 5 B"),
        ),
        (
            {"audio": {"format": "wav", "source": {"bytes": HELLO}}},
            Part(PartKind.AUDIO, "audio/wav, 5 B"),
        ),
        ({"type": "tool_use", "name": "add", "input": {}}, tool("add", "{}")),
        ({"type": "tool_result", "tool_use_id": "t", "content": "2"}, result("2", None)),
        ({"document": {"text": "inside"}}, said("inside")),
    ],
)
def test_parts_of_other_shapes(part: Json, expected: Part) -> None:
    (turn,) = PLAIN.conversation({"messages": [{"role": "user", "content": [part]}]})
    assert [(found.text, found.name) for found in turn.parts] == [(expected.text, expected.name)]


# Replies


def test_gemini_whole_and_streamed() -> None:
    def piece(text: str, **more: Json) -> Json:
        return {
            "candidates": [{"content": {"parts": [{"text": text}], "role": "model"}, **more}],
            "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": len(text)},
            "modelVersion": "gemini-1",
        }

    whole = Reply((said("Hello"),), "gemini-1", "STOP", Usage(3, 5))
    assert PLAIN.reply(answer(piece("Hello", finishReason="STOP"))) == whole
    pieces = [piece("Hell"), piece("o", finishReason="STOP")]
    grown = Reply((said("Hello"),), "gemini-1", "STOP", Usage(3, 1))
    assert PLAIN.reply(stream(*pieces)) == grown
    assert PLAIN.reply(answer(pieces)) == grown


def test_bedrock_converse_stream_with_a_tool_call() -> None:
    events = [
        {"role": "assistant", "p": "abc"},
        {"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "hm"}}},
        {"contentBlockIndex": 1, "delta": {"text": "Hell"}},
        {"contentBlockIndex": 1, "delta": {"text": "o"}},
        {"contentBlockIndex": 2, "start": {"toolUse": {"toolUseId": "t", "name": "add"}}},
        {"contentBlockIndex": 2, "delta": {"toolUse": {"input": '{"x":'}}},
        {"contentBlockIndex": 2, "delta": {"toolUse": {"input": "1}"}}},
        {"stopReason": "tool_use"},
        {"usage": {"inputTokens": 3, "outputTokens": 5}},
    ]
    assert PLAIN.reply(stream(*events)) == Reply(
        (thought("hm"), said("Hello"), tool("add", '{"x":1}')), None, "tool_use", Usage(3, 5)
    )


def test_bedrock_invoke_wraps_the_models_own_events() -> None:
    def wrapped(value: Json) -> Json:
        return {"bytes": base64.b64encode(json.dumps(value).encode()).decode(), "p": "abc"}

    events = [
        {
            "type": "content_block_start",
            "content_block": {"type": "tool_use", "name": "add", "input": {}},
        },
        {
            "type": "content_block_delta",
            "delta": {"type": "input_json_delta", "partial_json": '{"x":1}'},
        },
    ]
    assert PLAIN.reply(stream(*map(wrapped, events))).parts == (tool("add", '{"x":1}'),)
    told = {"bytes": base64.b64encode(b"just text").decode()}
    assert PLAIN.reply(answer(told)).parts == (said("just text"),)
    for broken in ("x", "\N{SNOWMAN}", base64.b64encode(b"\xff").decode()):
        assert PLAIN.reply(answer({"bytes": broken})).parts == (other(f'{{"bytes": "{broken}"}}'),)


def test_ollama_and_its_errors() -> None:
    lines = [
        {"model": "llama3", "message": {"role": "assistant", "content": "Hell"}, "done": False},
        {"model": "llama3", "message": {"role": "assistant", "content": "o"}, "done": False},
        {
            "model": "llama3",
            "done": True,
            "done_reason": "stop",
            "prompt_eval_count": 3,
            "eval_count": 0,
        },
    ]
    assert PLAIN.reply(ndjson(*lines)) == Reply((said("Hello"),), "llama3", "stop", Usage(3, 0))
    assert PLAIN.reply(answer({"error": "model 'x' not found"}, 404)) == Reply(
        error="model 'x' not found"
    )
    assert PLAIN.reply(ndjson(lines[0], {"error": "out of memory"})).error == "out of memory"


def test_a_whole_answer_at_the_end_of_a_stream_is_not_told_twice() -> None:
    events = [
        {"event_type": "text-generation", "text": "ha"},
        {"event_type": "text-generation", "text": "ha"},
        {"event_type": "stream-end", "finish_reason": "COMPLETE", "response": {"text": "haha"}},
    ]
    assert PLAIN.reply(ndjson(*events)) == Reply((said("haha"),), finish="COMPLETE")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"text": "Hola.", "chat_history": [{"message": "hi"}]}, said("Hola.")),
        ({"output": ["a robot"], "input": {"text": "robots"}}, said("a robot")),
        ([{"generated_text": "once"}], said("once")),
        ({"results": [{"outputText": "once"}]}, said("once")),
        ({"embedding": [0.1] * 9}, other("1 vector of 9 numbers")),
        ({"embeddings": {"float": [[0.1] * 9] * 2}}, other("2 vectors of 9 numbers")),
        ({"totalTokens": 3}, other('{"totalTokens": 3}')),
        ("just text", said("just text")),
    ],
)
def test_other_answers(body: Json, expected: Part) -> None:
    assert PLAIN.reply(answer(body)).parts == (expected,)


def test_streams_of_nothing_that_is_said() -> None:
    assert PLAIN.reply(stream({"progress": 1}, {"progress": 2})).parts == (other("2 JSON values"),)


def test_files_failures_and_silence() -> None:
    assert PLAIN.reply(raw(b"\xff" * 2000, "image/png")).parts == (image("image/png, 2 kB"),)
    assert PLAIN.reply(raw(b"Not Found", "text/plain", 404)) == Reply(error="Not Found")
    assert PLAIN.reply(answer({"message": "denied"}, 403)) == Reply(error="denied")
    assert PLAIN.reply(answer({}, 500)).parts == (other("{}"),)
    assert PLAIN.reply(Response(204)) == Reply()


KEYS = [
    "messages",
    "contents",
    "parts",
    "content",
    "text",
    "role",
    "type",
    "functionCall",
    "toolUse",
    "toolResult",
    "input",
    "source",
    "bytes",
    "message",
    "error",
    "usage",
    "model",
]
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(KEYS), inner),
    max_leaves=12,
)


@given(ANY_JSON)
def test_no_request_and_no_response_can_make_it_fail(value: Json) -> None:
    PLAIN.conversation(value)
    PLAIN.model("/v1/chat", value)
    PLAIN.reply(answer(value))
    PLAIN.reply(answer(value, 500))
    PLAIN.ends_stream(event(value))
    assert PLAIN.simplify("/v1/chat", value) == value


# Streams, errors, meaning


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (event("[DONE]"), True),
        (event({"model": "llama3", "done": True}), True),
        (event({"type": "message-end"}, "message-end"), True),
        (event({}, "done"), True),
        (event({"model": "llama3", "done": False}), False),
        (event({"message": {"content": '"done"'}}), False),
        (event({"candidates": []}), False),
        (Event(b": comment"), False),
    ],
)
def test_end_markers(one: Event, expected: bool) -> None:  # noqa: FBT001  # a parameter
    assert PLAIN.ends_stream(one) is expected


def test_an_error_is_readable_to_the_clients_of_google_and_aws() -> None:
    assert PLAIN.error_body(470, "no recording", "no_recording") == {
        "error": {"code": 470, "message": "no recording", "status": "no_recording"},
        "message": "no recording",
    }


def found(body: Json) -> bytes:
    request = Request("POST", "https://x/y", (), json.dumps(body).encode())
    return fingerprint(canonical(request, PLAIN, MatchSettings()))


def test_thought_signatures_do_not_count_and_ids_of_calls_up_to_renaming() -> None:
    def signed(signature: str) -> Json:
        return {"contents": [{"parts": [{"text": "hi", "thoughtSignature": signature}]}]}

    def called(call_id: str, count: str) -> Json:
        use = {"toolUse": {"toolUseId": call_id, "input": {"call_id": count}}}
        return {"messages": [{"content": [use, {"toolResult": {"toolUseId": call_id}}]}]}

    assert found(signed("a")) == found(signed("b"))
    assert found(called("a", "1")) == found(called("b", "1"))
    assert found(called("a", "1")) != found(called("a", "2"))
