from __future__ import annotations

import pytest

from llmreplay.core.redaction.formats import (
    FORMATS,
    INNER,
    MAYBE,
    begins_word,
    format_at,
    is_plain,
    kind_of,
)
from llmreplay.core.redaction.spans import Span
from tests.core.redaction.keys import FORMS, Form, Made

KEY = "gsk_" + "a1B2" * 13
TOKEN = b"a1B2/c3D4+" * 16
BARE = [form for form in FORMS if form.context == "{}"]


def at(text: bytes, anchor: bytes) -> Span | None:
    found = format_at(text, text.index(anchor))
    return found and found[1]


@pytest.mark.parametrize("form", BARE, ids=lambda form: form.name)
def test_a_key_is_found_where_it_may_be(form: Form) -> None:
    for seed in range(20):
        key = form.make(Made(f"{form.name} {seed}")).encode()
        text = b"so " + key + b" so"
        hit = MAYBE.search(text)
        found = format_at(text, hit.start())
        assert found is not None
        assert found[0].strong
        assert found[1] == Span(3, 3 + len(key), key)


@pytest.mark.parametrize("form", BARE, ids=lambda form: form.name)
def test_the_kind_of_a_key_is_told_by_its_form_alone(form: Form) -> None:
    key = form.make(Made(form.name)).encode()
    found = format_at(key, MAYBE.search(key).start())
    assert found is not None
    assert kind_of(key) == found[0].kind
    assert kind_of(key).isalpha()


@pytest.mark.parametrize(
    ("secret", "kind"),
    [
        (b"org-GKgUkEpTs8iJbqUCqnL6JW5H", "org"),
        (b"123456789012", "account"),
        (b"whatever", "key"),
        (b"0123456789abcdef" * 4, "key"),
    ],
)
def test_other_kinds(secret: bytes, kind: str) -> None:
    assert kind == kind_of(secret)


@pytest.mark.parametrize(
    "before",
    [
        "",
        " ",
        '"',
        "=",
        ":",
        "/",
        "+",
        "\n",
        "\\n",
        "\\\\n",
        "\\u0022",
        "\\x22",
        "%3D",
        "%3d",
        "\x1b[32m",
        "\\u001b[1;31m",
        "é",
        "the+key+is+",
        "https://example.com/v1/models/some-model/keys/for/all/those/who/have/none/",
    ],
)
def test_a_key_begins_where_a_word_begins(before: str) -> None:
    text = (before + KEY).encode()
    assert begins_word(text, len(before.encode()))
    assert at(text, b"gsk_") == Span(len(before.encode()), len(text), KEY.encode())


@pytest.mark.parametrize("before", ["a", "Z", "0", "_", "-", "task-", "m"])
def test_a_key_does_not_begin_inside_a_word(before: str) -> None:
    assert at((before + KEY).encode(), b"gsk_") is None


@pytest.mark.parametrize("sign", [b"+", b"/"])
def test_a_key_does_not_begin_inside_base64(sign: bytes) -> None:
    blob = Made(1).some("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 80)
    text = blob.encode() + sign + b"AIza" + b"Ab1" * 40
    assert at(text, b"AIza") is None


@pytest.mark.parametrize(
    "text",
    [
        b"sk-circle-fade-dot and sk-cube-grid",
        b"risk-adjusted-returns-of-everything",
        b"sk-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        b"sk-a1b2c3",
        b"hf_hub_download_some_model_and_more_of_it",
        b"pa-lower-case-words-that-are-long-enough",
        b"r8_all_words_and_no_numbers_to_be_found_here",
        b"ACCAGGTTACGTACGTACGTACGT",
        b"ACCAGGTTACGTACGTACGT",
        b"AKIAABCDEFGHIJKLMNOPQ",
        b"Signature=short",
        b"sig=abcdefghijklmnopqrstuvwxyz",
        b"https://example.com:8080/path@x",
        b"postgres://user:password@host/db",
        b"X-Amz-Signature=REDACTED-key-1&x",
        b"x-amz-security-token:REDACTED-key-1\nhost",
        b"content-type;x-amz-security-token\n" + b"0123456789abcdef" * 4,
        b'{"x-amz-security-token": credentials.session_token or request.token}',
        b"IQoJb3JpZ2luX2Vj and so on",
        b"arn:aws:s3:::bucket/012345678901",
        b"JQQJ99",
        b"1Q~" + b"a" * 40,
        b"a.eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.x",
    ],
)
def test_what_only_resembles_a_key_is_none(text: bytes) -> None:
    found = [format_at(text, hit.start()) for hit in MAYBE.finditer(text)]
    assert found == [None] * len(found)


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (b"?X-Amz-Credential=AKIAX%2F20260101&X=", b"AKIAX/20260101"),
        (b"X-Goog-Signature%3Dabcdef0123%26x", b"abcdef0123"),
        (b'"a?se=1\\u0026sig=a%2Bb0123456789abcdefgh%3D"', b"a+b0123456789abcdefgh="),
        (b"?X-Amz-Security-Token=IQoJb3J%2F0aB%3D%3D&X=", b"IQoJb3J/0aB=="),
        (b"x-amz-security-token:" + TOKEN + b"\n\nhost", TOKEN),
        (b"X-Amz-Security-Token: " + TOKEN + b"\r\n", TOKEN),
        (b"x-amz-security-token%3A" + TOKEN.replace(b"/", b"%2F") + b"%0Ahost", TOKEN),
        (b'{\\"x-amz-security-token\\": \\"' + TOKEN.replace(b"/", b"\\/") + b'\\"}', TOKEN),
        (b"x-amz-security-token=" + TOKEN * 40 + b"&a=b", TOKEN * 40),
        (b"arn:aws:bedrock:us-east-1:123456789012:x", b"123456789012"),
        (b"arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ax", b"123456789012"),
        (b"postgres://u:p4ssw0rd!@h/db", b"p4ssw0rd!"),
        (b"ABSK" + b"aB1\\/" * 40 + b"\\u003d ", b"ABSK" + b"aB1/" * 40 + b"="),
        (b"-----BEGIN RSA PRIVATE KEY-----", b"-----BEGIN RSA PRIVATE KEY-----"),
    ],
)
def test_secrets_that_are_only_a_part_or_are_escaped(text: bytes, secret: bytes) -> None:
    found = [
        found[1].secret for hit in MAYBE.finditer(text) if (found := format_at(text, hit.start()))
    ]
    assert found == [secret]


def test_a_key_of_fixed_length_ends_there() -> None:
    assert at((KEY + "Hello").encode(), b"gsk_") == Span(0, len(KEY), KEY.encode())


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (b"sk-1234", True),
        (b"your-api-key-here", True),
        (b"your_own_api_key_goes_here", False),
        (b"aaaaaaaaaaaa", True),
        (b"123456789012345", True),
        (b"1234567890123456", False),
        (b"hunter22", False),
        (b"x REDACTED-key-1", True),
    ],
)
def test_some_values_are_plainly_no_secrets(value: bytes, *, plain: bool) -> None:
    assert plain is is_plain(value)


def test_needles_are_long_enough_to_be_rare() -> None:
    """Four characters are in one of 16 million places; what is found is looked at closely."""
    assert min(map(len, INNER)) >= 4


def test_every_anchor_is_where_its_pattern_is_tried() -> None:
    assert all(len(anchor) >= 2 for form in FORMATS for anchor in form.anchors)
