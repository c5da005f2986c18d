from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmreplay.core.dialect import Json, Part, PartKind, Reply
from llmreplay.core.exchange import Chunk, Response
from llmreplay.dialects import reading
from llmreplay.dialects.reading import Document
from tests.dialects.wire import answer, raw, said, stream

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(ANY_JSON)
def test_a_value_of_the_wrong_type_reads_as_an_empty_one(value: Json) -> None:
    assert isinstance(reading.fields(value), dict)
    assert isinstance(reading.entries(value), list)
    assert isinstance(reading.words(value), str)
    assert isinstance(reading.compact(value), str)


def test_true_is_not_a_number_and_not_the_same_as_1() -> None:
    true: Json = True
    assert reading.number(true) is None
    assert reading.number(1) == 1
    assert not reading.same(true, 1)
    assert reading.same({"type": "auto"}, {"type": "auto"})


def test_json_too_deep_for_any_recursion_is_named_and_not_followed() -> None:
    deep: Json = "bottom"
    for _ in range(100_000):
        deep = [deep]
    assert reading.compact(deep) == "(too deep)"
    assert not reading.depth_within(deep, 50)
    assert reading.depth_within({"a": [1, {"b": 2}]}, 3)
    assert not reading.depth_within({"a": [1, {"b": 2}]}, 2)


@pytest.mark.parametrize(
    ("byte_count", "expected"),
    [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (34_200, "34 kB"), (1_250_000, "1.2 MB")],
)
def test_sizes_are_told_as_people_do(byte_count: int, expected: str) -> None:
    assert reading.size(byte_count) == expected


def test_long_json_is_shortened() -> None:
    assert reading.shortened("a" * 400) == "a" * 400
    assert reading.shortened("a" * 401) == "a" * 400 + "…"


# Documents


def test_a_json_body_is_one_document() -> None:
    assert reading.documents(answer({"a": 1})) == (Document({"a": 1}),)


def test_an_array_of_objects_is_its_objects() -> None:
    assert reading.documents(answer([{"a": 1}, {"a": 2}])) == (
        Document({"a": 1}),
        Document({"a": 2}),
    )


def test_an_array_of_anything_else_is_one_document() -> None:
    assert reading.documents(answer([[0.1, 0.2]])) == (Document([[0.1, 0.2]]),)


def test_a_stream_is_the_json_of_its_events_with_their_names() -> None:
    response = Response(
        200,
        (("content-type", "text/event-stream"),),
        (
            Chunk(b": comment\n\n"),
            Chunk(b'event: ping\ndata: {"a":1}\n\n'),
            Chunk(b"data: {broken\n\n"),
            Chunk(b"data: [DONE]\n\n"),
        ),
    )
    assert reading.documents(response) == (Document({"a": 1}, "ping"),)


def test_a_stream_without_its_label_is_a_stream() -> None:
    response = Response(200, (), (Chunk(b'data: {"a":1}\n\ndata: {"a":2}\n\n'),))
    assert [document.value for document in reading.documents(response)] == [{"a": 1}, {"a": 2}]


def test_an_error_labelled_as_lines_of_json_is_read_whole() -> None:
    body = json.dumps({"error": {"message": "no"}}, indent=2).encode()
    assert reading.documents(raw(body, "application/x-ndjson", 400)) == (
        Document({"error": {"message": "no"}}),
    )


def test_audio_holds_no_documents() -> None:
    assert reading.documents(raw(b"\xff\xf3", "audio/mpeg")) == ()
    assert reading.documents(stream("[DONE]")) == ()


# What is no JSON


def test_text_is_told_whole_and_files_by_their_size() -> None:
    assert reading.undecoded(raw(b"WEBVTT\n\n00:01", "text/vtt")) == Reply(
        (said("WEBVTT\n\n00:01"),)
    )
    assert reading.undecoded(raw(b"\xff" * 2000, "audio/mpeg")) == Reply(
        (Part(PartKind.AUDIO, "audio/mpeg, 2 kB"),)
    )
    assert reading.undecoded(raw(b"\xff\xd8", "image/jpeg; q=1")) == Reply(
        (Part(PartKind.IMAGE, "image/jpeg, 2 B"),)
    )
    assert reading.undecoded(raw(b"\xff\x00", "application/pdf")) == Reply(
        (Part(PartKind.FILE, "application/pdf, 2 B"),)
    )
    assert reading.undecoded(Response(204)) == Reply()


def test_bytes_that_only_look_like_text_are_a_file() -> None:
    assert reading.undecoded(raw(b"\n\x00", "application/x-protobuf")) == Reply(
        (Part(PartKind.FILE, "application/x-protobuf, 2 B"),)
    )


def test_a_failure_in_plain_text_is_its_error() -> None:
    assert reading.undecoded(raw(b"Not Found", "text/plain", 404)) == Reply(error="Not Found")
    assert reading.undecoded(raw(b"\xff", "", 500)) == Reply(error="1 B")


# Pictures and files


def test_media_are_told_by_type_and_size() -> None:
    assert reading.media("image/png", "aGVsbG8=") == Part(PartKind.IMAGE, "image/png, 5 B")
    assert reading.media("audio/wav", None, place="https://x/y") == Part(
        PartKind.AUDIO, "audio/wav, https://x/y"
    )
    assert reading.media("file", None) == Part(PartKind.FILE, "file")


def test_a_url_is_told_as_it_is_unless_it_holds_the_content() -> None:
    assert reading.data_url("https://x/cat.png", "image") == Part(
        PartKind.IMAGE, "image, https://x/cat.png"
    )
    assert reading.data_url("data:image/gif;charset=x;base64,aGVsbG8=", "image") == Part(
        PartKind.IMAGE, "image/gif, 5 B"
    )
    assert reading.data_url("data:,hello", "file") == Part(PartKind.FILE, "file, 3 B")


# Errors


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (
            {"error": {"message": "slow down", "type": "tokens", "code": "rate_limit_exceeded"}},
            "rate_limit_exceeded: slow down",
        ),
        (
            {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
            "overloaded_error: Overloaded",
        ),
        (
            {"error": {"code": 429, "message": "quota", "status": "RESOURCE_EXHAUSTED"}},
            "RESOURCE_EXHAUSTED: quota",
        ),
        ({"error": "model 'x' not found"}, "model 'x' not found"),
        ({"error": {"reason": 7}}, '{"reason": 7}'),
        ({"errors": [{"message": "first"}, {"message": "second"}]}, "first"),
        ({"errors": {"data": [{"code": "empty_file", "message": "no"}]}}, "empty_file: no"),
        ({"errors": {"data": []}}, None),
        ({"error": None, "choices": []}, None),
        ({"error": {}}, None),
        ({"message": "all is well"}, None),
        ("hello", None),
        (3, None),
    ],
)
def test_errors_are_found_in_any_shape(value: Json, expected: str | None) -> None:
    assert reading.error_text(value, expected=False) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"message": "Too many tokens"}, "Too many tokens"),
        ({"Message": "denied"}, "denied"),
        ({"detail": "Not Found"}, "Not Found"),
        (
            {"detail": [{"loc": ["body"], "msg": "field required", "type": "missing"}]},
            "missing: field required",
        ),
        (
            {"object": "error", "message": "bad", "type": "invalid_request_error", "code": None},
            "invalid_request_error: bad",
        ),
        ({"type": "error", "code": None, "message": "cut"}, "cut"),
        ("plain words", "plain words"),
        ({}, None),
    ],
)
def test_where_an_error_is_expected_a_bare_message_is_one(
    value: Json, expected: str | None
) -> None:
    assert reading.error_text(value, expected=True) == expected
