from __future__ import annotations

import pytest

from llmreplay.core.exchange import Headers, Request
from llmreplay.dialects.providers import PROVIDERS
from llmreplay.dialects.registry import DIALECTS, by_name, recognise

VERSION: Headers = (("anthropic-version", "2023-06-01"),)


def test_dialects_have_names_of_their_own_and_the_plain_one_is_last() -> None:
    names = [dialect.name for dialect in DIALECTS]
    assert len(set(names)) == len(names)
    assert names[-1] == "plain"
    assert [by_name(name) for name in names] == list(DIALECTS)
    assert by_name("klingon") is None


@pytest.mark.parametrize(
    ("target", "headers", "provider", "expected"),
    [
        ("POST https://x/v1/chat/completions", (), None, "openai"),
        ("POST https://x//openai/deployments/a/embeddings?api-version=1", (), None, "openai"),
        ("POST https://x/v1/messages", (), None, "anthropic"),
        ("GET https://x/v1/models", VERSION, None, "anthropic"),
        ("GET https://x/v1/models", (), None, "openai"),
        ("GET https://x/v1/models", (), "anthropic", "openai"),
        ("POST https://x/v1/messages", (), "openai", "anthropic"),
        ("POST https://x/v1/files", VERSION, "openai", "openai"),
        ("POST https://x/v1beta/openai/chat/completions", (), "gemini", "openai"),
        ("POST https://x/v1beta/models/g:generateContent", (), "gemini", "plain"),
        ("POST https://x/v1/rerank", (), "jina", "plain"),
        ("POST https://[broken/v1/messages", (), None, "anthropic"),
        ("GET https://x", (), None, "plain"),
    ],
)
def test_a_request_is_in_its_providers_dialect_or_in_the_one_that_knows_its_shape(
    target: str, headers: Headers, provider: str | None, expected: str
) -> None:
    method, url = target.split()
    known = PROVIDERS[provider] if provider is not None else None
    assert recognise(Request(method, url, headers), known).name == expected
