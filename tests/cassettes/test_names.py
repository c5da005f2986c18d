"""What is a name of a cassette, and that nothing else becomes a path."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmreplay.cassettes.names import is_part, parts_of
from llmreplay.errors import UsageError


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("default", ("default",)),
        ("a/B-2/c_3.d", ("a", "B-2", "c_3.d")),
        ("-", ("-",)),
        ("a..b", ("a..b",)),
    ],
)
def test_names(name: str, parts: tuple[str, ...]) -> None:
    assert parts_of(name) == parts


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/",
        "/a",
        "a/",
        "a//b",
        ".",
        "..",
        "a/../b",
        ".a",
        "a b",
        "a\\b",
        "a\nb",
        "é",
        "a\x00",
        "~",
        "a" * 201,
        "/".join("a" * 17),
    ],
)
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(UsageError, match=re.escape(f"{name!r} is no name of a cassette")):
        parts_of(name)


@given(st.text("ab./\\\0\n -_é", max_size=12))
def test_no_part_leads_out_of_the_folder(text: str) -> None:
    if is_part(text):
        assert "/" not in text
        assert not text.startswith(".")
        assert text.isprintable()
