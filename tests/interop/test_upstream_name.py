from __future__ import annotations

import pytest

from llmreplay.interop.upstream_name import upstream_of


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://llm.example/v1", "llm.example"),
        ("http://localhost:8000/v1", "localhost-8000"),
        ("https://user:secret@llm.example/v1", "llm.example"),
        ("https://bedrock.<AWS_REGION>.example/v1", "bedrock.-AWS_REGION-.example"),
    ],
)
def test_an_unknown_host_gives_its_own_name(url: str, name: str) -> None:
    assert upstream_of(url) == (name, "")
