from __future__ import annotations

import pytest

from llmreplay.core.streams import Event, Framing, split
from llmreplay.core.streams.json_array import JsonArrayParser


def events(body: bytes) -> tuple[Event, ...]:
    return split(Framing.JSON_ARRAY, body)


def test_an_element_is_an_event_led_by_what_separates_it() -> None:
    assert events(b' [{"a":[1]}\r\n,\r\n {"b":{}}\n]\n') == (
        Event(b' [{"a":[1]}', b'{"a":[1]}'),
        Event(b'\r\n,\r\n {"b":{}}', b'{"b":{}}'),
        Event(b"\n]"),
        Event(b"\n"),
    )


def test_brackets_and_quotes_in_strings_are_text() -> None:
    assert [event.data for event in events(rb'[{"a":"]}\"],"},"[\\",["x\\\""]]')] == [
        rb'{"a":"]}\"],"}',
        rb'"[\\"',
        rb'["x\\\""]',
        None,
    ]


def test_numbers_and_words_are_elements_too() -> None:
    assert events(b"[1, -2.5e3 ,null]") == (
        Event(b"[1", b"1"),
        Event(b", -2.5e3 ", b"-2.5e3"),
        Event(b",null", b"null"),
        Event(b"]"),
    )


@pytest.mark.parametrize("body", [b"[]", b" [ ]"])
def test_an_empty_array_has_no_events(body: bytes) -> None:
    assert events(body) == (Event(body),)


@pytest.mark.parametrize("body", [b'{"error":{}}', b"oops", b"  "])
def test_what_is_no_array_is_one_piece(body: bytes) -> None:
    assert events(body) == (Event(body),)


def test_a_broken_array_ends_in_a_piece_without_data() -> None:
    assert events(b'[{"a":1},{"b":"x\\') == (
        Event(b'[{"a":1}', b'{"a":1}'),
        Event(b',{"b":"x\\'),
    )


def test_stray_closing_brackets_do_no_harm() -> None:
    assert b"".join(event.raw for event in events(b'[}],"a"]}')) == b'[}],"a"]}'


def test_an_element_comes_with_its_last_byte() -> None:
    parser = JsonArrayParser()
    assert parser.feed(b"") == []
    assert parser.feed(b' [{"a":"\\') == []
    assert parser.feed(b'"') == []
    assert parser.feed(b'"}') == [Event(b' [{"a":"\\""}', b'{"a":"\\""}')]
    assert parser.feed(b",7") == []
    assert parser.feed(b"]") == [Event(b",7", b"7"), Event(b"]")]
    assert parser.finish() == []
