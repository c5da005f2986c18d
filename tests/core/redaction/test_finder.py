from __future__ import annotations

import base64
import json

import pytest

from llmreplay.core.redaction.finder import Finder, finder_of
from llmreplay.core.redaction.spans import Span, Wrapped
from tests.core.redaction.keys import BASE64, HEX, WORD, Made

KEY = b"gsk_" + b"a1B2" * 13
VALUE = b"p@ss/w0rd+of=mine"
ORG = b"b320df16-c763-4455-b901-3f7d54e9a012"


def b64(data: bytes) -> bytes:
    return base64.b64encode(data)


def test_values_are_found_in_every_spelling() -> None:
    spellings = [VALUE, json.dumps(json.dumps(VALUE.decode()))[3:-3].encode(), VALUE.hex().encode()]
    text = b" ".join(spellings)
    found = Finder((VALUE,)).find(text)
    assert [text[span.start : span.end] for span in found] == spellings
    assert all(isinstance(span, Span) and span.secret == VALUE for span in found)


def test_the_longer_of_two_values_is_found() -> None:
    finder = Finder((b"a1b2c3d4", b"a1b2c3d4e5f6"))
    assert finder.find(b"a1b2c3d4e5f6 a1b2c3d4e5") == [
        Span(0, 12, b"a1b2c3d4e5f6"),
        Span(13, 21, b"a1b2c3d4"),
    ]


def test_a_value_goes_before_a_format() -> None:
    assert Finder((KEY[:20],)).find(KEY) == [Span(0, 20, KEY[:20])]


@pytest.mark.parametrize("before", [b"", b"x", b"xy", b"xyz"])
def test_base64_is_decoded_where_it_holds_a_value_or_a_key(before: bytes) -> None:
    for secret in (VALUE, KEY):
        data = bytes(range(128, 200)) + before + b" " + secret + b" " + bytes(range(200, 256))
        text = b'"' + b64(data) + b'"'
        found = Finder((VALUE,)).find(text)
        assert len(found) == 1
        assert isinstance(found[0], Wrapped)
        assert secret in found[0].decoded
        assert found[0].end == len(text) - 1


def test_base64_in_base64_is_decoded_too_but_no_deeper() -> None:
    finder = Finder()
    once = b64(b"so " + KEY + b" it is")
    twice = b64(b"so " + once)
    assert finder.find(once)
    assert finder.find(twice)
    assert finder.find(b64(b"so " + twice)) == []


def test_every_occurrence_in_base64_is_found() -> None:
    text = b" ".join([b64(b"so " + KEY)] * 12)
    assert len(Finder().find(text)) == 12


def test_ids_are_found_but_not_in_base64() -> None:
    text = b"org " + ORG + b" arn:aws:iam::123456789012:x"
    finder = Finder((), (ORG,))
    assert finder.find(text) == [Span(4, 40, ORG), Span(54, 66, b"123456789012")]
    assert finder.find(b64(text)) == []


def test_the_strong_search_finds_what_is_a_secret_anywhere() -> None:
    text = b"org-GKgUkEpTs8iJbqUCqnL6JW5H api_key=0123456789abcdef0123456789abcdef " + KEY
    assert len(Finder().find(text)) == 3
    assert Finder(strong_only=True).find(text) == [Span(70, 126, KEY)]


def test_the_secret_beside_an_access_key_is_found() -> None:
    secret = b"Ab3dEfGh1jKlMn0pQrSt/vWxYz123456+bcdefgh"
    text = b"AKIAABCDEFGHIJKLMNOP," + secret
    assert Finder().find(text) == [Span(0, 20, text[:20]), Span(21, 61, secret)]
    assert Finder(strong_only=True).find(text) == [Span(0, 20, text[:20])]


def test_placeholders_are_let_alone() -> None:
    finder = Finder((b"EDACTED-aws-1", b"openai-1"))
    assert finder.find(b"REDACTED-aws-1 api_key=REDACTED-openai-1 openai-1") == [
        Span(41, 49, b"openai-1")
    ]


def test_a_needle_alone_is_no_secret() -> None:
    assert Finder((VALUE,)).find(b64(b"gsk_ AIza sk-ant- -----BEGIN p@ss/w0rd") * 3) == []
    assert Finder((VALUE,)).find(b64(VALUE)[:16] + b"!") == []


def survivors() -> list[str]:
    made = Made("survivors")
    return [
        f"chatcmpl-{made.some(WORD, 29)}",
        f"call_{made.some(WORD, 24)}",
        f"toolu_01{made.some(WORD, 22)}",
        f"resp_{made.some(HEX, 48)}",
        f"msg_{made.some(HEX, 48)}",
        f"req_{made.some(HEX, 32)}",
        f"file-{made.some(WORD, 24)}",
        f"ftjob-{made.some(WORD, 24)}",
        f"fp_{made.some(HEX, 10)}",
        f"batch_{made.some(HEX, 32)}",
        made.uuid(),
        made.some(HEX, 32),
        made.some(HEX, 40),
        made.some(HEX, 64),
        "sha256:" + made.some(HEX, 64),
        "sha512-" + made.some(BASE64, 86) + "==",
        "task-disk-risk-sk-learn",
        "data:image/png;base64," + made.some(BASE64, 40_000),
        "gAAAAABo" + made.some(WORD, 3000) + "==",
        "ErUB" + made.some(BASE64, 3000) + "==",
        made.some(WORD, 4000),
        base64.b64encode(bytes(made.randrange(256) for _ in range(6144))).decode(),
        str([made.uniform(-1, 1) for _ in range(1536)]),
        "AIza" + made.some(BASE64, 400),
        made.some(BASE64, 403) + "AIza" + made.some(BASE64, 400),
        "https://api.openai.com/v1/files/file-abc/content?limit=20&after=" + made.some(WORD, 29),
    ]


@pytest.mark.parametrize("text", survivors(), ids=lambda text: text[:20])
def test_ids_digests_images_embeddings_and_signatures_survive(text: str) -> None:
    wrapped = json.dumps({"id": text, "nested": json.dumps({"key": text, "token": text})})
    assert Finder((VALUE,), (ORG,)).find(wrapped.encode()) == []


def test_finders_are_kept() -> None:
    assert finder_of((VALUE,)) is finder_of((VALUE,))
