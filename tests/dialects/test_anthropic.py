from __future__ import annotations

import copy
import json

import anthropic
import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmreplay.core.canonical import MatchSettings, canonical
from llmreplay.core.dialect import Json, Part, PartKind, Reply, Turn, Usage
from llmreplay.core.exchange import Headers, Request, Response
from llmreplay.core.fingerprint import fingerprint
from llmreplay.core.streams import Event
from llmreplay.dialects.anthropic import ANTHROPIC
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

MESSAGES = "/v1/messages"
HELLO = "aGVsbG8="
VERSION: Headers = (("Anthropic-Version", "2023-06-01"),)
TOOL = {"name": "add", "input_schema": {"type": "object"}}
MARKER = {"type": "ephemeral"}


def result(text: str, name: str | None) -> Part:
    return Part(PartKind.TOOL_RESULT, text, name)


# Which requests


@pytest.mark.parametrize(
    ("target", "headers", "expected"),
    [
        ("POST /v1/messages", (), True),
        ("POST /messages", (), True),
        ("POST /anthropic/v1/messages", (), True),
        ("POST /anthropic/messages", (), True),
        ("POST /v1/messages/count_tokens", (), True),
        ("POST /v1/messages/batches", (), True),
        ("GET /v1/messages/batches/msgbatch_1/results", (), True),
        ("POST /v1/complete", (), True),
        (
            "POST /v1/projects/p/locations/l/publishers/anthropic/models/claude@1:rawPredict",
            (),
            True,
        ),
        ("GET /v1/models", VERSION, True),
        ("POST /v1/files", VERSION, True),
        ("GET /v1/models", (), False),
        ("POST /v1/threads/thread_1/messages", (), False),
        ("GET /v1/chat/completions/chatcmpl-1/messages", (), False),
        ("POST /complete", (), False),
        ("POST /model/anthropic.claude/invoke", (), False),
    ],
)
def test_it_is_known_by_its_paths_and_its_version_header(
    target: str,
    headers: Headers,
    expected: bool,  # noqa: FBT001  # a parameter
) -> None:
    method, path = target.split()
    assert ANTHROPIC.recognises(method, path, headers) is expected


def test_the_model_is_in_the_body_or_in_vertex_path() -> None:
    vertex = "/v1/projects/p/locations/l/publishers/anthropic/models/claude-3%405:rawPredict"
    assert ANTHROPIC.model(MESSAGES, {"model": "claude"}) == "claude"
    assert ANTHROPIC.model(vertex, {"anthropic_version": "vertex-2023-10-16"}) == "claude-3@5"
    assert ANTHROPIC.model(MESSAGES, None) is None


# Conversations


def test_a_conversation_begins_with_the_system_prompt() -> None:
    body = {
        "system": [{"type": "text", "text": "be"}, {"type": "text", "text": "brief"}],
        "messages": [
            {"role": "user", "content": "weather?"},
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "hm", "signature": "x"},
                    {"type": "redacted_thinking", "data": "x"},
                    {"type": "text", "text": "I ask."},
                    {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"at": "P"}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "toolu_1", "content": "rain"},
                    {"type": "tool_result", "tool_use_id": "toolu_9"},
                ],
            },
            {
                "role": "user",
                "content": [
                    {
                        "type": "tool_result",
                        "tool_use_id": "toolu_1",
                        "content": [
                            {"type": "text", "text": "rain"},
                            {
                                "type": "image",
                                "source": {
                                    "type": "base64",
                                    "media_type": "image/png",
                                    "data": HELLO,
                                },
                            },
                        ],
                    },
                    {"type": "text", "text": "and now?"},
                ],
            },
            "broken",
        ],
    }
    assert ANTHROPIC.conversation(body) == (
        Turn("system", (said("be"), said("brief")), "$.system"),
        Turn("user", (said("weather?"),), "$.messages[0]"),
        Turn(
            "assistant",
            (
                thought("hm"),
                thought("(encrypted)"),
                said("I ask."),
                tool("weather", '{"at": "P"}'),
            ),
            "$.messages[1]",
        ),
        Turn("tool", (result("rain", "weather"), result("", None)), "$.messages[2]"),
        Turn(
            "user",
            (result("rain", "weather"), image("image/png, 5 B"), said("and now?")),
            "$.messages[3]",
        ),
        Turn("user", (), "$.messages[4]"),
    )


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (
            {"type": "image", "source": {"type": "url", "url": "https://x/a.png"}},
            (image("image, https://x/a.png"),),
        ),
        (
            {"type": "document", "source": {"type": "file", "file_id": "file_1"}},
            (Part(PartKind.FILE, "document, file_1"),),
        ),
        ({"type": "document", "source": {"type": "text", "data": "once"}}, (said("once"),)),
        (
            {
                "type": "document",
                "source": {"type": "content", "content": [{"type": "text", "text": "upon"}]},
            },
            (said("upon"),),
        ),
        (
            {
                "type": "search_result",
                "title": "T",
                "source": "https://x",
                "content": [{"type": "text", "text": "found"}],
            },
            (said("T https://x"), said("found")),
        ),
        ({"type": "compaction", "content": "so far"}, (said("so far"),)),
        (
            {"type": "server_tool_use", "name": "web_search", "input": {"query": "x"}},
            (tool("web_search", '{"query": "x"}'),),
        ),
        (
            {
                "type": "web_search_tool_result",
                "tool_use_id": "srvtoolu_1",
                "content": [
                    {
                        "type": "web_search_result",
                        "title": "T",
                        "url": "https://x",
                        "encrypted_content": "…",
                    }
                ],
            },
            (result("T https://x", None),),
        ),
        (
            {"type": "code_execution_tool_result", "content": {"stdout": "2"}},
            (result('{"stdout": "2"}', None),),
        ),
        (
            {"type": "container_upload", "file_id": "f"},
            (other('{"type": "container_upload", "file_id": "f"}'),),
        ),
        ("broken", (other("{}"),)),
    ],
)
def test_each_kind_of_block_is_told_as_a_person_sees_it(
    block: Json, expected: tuple[Part, ...]
) -> None:
    (turn,) = ANTHROPIC.conversation({"messages": [{"role": "user", "content": [block]}]})
    assert turn.parts == expected


def test_blocks_in_blocks_end_somewhere() -> None:
    content: Json = "bottom"
    for _ in range(5_000):
        content = [{"type": "tool_result", "content": content}]
    (turn,) = ANTHROPIC.conversation({"messages": [{"role": "user", "content": content}]})
    assert turn == Turn("tool", (result("", None),), "$.messages[0]")


def test_batches_and_legacy_prompts_are_conversations_too() -> None:
    params = {"system": "be brief", "messages": [{"role": "user", "content": "hi"}]}
    assert ANTHROPIC.conversation({"requests": [{"custom_id": "1", "params": params}, {}]}) == (
        Turn("system", (said("be brief"),), "$.requests[0].params.system"),
        Turn("user", (said("hi"),), "$.requests[0].params.messages[0]"),
    )
    assert ANTHROPIC.conversation({"prompt": "Human: hi"}) == (
        Turn("user", (said("Human: hi"),), "$.prompt"),
    )
    assert ANTHROPIC.conversation(None) == ()


# Replies


def started(**usage: int) -> Json:
    message = {"type": "message", "model": "claude-1", "content": [], "usage": usage}
    return {"type": "message_start", "message": message}


def block(index: int, value: Json, *deltas: Json) -> list[Json]:
    start = {"type": "content_block_start", "index": index, "content_block": value}
    grown = ({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas)
    return [start, *grown, {"type": "content_block_stop", "index": index}]


def test_a_whole_message() -> None:
    body = {
        "type": "message",
        "model": "claude-1",
        "content": [{"type": "text", "text": "Hello"}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 3, "output_tokens": 5},
    }
    assert ANTHROPIC.reply(answer(body)) == Reply(
        (said("Hello"),), "claude-1", "end_turn", Usage(3, 5)
    )


def test_a_stream_is_put_together_block_by_block() -> None:
    events = [
        started(input_tokens=3, output_tokens=1),
        {"type": "ping"},
        *block(
            0,
            {"type": "thinking", "thinking": "", "signature": ""},
            {"type": "thinking_delta", "thinking": "h"},
            {"type": "thinking_delta", "thinking": "m"},
            {"type": "signature_delta", "signature": "x"},
        ),
        *block(
            1,
            {"type": "text", "text": "H"},
            {"type": "text_delta", "text": "ell"},
            {"type": "text_delta", "text": "o"},
            {"type": "citations_delta", "citation": {}},
        ),
        *block(
            2,
            {"type": "tool_use", "id": "toolu_1", "name": "add", "input": {}},
            {"type": "input_json_delta", "partial_json": ""},
            {"type": "input_json_delta", "partial_json": '{"x":'},
            {"type": "input_json_delta", "partial_json": "1}"},
        ),
        *block(3, {"type": "tool_use", "id": "toolu_2", "name": "now", "input": {}}),
        *block(4, {"type": "compaction"}, {"type": "compaction_delta", "content": "so far"}),
        {
            "type": "message_delta",
            "delta": {"stop_reason": "tool_use"},
            "usage": {"output_tokens": 5},
        },
        {"type": "message_stop"},
    ]
    assert ANTHROPIC.reply(stream(*events, names=True)) == Reply(
        (thought("hm"), said("Hello"), tool("add", '{"x":1}'), tool("now", "{}"), said("so far")),
        "claude-1",
        "tool_use",
        Usage(3, 5),
    )


def test_a_delta_whose_block_never_began() -> None:
    played = stream({"type": "content_block_delta", "delta": {"type": "text_delta", "text": "o"}})
    assert ANTHROPIC.reply(played).parts == (said("o"),)


def test_an_error_in_mid_stream_stands_beside_what_was_said() -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    played = stream(
        started(),
        *block(0, {"type": "text", "text": ""}, {"type": "text_delta", "text": "Hell"})[:2],
        error,
        names=True,
    )
    assert ANTHROPIC.reply(played) == Reply(
        (said("Hell"),), "claude-1", error="overloaded_error: Overloaded"
    )


def test_legacy_completions_whole_and_streamed() -> None:
    last = {
        "type": "completion",
        "completion": " there",
        "stop_reason": "stop_sequence",
        "model": "c",
    }
    first = {"type": "completion", "completion": " Hi", "stop_reason": None, "model": "c"}
    assert ANTHROPIC.reply(answer(last)) == Reply((said(" there"),), "c", "stop_sequence")
    assert ANTHROPIC.reply(stream(first, last, names=True)).parts == (said(" Hi there"),)


def test_the_results_of_a_batch() -> None:
    def line(text: str) -> Json:
        message = {"type": "message", "content": [{"type": "text", "text": text}]}
        return {"custom_id": text, "result": {"type": "succeeded", "message": message}}

    assert ANTHROPIC.reply(ndjson(line("4"), line("Jupiter"))).parts == (said("4"), said("Jupiter"))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"input_tokens": 12}, Reply((other('{"input_tokens": 12}'),), usage=Usage(12))),
        ({"data": [{"type": "model", "id": "claude"}]}, Reply((other("list of 1: model"),))),
        ({"data": []}, Reply((other("list of 0: item"),))),
        ({"type": "file", "id": "file_1"}, Reply((other("file file_1"),))),
        (
            {"type": "message_batch", "id": "msgbatch_1", "processing_status": "ended"},
            Reply((other("message_batch msgbatch_1 ended"),)),
        ),
        ("text", Reply((other("{}"),))),
    ],
)
def test_other_answers_are_told_in_a_few_words(body: Json, expected: Reply) -> None:
    assert ANTHROPIC.reply(answer(body)) == expected


def test_failures() -> None:
    error = {"type": "error", "error": {"type": "not_found_error", "message": "model: x"}}
    assert ANTHROPIC.reply(answer(error, 404)) == Reply(error="not_found_error: model: x")
    assert ANTHROPIC.reply(raw(b"Bad Gateway", "text/html", 502)) == Reply(error="Bad Gateway")
    assert ANTHROPIC.reply(stream({"type": "ping"}, {"type": "ping"})) == Reply()
    assert ANTHROPIC.reply(Response(204)) == Reply()


# What is equal


def plain(body: Json) -> Json:
    return ANTHROPIC.simplify(MESSAGES, body)


def asked(content: Json = "hi", **more: Json) -> dict[str, Json]:
    return {"max_tokens": 9, "messages": [{"role": "user", "content": content}], **more}


TEXT = {"type": "text", "text": "hi"}


@pytest.mark.parametrize(
    "spelled",
    [
        asked([TEXT]),
        asked([TEXT | {"cache_control": MARKER, "citations": None}]),
        asked(stream=False),
        asked(cache_control=MARKER, container=None),
        asked(metadata={}),
        asked(metadata={"user_id": None}),
        asked(tool_choice={"type": "none"}),
    ],
)
def test_spellings_of_one_request(spelled: Json) -> None:
    assert plain(spelled) == plain(asked()) == asked()


def test_system_prompts_and_the_line_for_the_books() -> None:
    billing = {"type": "text", "text": "x-anthropic-billing-header: cc_version=2; cch=71fea;"}
    assert plain(asked(system=[TEXT])) == plain(asked(system="hi")) == asked(system="hi")
    assert plain(asked(system=[billing, TEXT])) == asked(system="hi")
    assert plain(asked(system=[TEXT, TEXT])) == asked(system=[TEXT, TEXT])


def test_tools_and_the_choice_among_them() -> None:
    schema = {"properties": {"cache_control": {"default": None}, "title": None}}
    spelled = {"type": "custom", "name": "a", "input_schema": schema, "cache_control": MARKER}
    choice = {"type": "auto", "disable_parallel_tool_use": False}
    assert plain(asked(tools=[spelled], tool_choice=choice)) == asked(
        tools=[{"name": "a", "input_schema": schema}]
    )
    any_one = {"type": "any", "disable_parallel_tool_use": True}
    assert plain(asked(tools=[TOOL], tool_choice=any_one))["tool_choice"] == any_one
    assert plain(asked(tools=[TOOL], tool_choice={"type": "none"})) != plain(asked(tools=[TOOL]))


def test_tool_results() -> None:
    given = {"type": "tool_result", "tool_use_id": "t", "content": [TEXT], "is_error": False}
    assert plain(asked([given])) == asked(
        [{"type": "tool_result", "tool_use_id": "t", "content": "hi"}]
    )
    failed = {"type": "tool_result", "tool_use_id": "t", "content": "hi", "is_error": True}
    assert plain(asked([failed])) == asked([failed])


def test_what_a_tool_was_asked_stays_as_it_is() -> None:
    use = {"type": "tool_use", "id": "t", "name": "a", "input": {"cache_control": 1, "title": None}}
    assert plain(asked([use])) == asked([use])


def test_batches_are_simplified_one_by_one() -> None:
    body = {"requests": [{"custom_id": "1", "params": asked([TEXT])}, {"params": 3}, "broken"]}
    assert ANTHROPIC.simplify("/v1/messages/batches", body) == {
        "requests": [{"custom_id": "1", "params": asked()}, {"params": 3}, "broken"]
    }
    nested = {"requests": [{"params": body}]}
    assert ANTHROPIC.simplify("/v1/messages/batches", nested) == nested


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (asked(), asked(temperature=1)),
        (asked(), asked(stream=True)),
        (asked(), asked(stream=0)),
        (asked(), asked(temperature=None)),
        (asked(), asked(tool_choice={"type": "auto"})),
        (asked(), asked(system="")),
        (asked("ab"), asked([{"type": "text", "text": text} for text in "ab"])),
        (asked(), asked([TEXT | {"citations": [{}]}])),
        (asked("hi"), asked([{"type": "compaction", "text": "hi"}])),
    ],
)
def test_what_may_be_answered_differently_stays_different(one: Json, other: Json) -> None:
    assert plain(one) != plain(other)


@pytest.mark.parametrize(
    "body",
    [
        None,
        [1],
        "text",
        asked(3),
        asked(["x", {"text": 1}]),
        {"messages": "x"},
        {"messages": [1], "tools": [1], "tool_choice": "auto", "metadata": 3, "system": 3},
    ],
)
def test_broken_requests_go_through_as_they_are(body: Json) -> None:
    assert plain(body) == body


def test_nothing_is_touched_on_other_routes() -> None:
    body = {"metadata": {}, "system": [TEXT], "stream": False}
    assert ANTHROPIC.simplify("/v1/agents/agent_1", body) == body


WORD = st.sampled_from(["", "hi", "text"])
LEAF = st.fixed_dictionaries(
    {"type": st.sampled_from(["text", "thinking", "custom"]), "text": WORD},
    optional={"cache_control": st.just(MARKER), "citations": st.none(), "title": st.none()},
)
BLOCK = LEAF | st.fixed_dictionaries(
    {"type": st.sampled_from(["tool_result", "search_result"])},
    optional={"content": WORD | st.lists(LEAF, max_size=2), "is_error": st.booleans()},
)
REQUEST = st.fixed_dictionaries(
    {
        "messages": st.lists(
            st.fixed_dictionaries({"role": WORD, "content": WORD | st.lists(BLOCK, max_size=2)}),
            max_size=3,
        )
    },
    optional={
        "system": WORD | st.lists(LEAF, max_size=2),
        "stream": st.booleans(),
        "metadata": st.just({}) | st.just({"user_id": None}),
        "tools": st.lists(st.just(TOOL | {"type": "custom"}), max_size=1),
        "tool_choice": st.fixed_dictionaries(
            {"type": st.sampled_from(["auto", "none", "any"])},
            optional={"disable_parallel_tool_use": st.booleans()},
        ),
    },
)


@given(REQUEST)
def test_the_plainest_spelling_is_its_own_plainest_spelling(body: Json) -> None:
    before = copy.deepcopy(body)
    once = plain(body)
    assert plain(once) == once
    assert body == before, "the request itself is left alone"


@given(REQUEST, REQUEST)
def test_requests_that_say_different_things_stay_different(one: Json, other: Json) -> None:
    if ANTHROPIC.conversation(one) != ANTHROPIC.conversation(other):
        assert plain(one) != plain(other)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(
                [
                    "messages",
                    "system",
                    "content",
                    "type",
                    "role",
                    "requests",
                    "params",
                    "source",
                    "data",
                    "delta",
                    "result",
                    "message",
                    "error",
                    "index",
                ]
            ),
            inner
            | st.sampled_from(["message", "tool_result", "document", "text", "search_result"]),
        )
    ),
    max_leaves=12,
)


@given(ANY_JSON)
def test_no_request_and_no_response_can_make_it_fail(value: Json) -> None:
    ANTHROPIC.conversation(value)
    ANTHROPIC.model(MESSAGES, value)
    ANTHROPIC.simplify(MESSAGES, value)
    ANTHROPIC.reply(answer(value))
    ANTHROPIC.reply(answer(value, 500))
    ANTHROPIC.ends_stream(event(value))


def found(body: Json) -> bytes:
    request = Request(
        "POST", "https://api.anthropic.com/v1/messages", (), json.dumps(body).encode()
    )
    return fingerprint(canonical(request, ANTHROPIC, MatchSettings()))


def test_ids_count_up_to_renaming_but_not_in_a_tools_input() -> None:
    def called(use_id: str, user_id: str) -> bytes:
        use = {"type": "tool_use", "id": use_id, "name": "get", "input": {"id": user_id}}
        back = {"type": "tool_result", "tool_use_id": use_id, "content": "x"}
        return found(
            {
                "messages": [
                    {"role": "assistant", "content": [use]},
                    {"role": "user", "content": [back]},
                ]
            }
        )

    assert called("toolu_a", "42") == called("toolu_b", "42")
    assert called("toolu_a", "42") != called("toolu_a", "43")


@pytest.mark.parametrize(
    ("one", "same"),
    [
        (asked(metadata={"user_id": "user_1_session_2"}), asked()),
        (
            {"requests": [{"params": asked(metadata={"user_id": "a"})}]},
            {"requests": [{"params": asked(metadata={"user_id": "b"})}]},
        ),
        (
            asked([{"type": "thinking", "thinking": "hm", "signature": "a"}]),
            asked([{"type": "thinking", "thinking": "hm", "signature": "b"}]),
        ),
        (
            asked([{"type": "redacted_thinking", "data": "a"}]),
            asked([{"type": "redacted_thinking", "data": "b"}]),
        ),
    ],
)
def test_volatile_fields_do_not_count(one: Json, same: Json) -> None:
    assert found(one) == found(same)


# The end of a stream


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (event({"type": "message_stop"}, "message_stop"), True),
        (event({"type": "message_stop"}), True),
        (event({"type": "error", "error": {}}, "error"), True),
        (event({"completion": ".", "stop_reason": "stop_sequence"}, "completion"), True),
        (event({"completion": ".", "stop_reason": None}, "completion"), False),
        (event({"type": "message_delta", "delta": {}}, "message_delta"), False),
        (event({"type": "content_block_stop"}), False),
        (event("broken", "message_stop"), False),
        (Event(b"\n"), False),
    ],
)
def test_the_last_event_that_a_client_waits_for(one: Event, expected: bool) -> None:  # noqa: FBT001  # a parameter
    assert ANTHROPIC.ends_stream(one) is expected


# Errors, as the real SDK sees them


def client(play: httpx2.Response) -> anthropic.Anthropic:
    """An SDK whose every request gets this answer."""
    transport = httpx2.MockTransport(lambda _request: play)
    return anthropic.Anthropic(
        api_key="k", max_retries=0, http_client=httpx2.Client(transport=transport)
    )


def ask(sdk: anthropic.Anthropic) -> None:
    sdk.messages.create(model="m", max_tokens=1, messages=[{"role": "user", "content": "hi"}])


@pytest.mark.parametrize(
    ("status", "kind", "expected"),
    [
        (470, anthropic.APIStatusError, "invalid_request_error"),
        (400, anthropic.BadRequestError, "invalid_request_error"),
        (401, anthropic.AuthenticationError, "authentication_error"),
        (404, anthropic.NotFoundError, "not_found_error"),
        (429, anthropic.RateLimitError, "rate_limit_error"),
        (500, anthropic.InternalServerError, "api_error"),
        (503, anthropic.InternalServerError, "api_error"),
        (520, anthropic.InternalServerError, "api_error"),
        (529, anthropic.InternalServerError, "overloaded_error"),
    ],
)
def test_the_sdk_shows_the_message(
    status: int, kind: type[anthropic.APIStatusError], expected: str
) -> None:
    body = ANTHROPIC.error_body(status, "no recording: turn 3 differs", "no_recording")
    with pytest.raises(kind, match="no recording: turn 3 differs") as raised:
        ask(client(httpx2.Response(status, json=body)))
    error = raised.value
    assert (error.type, error.error_code) == (expected, "no_recording")
    assert error.api_message == "no recording: turn 3 differs"


def test_the_sdk_waits_the_least_that_it_can() -> None:
    with anthropic.Anthropic(api_key="k") as sdk:
        options = anthropic._models.FinalRequestOptions(method="post", url="/")
        wait = sdk._calculate_retry_timeout(2, options, httpx2.Headers(dict(ANTHROPIC.least_wait)))
    assert wait == 0.001
