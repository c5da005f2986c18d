"""What passes is kept as it passes: decoded, cut into events, timed."""

import gzip

from hypothesis import given
from hypothesis import strategies as st

from llmreplay.core.capture import Capture
from llmreplay.core.exchange import Chunk, Ending, Headers, Response
from llmreplay.core.streams import Event

SSE: Headers = (("content-type", "text/event-stream"),)
JSON: Headers = (("content-type", "application/json"),)
DONE = b"data: [DONE]\n\n"


def ends_with_done(event: Event) -> bool:
    return event.data == b"[DONE]"


def capture(headers: Headers, *, length: int | None = None, limit: int = 10_000) -> Capture:
    return Capture(
        200, headers, content_length=length, ends_stream=ends_with_done, limit_bytes=limit
    )


def test_a_stream_is_kept_event_by_event_with_the_wait_before_each() -> None:
    kept = capture(SSE)
    kept.feed(b"data: 1\n", 100.2)
    kept.feed(b"\ndata: 2\n\n", 130.4)
    kept.feed(b"data: 3\n\n", 131.0)
    assert kept.response(Ending.COMPLETE) == Response(
        200,
        SSE,
        (Chunk(b"data: 1\n\n", 130), Chunk(b"data: 2\n\n", 0), Chunk(b"data: 3\n\n", 1)),
    )


def test_waits_do_not_drift_by_rounding() -> None:
    kept = capture(SSE)
    for i in range(100):
        kept.feed(b"data: x\n\n", 0.4 * i)
    assert sum(chunk.wait_ms for chunk in kept.response(Ending.COMPLETE).chunks) == 40


def test_codings_are_taken_off_and_their_header_with_them() -> None:
    kept = capture((*JSON, ("Content-Encoding", "gzip")))
    kept.feed(gzip.compress(b'{"a": 1}'), 5)
    assert kept.response(Ending.COMPLETE) == Response(200, JSON, (Chunk(b'{"a": 1}', 5),))


def test_a_body_that_is_not_in_the_coding_it_names_stays_as_it_is() -> None:
    headers: Headers = (*JSON, ("content-encoding", "gzip"))
    kept = capture(headers)
    kept.feed(b'{"plain": ', 1)
    kept.feed(b"true}", 2)
    assert kept.response(Ending.COMPLETE) == Response(200, headers, (Chunk(b'{"plain": true}', 2),))


def test_a_coding_that_breaks_later_is_a_problem() -> None:
    kept = capture((*SSE, ("content-encoding", "gzip")))
    packed = gzip.compress(b"data: 1\n\n" * 200)
    kept.feed(packed[:-8], 1)
    kept.feed(b"wrong-crc", 2)
    assert kept.problem is not None
    kept.feed(b"more", 3)
    assert kept.response(Ending.RESET).body == b""


def test_an_unknown_coding_is_kept_coded() -> None:
    headers: Headers = (("content-encoding", "compress"),)
    kept = capture(headers)
    kept.feed(b"\x1f\x9d", 1)
    assert kept.response(Ending.COMPLETE) == Response(200, headers, (Chunk(b"\x1f\x9d", 1),))


def test_more_than_the_limit_is_a_problem_and_is_let_go() -> None:
    kept = capture(JSON, limit=10)
    kept.feed(b"12345", 1)
    kept.feed(b"678901", 2)
    assert kept.problem == "the body decodes to more than the limit of 10 bytes"
    assert kept.response(Ending.COMPLETE).body == b""


def test_an_undecodable_body_is_bounded_too() -> None:
    kept = capture((("content-encoding", "compress"),), limit=10)
    kept.feed(b"x" * 11, 1)
    assert kept.problem == "it is larger than the limit of 10 bytes"


def test_the_end_marker_is_told_by_its_place() -> None:
    kept = capture(SSE)
    kept.feed(b"data: 1\n\nda", 1)
    assert kept.end_at is None
    kept.feed(DONE[2:] + b": bye\n\n", 2)
    assert kept.end_at == len(b"data: 1\n\n")
    kept.feed(DONE, 3)
    assert kept.end_at == len(b"data: 1\n\n")


def test_in_a_coded_stream_the_place_is_that_of_the_piece() -> None:
    kept = capture((*SSE, ("content-encoding", "gzip")))
    packed = gzip.compress(b"data: 1\n\n" + DONE)
    kept.feed(packed[:5], 1)
    kept.feed(packed[5:], 2)
    assert kept.end_at == 5


def test_no_marker_is_looked_for_where_nothing_streams() -> None:
    kept = capture((("content-type", "text/plain"),))
    kept.feed(b"[DONE]", 1)
    assert kept.end_at is None


@given(st.lists(st.integers(1, 60), max_size=30))
def test_any_split_gives_the_same_events(cuts: list[int]) -> None:
    body = b"".join(b'data: {"n": %d}\n\n' % n for n in range(20)) + DONE
    kept = capture(SSE)
    rest = body
    for size in cuts:
        kept.feed(rest[:size], 0)
        rest = rest[size:]
    kept.feed(rest, 0)
    whole = capture(SSE)
    whole.feed(body, 0)
    assert kept.response(Ending.COMPLETE) == whole.response(Ending.COMPLETE)
    assert kept.end_at == whole.end_at == len(body) - len(DONE)
