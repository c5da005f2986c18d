"""Plans become HTTP/1.1 bytes."""

from dataclasses import replace

import pytest

from llmreplay.core.exchange import Ending
from llmreplay.core.plan import Plan, Step, Wire
from llmreplay.proxy.wire import Prepared, broken, chunk, frame

JSON = (("content-type", "application/json"),)
ANSWER = Plan(200, "OK", JSON, (Step(0, b"{}"),))
STREAM = Plan(200, "OK", (), (Step(0, b"one"), Step(0, b""), Step(0, b"twelve chars")), True)  # noqa: FBT003  # as a reader would write it


def test_an_answer_has_its_length() -> None:
    assert Prepared(ANSWER).instant == (
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
    )


def test_a_stream_has_a_chunk_a_step_and_no_empty_one() -> None:
    assert Prepared(STREAM).instant == (
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
        b"3\r\none\r\nc\r\ntwelve chars\r\n0\r\n\r\n"
    )


def test_what_waits_or_breaks_is_not_one_piece() -> None:
    assert Prepared(Plan(200, "OK", (), (Step(5, b"late"),))).instant is None
    assert Prepared(Plan(200, "OK", (), (), ending=Ending.RESET)).instant is None


def test_http_1_0_gets_no_chunks_and_the_end_by_closing() -> None:
    framed = frame(STREAM, keep_alive=True, http_1_0=True)
    assert framed.whole == b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nonetwelve chars"
    assert not framed.keep_alive


def test_http_1_0_keeps_a_connection_it_asked_to_keep() -> None:
    framed = frame(ANSWER, keep_alive=True, http_1_0=True)
    assert b"connection: keep-alive" in framed.head


def test_a_client_that_closes_is_told_so() -> None:
    assert b"connection: close" in frame(ANSWER, keep_alive=False).head


def test_head_and_204_have_no_body() -> None:
    assert frame(ANSWER, keep_alive=True, head_only=True).whole.endswith(
        b"content-length: 2\r\n\r\n"
    )
    nothing = frame(Plan(204, "No Content", (), ()), keep_alive=True)
    assert nothing.whole == b"HTTP/1.1 204 No Content\r\n\r\n"
    assert nothing.keep_alive


def test_a_truncated_answer_promises_more_than_it_has() -> None:
    cut = frame(Plan(200, "OK", (), (Step(0, b"ab"),), ending=Ending.TRUNCATED), keep_alive=True)
    assert b"content-length: 3\r\n" in cut.head
    assert not cut.keep_alive


@pytest.mark.parametrize("ending", [Ending.TRUNCATED, Ending.RESET])
def test_an_answer_that_breaks_does_not_say_so_before(ending: Ending) -> None:
    broken = frame(replace(STREAM, ending=ending), keep_alive=True)
    assert b"connection" not in broken.head
    assert not broken.keep_alive


def test_framing_is_never_taken_from_headers() -> None:
    theirs = (("Content-Length", "9"), ("Transfer-Encoding", "chunked"), ("Connection", "close"))
    framed = frame(replace(ANSWER, headers=theirs), keep_alive=True)
    assert framed.whole == b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"


def test_a_truncated_stream_has_no_last_chunk() -> None:
    cut = frame(
        Plan(200, "OK", (), (Step(0, b"ab"),), streamed=True, ending=Ending.TRUNCATED),
        keep_alive=True,
    )
    assert cut.whole.endswith(b"2\r\nab\r\n")


def test_an_empty_chunk_would_end_the_body_and_is_none() -> None:
    assert chunk(b"") == b""
    assert chunk(b"x" * 16) == b"10\r\n" + b"x" * 16 + b"\r\n"


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        (Wire.SOUND, b"2\r\nab\r\n"),
        (Wire.STALL, b"2\r\nab\r\n"),
        (Wire.BAD_CHUNK, b"no size\r\nab\r\n"),
        (Wire.BAD_LENGTH, b"1\r\nab\r\n"),
    ],
)
def test_only_the_last_chunk_is_broken_and_none_ends_the_body(wire: Wire, expected: bytes) -> None:
    plan = replace(STREAM, steps=(Step(0, b"one"), Step(0, b"ab")), wire=wire)
    framed = frame(plan, keep_alive=True)
    assert broken(b"ab", wire) == expected
    last = b"0\r\n\r\n" if wire is Wire.SOUND else b""
    assert framed.whole.endswith(b"\r\n\r\n3\r\none\r\n" + expected + last)
    assert framed.keep_alive is (wire is Wire.SOUND)


def test_what_is_announced_may_differ_from_what_is_sent() -> None:
    plan = replace(ANSWER, announced=1, wire=Wire.BAD_LENGTH, ending=Ending.TRUNCATED)
    framed = frame(plan, keep_alive=True)
    assert framed.whole == (
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1\r\n\r\n{}"
    )
    assert not framed.keep_alive
    assert Prepared(plan).instant is None


def test_a_head_alone_may_be_late() -> None:
    framed = frame(replace(STREAM, steps=(Step(800, b""),)), keep_alive=True)
    assert framed.steps == ((800, b""),)
    assert framed.whole == b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
