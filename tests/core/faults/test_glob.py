"""Patterns with stars."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmreplay.core.faults.glob import Glob


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("gpt-4o", "gpt-4o", True),
        ("gpt-4o", "gpt-4o-mini", False),
        ("gpt-4o*", "gpt-4o-mini", True),
        ("/v1/chat/*", "/v1/chat/completions", True),
        ("*", "", True),
        ("a*a", "a", False),
        ("a*", "b", False),
        ("*a", "b", False),
        ("*a*b*", "xaxbx", True),
        ("*b*a*", "xaxbx", False),
        ("a.c", "abc", False),
        ("a*\n*c", "a\n\nc", True),
    ],
)
def test_patterns(pattern: str, text: str, matches: bool) -> None:  # noqa: FBT001  # expected
    assert Glob(pattern).matches(text) is matches


@given(st.text("ab*", max_size=6), st.text("ab", max_size=12))
def test_they_mean_what_their_regular_expression_means(pattern: str, text: str) -> None:
    expected = re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text)
    assert Glob(pattern).matches(text) is (expected is not None)
