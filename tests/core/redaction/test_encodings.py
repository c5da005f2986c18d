from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from llmreplay.core.redaction.encodings import (
    KnownValue,
    base64_needles,
    plain_spelling,
    short_needles,
    text_in_base64,
    unwrap,
    wrap,
)
from llmreplay.core.redaction.formats import latin1
from llmreplay.core.redaction.spans import Span, Wrapped

if TYPE_CHECKING:
    from collections.abc import Callable

SECRETS = st.one_of(
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=30),
    st.from_regex(r"[A-Za-z0-9+/=._~:@#&\"\\ -]{8,40}", fullmatch=True),
)


def spelled(text: str) -> list[str]:
    """Ways to write a text that are common in what is recorded and in what is stored."""
    inner = json.dumps(text)[1:-1]
    return [
        text,
        inner,
        json.dumps(text, ensure_ascii=False)[1:-1],
        json.dumps(inner)[1:-1],
        json.dumps(json.dumps(inner)[1:-1])[1:-1],
        inner.replace("/", "\\/"),
        quote(text, safe=""),
        quote(text),
        yaml.safe_dump(text, default_style='"', width=10**6, allow_unicode=True).strip()[1:-1],
        text.encode().hex(),
        text.encode().hex().upper(),
    ]


def found(secret: bytes, text: bytes) -> list[Span]:
    known = KnownValue(secret)
    hits = latin1(known.probe).finditer(text)
    return [span for hit in hits if (span := known.around(text, hit.start()))]


@example("new\nline\tand\rmore", 1, "")
@example("new\nline\tand\rmore", 8, "")
@given(SECRETS, st.sampled_from(range(11)), st.sampled_from(["", "<", "é "]))
def test_a_value_is_found_however_it_is_spelled(secret: str, way: int, before: str) -> None:
    spelling = spelled(secret)[way].encode()
    text = before.encode() + spelling + b">"
    raw = secret.encode()

    assert any(
        text[span.start : span.end] == spelling and span.secret == raw for span in found(raw, text)
    ) or spelling.startswith(b"\\")  # what escapes a backslash may be read as part of it


def test_a_value_of_bytes_that_are_no_text_is_found_too() -> None:
    raw = b"\xff/\xfe+"
    assert found(raw, b"<\xff/\xfe+>") == [Span(1, 5, raw)]
    assert found(raw, b"<%ff%2F%FE%2b>") == [Span(1, 13, raw)]


@pytest.mark.parametrize(
    "text", [b"abcdefgh", b"+abcdefgh/", b"/abcdefgh+", b"2f616263646566672b", b""]
)
def test_a_part_of_a_value_is_not_the_value(text: bytes) -> None:
    assert found(b"/abcdefgh+/", text) == []


@given(
    st.from_regex(rb"[!-~]{6,40}", fullmatch=True), st.binary(max_size=20), st.binary(max_size=20)
)
def test_one_needle_or_another_is_in_all_base64_of_a_secret(
    secret: bytes, before: bytes, after: bytes
) -> None:
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        text = b"== " + encode(before + secret + after) + b" =="
        places = [
            (at, shift)
            for needle, shift in (*base64_needles(secret), *short_needles(secret))
            for at in range(len(text))
            if text.startswith(needle, at)
        ]
        assert any(
            (wrapped := unwrap(text, at, shift)) is not None and secret in wrapped.decoded
            for at, shift in places
        )


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@given(data=st.binary(max_size=60), before=st.sampled_from(["", "x", "x/y-"]))
def test_what_is_unwrapped_can_be_wrapped_as_it_was(
    encode: Callable[[bytes], bytes], data: bytes, before: str
) -> None:
    for digits in (encode(data), encode(data).rstrip(b"=")):
        text = f"{before}. ".encode() + digits + b" ."
        wrapped = unwrap(text, len(before) + 2, 0)

        assert wrapped is not None
        assert wrap(wrapped, wrapped.decoded) == digits == text[wrapped.start : wrapped.end]


def test_a_digit_too_many_is_left_over() -> None:
    assert unwrap(b"YWJjZ", 0, 0) == Wrapped(0, 4, b"abc")


def test_a_needle_before_the_first_group_of_four_is_in_no_base64() -> None:
    assert unwrap(b"aaaa", 1, 2) is None


def test_base64_is_read_from_shortly_before_and_no_farther_than_the_limit() -> None:
    text = base64.b64encode(b"abc" * 1000)
    assert unwrap(text, 2000, 0, limit=40) == Wrapped(1744, 2040, b"abc" * 74)


@pytest.mark.parametrize("glue", [b"", b"n", b"id", b"x-y", b"path/"])
@pytest.mark.parametrize("said", [b"plain words in it, many", b"short plain words in"])
def test_text_in_base64_is_told_from_other_runs_of_letters(glue: bytes, said: bytes) -> None:
    text = glue + base64.urlsafe_b64encode(said)
    wrapped = text_in_base64(text, (0, len(text.rstrip(b"="))))
    assert wrapped is not None
    assert wrapped.decoded.endswith(said)


def test_other_runs_of_letters_are_no_text_in_base64() -> None:
    text = b"chatcmpl_Ab3dEfGh1jKlMn0pQrStUvWxYz1234567890"
    assert text_in_base64(text, (0, len(text))) is None


@pytest.mark.parametrize(
    ("spelling", "plain"),
    [
        (b"abc", b"abc"),
        (b"a\\/b\\\\\\/c", b"a/b/c"),
        (b"a\\u002bb", b"a+b"),
        (b"a%2Fb%3d", b"a/b="),
        (b"a\\ud800", b"a?"),
    ],
)
def test_the_plain_spelling_has_no_escapes(spelling: bytes, plain: bytes) -> None:
    assert plain == plain_spelling(spelling)
