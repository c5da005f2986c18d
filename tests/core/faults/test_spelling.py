"""Where a text stands in the bytes of an event."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmreplay.core.faults.spelling import character_end, inside_string, spelled
from llmreplay.core.streams import Event


def said(event: Event) -> str:
    """The `text`s of an array of objects."""
    try:
        return "".join(each["text"] for each in orjson.loads(event.data or b""))
    except (orjson.JSONDecodeError, KeyError):
        return ""


def event(data: bytes) -> Event:
    return Event(b"data: " + data + b"\n\n", data)


def test_only_strings_that_are_read() -> None:
    one = event(b'[{"role":"He","text":"He"},{"text":"llo"}]')
    assert [one.raw[start:end] for start, end in spelled(one, said)] == [b"He", b"llo"]
    assert one.raw[: spelled(one, said)[0][0]].endswith(b'"text":"')


@pytest.mark.parametrize(
    "one", [Event(b": ping\n\n"), event(b"[]"), Event(b"data: [\ndata: ]\n\n", b"[\n]")]
)
def test_nothing_is_found_where_nothing_is_said(one: Event) -> None:
    assert spelled(one, said) == ()
    assert character_end(one, said, 1) is None
    assert inside_string(one, said) is None


def test_a_text_that_is_not_there_as_such() -> None:
    assert spelled(event(b'[{"text":"He"}]'), lambda one: said(one).upper()) == ()


def test_strings_that_no_json_has_are_passed_over() -> None:
    assert spelled(event(b'[{"x":"\\q","text":"He"}]'), lambda _event: "He") == ()


def test_behind_so_many_characters() -> None:
    one = event(b'[{"text":"He"},{"text":"llo"}]')
    assert one.raw[: character_end(one, said, 3)].endswith(b'{"text":"l')
    assert character_end(one, said, 6) is None


def test_a_string_that_is_read_among_others() -> None:
    one = event(b'[{"x":1,"text":{"He":"y"}}]')
    assert inside_string(one, lambda each: str(orjson.loads(each.data or b"")[0].get("text"))) == (
        one.raw.find(b"He")
    )


@given(st.text(min_size=1), st.integers(min_value=1, max_value=5), st.booleans())
def test_any_text_in_any_spelling(text: str, count: int, ascii_only: bool) -> None:  # noqa: FBT001  # hypothesis gives it
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    import json  # noqa: PLC0415  # its escapes differ from orjson's

    one = event(json.dumps([{"text": text}], ensure_ascii=ascii_only).encode())
    end = character_end(one, said, min(count, len(text)))
    assert end is not None
    literal = one.raw[len(b'data: [{"text": "') : end]
    assert orjson.loads(b'"' + literal + b'"') == text[:count]
