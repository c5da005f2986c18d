from __future__ import annotations

import pytest

from llmreplay.core.streams import Event, Framing, parser_for, split
from llmreplay.core.streams.sse import SseParser, field_of


def events(body: bytes) -> tuple[Event, ...]:
    return split(Framing.SSE, body)


def one_by_one(body: bytes) -> list[int]:
    """After which byte each event comes."""
    parser = SseParser()
    return [at for at in range(len(body)) for _ in parser.feed(body[at : at + 1])]


def test_an_event_has_its_data_its_name_and_every_byte() -> None:
    assert events(b'event: delta\nid: 7\nretry: 10\ndata: {"a":1}\n\n') == (
        Event(b'event: delta\nid: 7\nretry: 10\ndata: {"a":1}\n\n', b'{"a":1}', "delta"),
    )


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_lines_end_in_lf_crlf_or_cr(end: bytes) -> None:
    body = b"event: x" + end + b"data: a" + end + b"data:  b" + end + end + b"data: c" + end + end
    assert [(event.data, event.name) for event in events(body)] == [(b"a\n b", "x"), (b"c", "")]


@pytest.mark.parametrize(
    ("body", "last_byte"),
    [(b"data: a\n\n", 8), (b"data: a\r\n\r\n", 10), (b"data: a\r\r", 8), (b"data: a\n\r\n", 9)],
)
def test_an_event_comes_with_the_last_byte_of_its_blank_line(body: bytes, last_byte: int) -> None:
    assert [last_byte] == one_by_one(body)


def test_a_cr_after_an_lf_waits_for_one_more_byte() -> None:
    """It may be the first half of a CRLF."""
    assert one_by_one(b"data: a\n\rdata: b") == [9]


def test_an_lf_after_the_blank_line_of_bare_crs_leads_the_next_event() -> None:
    assert events(b"data: a\r\r\ndata: b\n\n") == (
        Event(b"data: a\r\r", b"a"),
        Event(b"\ndata: b\n\n", b"b"),
    )


def test_comments_and_blank_lines_are_pieces_without_data_or_lead_the_next_event() -> None:
    assert events(b": PROCESSING\n\n: again\ndata: a\n\n\n\n\ndata: b\n\n") == (
        Event(b": PROCESSING\n\n"),
        Event(b": again\ndata: a\n\n", b"a"),
        Event(b"\n\n"),
        Event(b"\ndata: b\n\n", b"b"),
    )


def test_an_event_without_data_is_none_by_the_standard() -> None:
    assert events(b"event: ping\n\n") == (Event(b"event: ping\n\n"),)


def test_data_may_be_empty() -> None:
    assert [event.data for event in events(b"data:\n\ndata\n\n")] == [b"", b""]


def test_a_byte_order_mark_is_no_part_of_the_first_field() -> None:
    body = b"\xef\xbb\xbfdata: a\n\n\xef\xbb\xbfdata: b\n\n"
    assert [event.data for event in events(body)] == [b"a", None]


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n", b"\r", b"\n\r"])
def test_an_event_that_the_end_of_the_body_cuts_short_is_given(end: bytes) -> None:
    assert events(b"data: a\n\ndata: [DONE]" + end)[1] == Event(b"data: [DONE]" + end, b"[DONE]")


def test_nothing_is_left_of_a_finished_stream() -> None:
    parser = parser_for(Framing.SSE)
    assert [Event(b"data: a\n\n", b"a")] == parser.feed(b"data: a\n\n")
    assert parser.finish() == []


def test_a_name_that_is_no_utf_8_is_kept_readable() -> None:
    assert events(b"event: \xff\ndata: a\n\n")[0].name == "\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize(
    ("line", "field"),
    [
        (b"data: a", (b"data", b"a")),
        (b"data:a:b", (b"data", b"a:b")),
        (b"data", (b"data", b"")),
        (b": note", (b"", b"note")),
    ],
)
def test_a_line_is_a_name_and_a_value(line: bytes, field: tuple[bytes, bytes]) -> None:
    assert field == field_of(line)
