from __future__ import annotations

from llmreplay.core.redaction.edits import Edit, applied
from llmreplay.core.redaction.logprobs import number_edits


def token(text: str, numbers: str) -> bytes:
    return f'{{"token": "{text}", "logprob": -1.5e-3, "bytes": [{numbers}], "x": []}}'.encode()


def changed(body: bytes) -> bytes:
    return applied([body], number_edits(body))[0]


def test_the_bytes_of_a_redacted_token_follow_its_text() -> None:
    assert changed(token("REDACTED-key-1", "97, 98")) == token(
        "REDACTED-key-1", ",".join(str(b) for b in b"REDACTED-key-1")
    )
    assert changed(token("", "97,98")) == token("", "")
    assert changed(token(".", "97,46")) == token(".", "46")


def test_other_tokens_stay() -> None:
    for body in (token("ab", "97, 98"), token("ab", "97,\n98"), token("a", "240,159")):
        assert list[Edit](number_edits(body)) == []
