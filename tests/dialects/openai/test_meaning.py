"""What is equal, and above all what is not."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmreplay.dialects.openai import OPENAI

if TYPE_CHECKING:
    from llmreplay.core.dialect import Json

CHAT = "/v1/chat/completions"
RESPONSES = "/v1/responses"
TOOL = {"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}
MARKER = {"type": "ephemeral"}


def plain(body: Json, path: str = CHAT) -> Json:
    return OPENAI.simplify(path, body)


def chat(**more: Json) -> dict[str, Json]:
    return {"model": "m", "messages": [{"role": "user", "content": "hi"}], **more}


def message(**fields: Json) -> Json:
    return {"model": "m", "messages": [fields]}


@pytest.mark.parametrize(
    "spelled",
    [
        chat(max_tokens=None, tool_choice=None, response_format=None),
        chat(stream=False),
        chat(n=1, logprobs=False, parallel_tool_calls=True),
        chat(tool_choice="none"),
        chat(response_format={"type": "text"}, modalities=["text"]),
        chat(stream_options={"include_usage": False}),
        chat(stream_options={}),
        message(role="user", content=[{"type": "text", "text": "hi"}]),
        message(role="user", content=[{"type": "text", "text": "hi", "cache_control": MARKER}]),
        message(role="user", content="hi", name=None),
    ],
)
def test_spellings_of_one_chat_request(spelled: Json) -> None:
    assert plain(spelled) == plain(chat()) == chat()


def test_auto_is_what_happens_when_there_are_tools() -> None:
    assert plain(chat(tools=[TOOL], tool_choice="auto")) == chat(tools=[TOOL])
    assert plain(chat(tools=[TOOL], tool_choice="none"))["tool_choice"] == "none"
    assert plain(chat(tool_choice="auto"))["tool_choice"] == "auto"


def test_nulls_and_cache_markers_in_tools_but_not_in_their_schemas() -> None:
    schema = {"properties": {"cache_control": {"default": None}}}
    tool = {
        "type": "function",
        "cache_control": MARKER,
        "function": {"name": "a", "description": None, "strict": None, "parameters": schema},
    }
    assert plain(chat(tools=[tool, "broken"]))["tools"] == [
        {"type": "function", "function": {"name": "a", "parameters": schema}},
        "broken",
    ]
    flat = {"type": "function", "name": "a", "parameters": schema, "strict": None}
    assert plain({"tools": [flat], "input": "x"}, RESPONSES)["tools"] == [flat]


def test_arguments_compare_by_value() -> None:
    def called(arguments: Json) -> Json:
        call = {"id": "c", "type": "function", "function": {"name": "a", "arguments": arguments}}
        return plain(message(role="assistant", content=None, tool_calls=[call]))

    assert called('{"x": 1, "y": [2]}') == called('{"y":[2],"x":1}')
    assert called('{"x": 1.5}') == called('{"x": 1.50}') != called('{"x": 1.6}')
    assert called('{"x": 1}') != called('{"x": 2}')
    assert called('{"x": 1}') != called('{"x": "1"}')
    # Not JSON, not an object, or nothing that JSON can say: as it stands.
    for text in (
        "",
        "{broken",
        '"text"',
        '"\\"text\\""',
        "[1]",
        "7",
        '{"x": NaN}',
        '{"x": 1e999}',
        '{"x": ' + "[" * 60 + "]" * 60 + "}",
        '{"x":' * 5000,
    ):
        call = called(text)["messages"][0]["tool_calls"][0]
        assert call["function"]["arguments"] == text


def test_other_places_where_arguments_stand() -> None:
    assert plain(message(role="assistant", function_call={"name": "a", "arguments": "{}"})) == (
        message(role="assistant", function_call={"name": "a", "arguments": {}})
    )
    item = {"type": "function_call", "call_id": "c", "name": "a", "arguments": '{"x": 1}'}
    assert plain({"input": [item, item]}, RESPONSES)["input"][0]["arguments"] == {"x": 1}


@pytest.mark.parametrize(
    "spelled",
    [
        {"input": [{"role": "user", "content": "hi"}]},
        {"input": [{"role": "user", "content": "hi", "type": "message"}]},
        {"input": [{"role": "user", "content": [{"type": "input_text", "text": "hi"}]}]},
        {"input": "hi", "text": {"format": {"type": "text"}}},
        {"input": "hi", "text": {"format": {"type": "text"}, "verbosity": None}},
        {"input": "hi", "truncation": "disabled", "previous_response_id": None},
    ],
)
def test_spellings_of_one_responses_request(spelled: Json) -> None:
    assert plain(spelled, RESPONSES) == {"input": "hi"}


def test_an_answer_sent_back_is_its_text() -> None:
    part = {"type": "output_text", "text": "hi", "annotations": [], "logprobs": []}
    sent = {"type": "message", "role": "assistant", "id": "msg_1", "content": [part]}
    assert plain({"input": [sent, sent]}, RESPONSES)["input"][0] == {
        "role": "assistant",
        "id": "msg_1",
        "content": "hi",
    }


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (chat(), chat(temperature=1)),
        (chat(), chat(n=True)),
        (chat(), chat(n=2)),
        (chat(), chat(stream=True)),
        (chat(), chat(stream=0)),
        (chat(), chat(store=False)),
        (chat(), chat(top_p=1)),
        (chat(max_tokens=5), chat(max_completion_tokens=5)),
        (message(role="user", content="hi"), message(role="system", content="hi")),
        (message(role="user", content=""), message(role="user")),
        (
            message(role="user", content="ab"),
            message(role="user", content=[{"type": "text", "text": t} for t in "ab"]),
        ),
        (
            message(role="user", content="https://x"),
            message(role="user", content=[{"type": "image_url", "image_url": "https://x"}]),
        ),
    ],
)
def test_what_may_be_answered_differently_stays_different(one: Json, other: Json) -> None:
    assert plain(one) != plain(other)


@pytest.mark.parametrize(
    "item",
    [
        {"role": "assistant", "content": "hi"},
        {"role": "user", "content": "hi", "id": "msg_1"},
        {"role": "user", "content": [{"type": "input_image", "image_url": "u"}]},
        {"role": "user", "content": [{"type": "output_text", "text": "hi"}]},
        {
            "role": "assistant",
            "content": [
                {"type": "output_text", "text": "hi", "annotations": [{"type": "url_citation"}]}
            ],
        },
        {"type": "item_reference", "id": "hi"},
        {"type": "message", "content": "hi"},
        "hi",
    ],
)
def test_only_a_users_lone_text_is_the_string_form(item: Json) -> None:
    assert plain({"input": [item]}, RESPONSES) != {"input": "hi"}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/threads/thread_1", {"metadata": None}),
        ("/v1/assistants/asst_1", {"instructions": None, "tool_choice": "none"}),
        (CHAT, [1]),
        (CHAT, "text"),
        (CHAT, None),
    ],
)
def test_nothing_is_touched_where_nothing_is_generated(path: str, body: Json) -> None:
    assert plain(body, path) == body


@pytest.mark.parametrize(
    "body",
    [
        chat(tools="x", stream_options=[], text=1, modalities={}),
        message(role="user", content=3, tool_calls="x", function_call="y"),
        message(tool_calls=["x", {"function": "y"}, {"id": "z"}]),
        message(role="user", content=["x", {"type": "text"}]),
        {"messages": ["x"]},
        {"messages": "x", "input": ["a", "b"]},
        {"input": [{"role": "user", "content": 3}]},
        {"input": [1, 2, 3]},
    ],
)
def test_broken_requests_go_through_as_they_are(body: Json) -> None:
    assert plain(body) == body


TEXT = st.sampled_from(["", "hi", "text", "auto"])
PART = st.fixed_dictionaries(
    {"type": st.sampled_from(["text", "input_text", "output_text", "image_url"]), "text": TEXT},
    optional={"cache_control": st.just(MARKER), "annotations": st.just([]), "name": st.none()},
)
ARGUMENTS = st.sampled_from(["", "{}", '{"a": 1}', '{ "a":1}', '"x"', "[", '{"a":{"a":"{}"}}'])
CALL = st.fixed_dictionaries(
    {"id": TEXT, "function": st.fixed_dictionaries({"name": TEXT, "arguments": ARGUMENTS})}
)
MESSAGE = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "system"])},
    optional={
        "content": st.none() | TEXT | st.lists(PART, max_size=2),
        "tool_calls": st.none() | st.lists(CALL, max_size=2),
        "type": st.just("message"),
        "arguments": ARGUMENTS,
    },
)
REQUEST = st.fixed_dictionaries(
    {"model": TEXT},
    optional={
        "messages": st.lists(MESSAGE, max_size=3),
        "input": TEXT | st.lists(MESSAGE, max_size=2),
        "stream": st.none() | st.booleans(),
        "n": st.integers(0, 2) | st.booleans(),
        "tools": st.none() | st.lists(st.just(TOOL), max_size=1),
        "tool_choice": st.none() | st.sampled_from(["auto", "none", "required"]),
        "stream_options": st.none()
        | st.fixed_dictionaries({}, optional={"include_usage": st.none() | st.booleans()}),
        "temperature": st.none() | st.sampled_from([0, 1]),
    },
)
PATH = st.sampled_from([CHAT, RESPONSES, "/v1/embeddings", "/v1/files"])


@given(PATH, REQUEST)
def test_the_plainest_spelling_is_its_own_plainest_spelling(path: str, body: Json) -> None:
    before = copy.deepcopy(body)
    once = plain(body, path)
    assert plain(once, path) == once
    assert body == before, "the request itself is left alone"


@given(PATH, REQUEST, st.data())
def test_a_changed_word_is_never_lost(path: str, body: Json, data: st.DataObject) -> None:
    """Any text in a request, changed, gives another plainest spelling."""
    texts = sorted(set(_texts(body)))
    chosen = data.draw(st.sampled_from(texts)) if texts else None
    if chosen is not None:
        changed = _with_changed(body, chosen)
        assert (plain(body, path) == plain(changed, path)) == (body == changed)


def _texts(value: Json) -> list[tuple[Any, ...]]:
    """The places of the texts that a model reads."""
    found: list[tuple[Any, ...]] = []
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in pairs:
        if isinstance(inner, dict | list):
            found += [(key, *rest) for rest in _texts(inner)]
        elif isinstance(inner, str) and key in {"text", "content", "model", "name"}:
            found.append((key,))
    return [place for place in found if "tools" not in place]


def _with_changed(body: Json, place: tuple[Any, ...]) -> Json:
    changed = json.loads(json.dumps(body))
    holder = changed
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] += "!"
    return changed
