from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmreplay.core.canonical.target import path_of, query_of


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://api.example.com", "/"),
        ("https://api.example.com?x=1", "/"),
        ("https://api.example.com/v1/chat", "/v1/chat"),
        ("https://api.example.com//openai/v1//chat", "/openai/v1/chat"),
        ("https://api.example.com/v1/models/", "/v1/models/"),
        ("https://h/model/arn%3aaws%3Abedrock/converse", "/model/arn:aws:bedrock/converse"),
        ("https://h/model/arn:aws:bedrock/converse", "/model/arn:aws:bedrock/converse"),
        ("https://h/profile%2Fa/x", "/profile%2Fa/x"),
        ("https://h/100%25", "/100%25"),
        ("https://h/%7Euser/%E2%82%AC/€", "/~user/%E2%82%AC/%E2%82%AC"),
        ("https://h/%ff/\udcff", "/%FF/%FF"),
        ("https://h/\ud83d", "/%ED%A0%BD"),
        ("https://h/a#fragment", "/a"),
        ("/v1/models:count?x", "/v1/models:count"),
        ("no url at all", "/no%20url%20at%20all"),
    ],
)
def test_a_path_has_one_spelling(url: str, path: str) -> None:
    assert path == path_of(url)


@given(st.text())
def test_spelling_a_path_twice_changes_nothing(text: str) -> None:
    once = path_of(f"https://host/{text}")
    assert once == path_of(f"https://host{once}")


@pytest.mark.parametrize(
    ("url", "query"),
    [
        ("https://h/p", []),
        ("https://h/p?", []),
        ("https://h/p?b=2&a=1", [("a", "1"), ("b", "2")]),
        ("https://h/p?b=2&a=1&b=1", [("a", "1"), ("b", "2"), ("b", "1")]),
        ("https://h/p?alt=sse&empty=&flag", [("alt", "sse"), ("empty", ""), ("flag", "")]),
        ("https://h/p?q=a+b%26c#x", [("q", "a b&c")]),
    ],
)
def test_a_query_is_its_fields_by_name(url: str, query: list[tuple[str, str]]) -> None:
    assert query == query_of(url)
