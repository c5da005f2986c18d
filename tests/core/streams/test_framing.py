from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from llmreplay.core.streams import Event, Framing, framing_of, parser_for, split
from llmreplay.core.streams.event_stream import Frame, encode_frame

FRAME = encode_frame(Frame((), b"{}"))

# Bytes that mean something to one parser or another, and some that do not.
WORDS = (b"data: x", b"event: y", b": c", b"data", b"\xef\xbb\xbf", b"\n", b"\r", b"\r\n", b"\0")
MARKS = (b"[", b"]", b"{", b"}", b",", b'"', b"\\", b" 1", b'{"a":1}', FRAME, FRAME[:9])
SOUP = st.lists(st.sampled_from((*WORDS, *MARKS)), max_size=40).map(b"".join)
CUTS = st.lists(st.integers(1, 9), max_size=60)


def fed(framing: Framing, body: bytes, cuts: list[int]) -> tuple[Event, ...]:
    """The events of `body` when it comes in pieces of the lengths `cuts`, then the rest."""
    parser = parser_for(framing)
    events: list[Event] = []
    for length in cuts:
        events += parser.feed(body[:length])
        body = body[length:]
    return (*events, *parser.feed(body), *parser.finish())


@pytest.mark.parametrize("framing", Framing)
@given(body=SOUP, cuts=CUTS)
@example(body=b"data: a\r\n\r\ndata: b\r\r\n\n\r", cuts=[1] * 23)
@example(body=b'[{"a":"\\"}"}\r\n,\r\n1]\n', cuts=[1] * 20)
@example(body=FRAME * 2, cuts=[1] * 36)
def test_any_split_gives_the_same_events_and_every_byte(
    framing: Framing, body: bytes, cuts: list[int]
) -> None:
    whole = split(framing, body)
    assert fed(framing, body, cuts) == whole
    assert b"".join(event.raw for event in whole) == body


@pytest.mark.parametrize("framing", Framing)
@given(body=st.binary(max_size=200), cuts=CUTS)
def test_the_same_for_any_bytes_at_all(framing: Framing, body: bytes, cuts: list[int]) -> None:
    whole = split(framing, body)
    assert fed(framing, body, cuts) == whole
    assert b"".join(event.raw for event in whole) == body


@pytest.mark.parametrize(
    ("framing", "event"),
    [
        (Framing.SSE, b'data: {"delta":"some text"}\n\n'),
        (Framing.SSE, b"data: " + b"x" * 1000),
        (Framing.NDJSON, b'{"delta":"some text"}\n'),
        (Framing.JSON_ARRAY, b'[{"delta":"some text"},'),
        (Framing.JSON_ARRAY, b'["' + b"x" * 1000),
        (Framing.EVENT_STREAM, FRAME),
    ],
)
def test_time_grows_with_the_length_and_no_faster(framing: Framing, event: bytes) -> None:
    """Quadratic work on 256 KiB, a few bytes at a time, would take minutes."""
    body = event * (256 * 1024 // len(event))
    parser = parser_for(framing)
    raw = [e.raw for at in range(0, len(body), 7) for e in parser.feed(body[at : at + 7])]
    assert body == b"".join(raw) + b"".join(e.raw for e in parser.finish())


def test_a_body_that_is_no_stream_is_one_piece() -> None:
    assert split(Framing.NONE, b"abc") == (Event(b"abc", b"abc"),)
    assert split(Framing.NONE, b"") == ()


SSE_BODY = b'data: {"a":1}\n\n'
LABELLED = [
    ("text/event-stream; charset=utf-8", b"", Framing.SSE),
    ("Text/Event-Stream", SSE_BODY, Framing.SSE),
    ("text/event-stream", b"anything: else", Framing.SSE),
    ("text/event-stream", b'{"error":{}}', Framing.NONE),
    ("application/vnd.amazon.eventstream", b"", Framing.EVENT_STREAM),
    ("application/vnd.amazon.eventstream", FRAME, Framing.EVENT_STREAM),
    ("application/vnd.amazon.eventstream", b'{"message":"no"}', Framing.NONE),
    ("application/x-ndjson", b"", Framing.NDJSON),
    ("application/stream+json", b'{"a":1}\n', Framing.NDJSON),
    ("application/jsonl", SSE_BODY, Framing.NDJSON),
    ("application/json", b' [{"a":1}', Framing.JSON_ARRAY),
    ("application/json", b'{"a":1}', Framing.NONE),
    ("application/json", b"", Framing.NONE),
    ("audio/mpeg", SSE_BODY, Framing.NONE),
    ("text/html", b"<html>", Framing.NONE),
]
UNLABELLED = [
    (SSE_BODY, Framing.SSE),
    (b"\xef\xbb\xbfdata: x\n\n", Framing.SSE),
    (b"\n\ndata: [DONE]\n\n", Framing.SSE),
    (b": OPENROUTER PROCESSING\n\n", Framing.SSE),
    (b"event: message_start\ndata: {}\n\n", Framing.SSE),
    (b"id: 1\ndata: {}\n\n", Framing.SSE),
    (b'{"a":1}\n{"b":2}\n', Framing.NDJSON),
    (b'{"a":1}\n', Framing.NONE),
    (b'{\n  "a": 1\n}', Framing.NONE),
    (b'[{"a":1}]', Framing.NONE),
    (b"data:image/png;base64,AAAA", Framing.NONE),
    (b"id", Framing.NONE),
    (FRAME, Framing.EVENT_STREAM),
    (b"", Framing.NONE),
]


@pytest.mark.parametrize(("media_type", "start", "framing"), LABELLED)
def test_a_label_decides_unless_the_bytes_say_otherwise(
    media_type: str, start: bytes, framing: Framing
) -> None:
    headers = (("X-Other", "1"), ("Content-Type", media_type))
    assert framing is framing_of(headers, start, length_known=False)


@pytest.mark.parametrize(("start", "framing"), UNLABELLED)
@pytest.mark.parametrize(
    "headers",
    [(), (("content-type", "text/plain"),), (("content-type", "application/octet-stream"),)],
    ids=["none", "plain", "octets"],
)
def test_without_a_right_label_the_bytes_decide(
    headers: tuple[tuple[str, str], ...], start: bytes, framing: Framing
) -> None:
    assert framing is framing_of(headers, start, length_known=False)


def test_streams_mislabelled_as_json_are_streams() -> None:
    headers = (("content-type", "application/json"),)
    assert framing_of(headers, SSE_BODY, length_known=True) is Framing.SSE
    assert framing_of(headers, b'{"a":1}\n{"b":2}', length_known=True) is Framing.NDJSON


def test_an_array_of_known_length_is_an_answer_not_a_stream() -> None:
    headers = (("content-type", "application/json"),)
    assert framing_of(headers, b'[{"a":1}]', length_known=True) is Framing.NONE
