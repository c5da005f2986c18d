from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmreplay.core.canonical.body import BodyKind, read_body
from llmreplay.core.exchange import Request


def read(body: bytes, content_type: str = "application/json") -> tuple[BodyKind, Any]:
    headers = (("Content-Type", content_type),)
    return read_body(Request("POST", "https://api.example.com/v1/chat", headers, body))


@pytest.mark.parametrize(
    ("body", "content_type", "kind"),
    [
        (b"", "application/json", BodyKind.NONE),
        (b' \n[{"a": 1}]', "text/plain", BodyKind.JSON),
        (b"{}", "application/x-www-form-urlencoded", BodyKind.JSON),
        (b'"text"', "application/json", BodyKind.TEXT),
        (b"null", "application/json", BodyKind.TEXT),
        (b"{not json}", "application/json", BodyKind.TEXT),
        (b'{"a": 1}\n{"a": 2}\n', "application/x-ndjson", BodyKind.TEXT),
        (b"a=1&b=2", "application/x-www-form-urlencoded; charset=utf-8", BodyKind.FORM),
        (b"a=1&b=2", "text/plain", BodyKind.TEXT),
        (b"\xff\xd8\xff", "application/json", BodyKind.BINARY),
        (b"[" * 100 + b"]" * 100, "application/json", BodyKind.JSON),
        (b"[" * 101 + b"]" * 101, "application/json", BodyKind.TEXT),
        (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, "application/json", BodyKind.TEXT),
        (rb'["\ud83d",' + b"[" * 50_000, "application/json", BodyKind.TEXT),
        (b"[" + b"[]," * 500 + b"[]]", "application/json", BodyKind.JSON),
    ],
)
def test_a_body_is_what_its_bytes_are(body: bytes, content_type: str, kind: BodyKind) -> None:
    assert kind == read(body, content_type)[0]


def test_half_an_emoji_is_read_as_it_was_meant() -> None:
    body = rb'{"cut": "\ud83d", "big": 123456789012345678901, "small": -1, "real": 0.5}'
    assert read(body) == (
        BodyKind.JSON,
        {"cut": "\ud83d", "big": 1.2345678901234568e20, "small": -1, "real": 0.5},
    )


@pytest.mark.parametrize("number", [b"NaN", b"-Infinity", b"1e999", b"9" * 5_000])
def test_what_json_cannot_say_is_text(number: bytes) -> None:
    assert read(rb'["\ud83d", %b]' % number)[0] is BodyKind.TEXT


def test_fields_of_a_form_stand_by_name_those_of_one_name_in_order() -> None:
    got = read(b"b=2&a=%C3%BC&b=1", "application/x-www-form-urlencoded")
    assert got == (
        BodyKind.FORM,
        [{"name": "a", "value": "ü"}, {"name": "b", "value": "2"}, {"name": "b", "value": "1"}],
    )


@given(
    st.binary(),
    st.sampled_from(["application/json", "multipart/form-data", "x-www-form-urlencoded", ""]),
)
def test_no_body_is_too_odd(body: bytes, content_type: str) -> None:
    assert (read(body, content_type)[0] is BodyKind.NONE) == (body == b"")
