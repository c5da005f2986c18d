from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llmreplay.interop.field import Field, MisfitError
from llmreplay.interop.values import (
    base64_bytes,
    body_bytes,
    headers_of,
    hex_bytes,
    json_bytes,
    text_bytes,
    whole_ms,
)

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("headers", "pairs"),
    [
        ({"Accept": ["a", "b"], "X": "c"}, (("Accept", "a"), ("Accept", "b"), ("X", "c"))),
        ({"X": [b"raw"], "Retry-After": 2, "X-Ok": True}, None),
        ({"X": [], "Y": None, "Z": [" padded\t"]}, (("Z", "padded"),)),
        ({}, ()),
        (None, ()),
    ],
)
def test_headers_are_pairs(headers: object, pairs: object) -> None:
    expected = (
        pairs if pairs is not None else (("X", "raw"), ("Retry-After", "2"), ("X-Ok", "true"))
    )

    assert headers_of(Field(headers)) == expected


@pytest.mark.parametrize(
    ("body", "data"),
    [
        (None, b""),
        ("", b""),
        ("café", "café".encode()),
        (b"\x00\xff", b"\x00\xff"),
        ({"a": [1, 2.5, None], "b": "é"}, '{"a":[1,2.5,null],"b":"é"}'.encode()),
        ([], b"[]"),
    ],
)
def test_bodies_are_bytes(body: object, data: bytes) -> None:
    assert body_bytes(Field(body)) == data


def test_base64_may_have_line_breaks() -> None:
    assert base64_bytes(Field("aGVs\n bG8=\n")) == b"hello"


@pytest.mark.parametrize(
    ("read", "value", "reason"),
    [
        (base64_bytes, "a", "body is not valid base64: "),
        (hex_bytes, "0g", "body is not valid hexadecimal: "),
        (json_bytes, float("nan"), "body cannot be written as JSON: "),
        (json_bytes, {"a": b"raw"}, "body cannot be written as JSON: "),
        (text_bytes, "\ud800", "body cannot be UTF-8: surrogates not allowed"),
        (json_bytes, ["\ud800"], "body cannot be written as JSON: "),
    ],
)
def test_what_stands_for_no_bytes_is_named(
    read: Callable[[Field], bytes], value: object, reason: str
) -> None:
    with pytest.raises(MisfitError) as caught:
        read(Field(value, ("body",)))

    assert caught.value.reason.startswith(reason)


def test_hexadecimal_is_bytes() -> None:
    assert hex_bytes(Field("00ff")) == b"\x00\xff"


@pytest.mark.parametrize(
    ("duration", "milliseconds"),
    [
        (12.6, 13),
        (0, 0),
        (-1, 0),
        (float("nan"), 0),
        (float("inf"), 86_400_000),
        ("12", 0),
        (None, 0),
    ],
)
def test_durations_are_whole_and_bounded(duration: object, milliseconds: int) -> None:
    assert whole_ms(duration) == milliseconds
