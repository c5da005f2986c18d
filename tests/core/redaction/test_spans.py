from __future__ import annotations

from llmreplay.core.redaction.spans import PLACEHOLDER, Claims, Span, Wrapped


def test_no_two_claims_overlap() -> None:
    claims = Claims([(10, 20)])
    taken = [
        claims.claim(((0, 10),)),
        claims.claim(((19, 25),)),
        claims.claim(((5, 30),)),
        claims.claim(((20, 25), (30, 35))),
        claims.claim(((25, 30), (34, 40))),
        claims.claim(((25, 30),)),
    ]
    assert taken == [True, False, False, True, False, True]


def test_what_is_secret_is_not_shown() -> None:
    assert "hush" not in repr(Span(0, 4, b"hush")) + repr(Wrapped(0, 4, b"hush"))


def test_a_placeholder_has_a_kind_and_a_number() -> None:
    assert PLACEHOLDER.findall(b"REDACTED-key-12REDACTED-aws-3 REDACTED--1") == [
        b"REDACTED-key-12",
        b"REDACTED-aws-3",
    ]
