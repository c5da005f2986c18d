from __future__ import annotations

import pytest

from llmreplay.interop.upstream_name import upstream_name


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://api.openai.com/v1/models", "openai"),
        ("https://bedrock-runtime.eu-west-1.amazonaws.com/model/x/invoke", "bedrock"),
        ("https://llm.example/v1", "llm.example"),
        ("http://localhost:8000/v1", "localhost-8000"),
        ("https://[::1]:8443/v1", "1-8443"),
        ("https://user:secret@llm.example/v1", "llm.example"),
        ("https://models.<AWS_REGION>.example/v1", "models.-AWS_REGION-.example"),
    ],
)
def test_a_url_has_the_name_of_its_provider_or_of_its_host(url: str, name: str) -> None:
    assert upstream_name(url) == name
