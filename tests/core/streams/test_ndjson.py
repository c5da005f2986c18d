from __future__ import annotations

from llmreplay.core.streams import Event, Framing, split
from llmreplay.core.streams.ndjson import NdjsonParser


def test_a_line_is_an_event() -> None:
    assert split(Framing.NDJSON, b'{"a":1}\n {"b":2} \r\n') == (
        Event(b'{"a":1}\n', b'{"a":1}'),
        Event(b' {"b":2} \r\n', b'{"b":2}'),
    )


def test_a_blank_line_has_no_data() -> None:
    assert split(Framing.NDJSON, b"\n \r\n") == (Event(b"\n"), Event(b" \r\n"))


def test_the_last_line_needs_no_end() -> None:
    assert split(Framing.NDJSON, b'{"a":1}\n{"b"') == (
        Event(b'{"a":1}\n', b'{"a":1}'),
        Event(b'{"b"', b'{"b"'),
    )


def test_a_line_comes_with_its_last_byte() -> None:
    parser = NdjsonParser()
    assert parser.feed(b"{") == []
    assert parser.feed(b"}\n{") == [Event(b"{}\n", b"{}")]
    assert parser.finish() == [Event(b"{", b"{")]
