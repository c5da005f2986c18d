"""Headers as a mapping, as pairs where a mapping would lose their order, and never on trust."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given

from llmreplay.cassettes.headers import headers_of, stored_headers
from llmreplay.cassettes.mistakes import Mistake
from tests.cassettes.strategies import headers

if TYPE_CHECKING:
    from llmreplay.core.exchange import Headers


@given(headers)
def test_headers_come_back(found: Headers) -> None:
    assert headers_of(stored_headers(found)) == found


@pytest.mark.parametrize(
    ("found", "stored"),
    [
        ((), {}),
        ((("A", "1"), ("a", "2")), {"A": "1", "a": "2"}),
        ((("a", "1"), ("a", "2"), ("b", "")), {"a": ["1", "2"], "b": ""}),
        ((("a", "1"), ("b", "2"), ("a", "3")), [["a", "1"], ["b", "2"], ["a", "3"]]),
        ((("a", "\udcff"),), {"a": {"base64": "/w=="}}),
    ],
)
def test_shapes(found: Headers, stored: object) -> None:
    assert stored_headers(found) == stored
    assert headers_of(stored) == found


@pytest.mark.parametrize("value", ["a\rb", "a\nb", "a\0"])
def test_what_ends_a_header_stands_in_none(value: str) -> None:
    with pytest.raises(Mistake) as written:
        stored_headers((("x-a", value),))
    with pytest.raises(Mistake) as read:
        headers_of({"x-a": value})

    assert written.value.reason == read.value.reason
    assert read.value.reason == "the header 'x-a' holds a line break or NUL; take it out"
    assert read.value.place == ("x-a",)


@pytest.mark.parametrize(
    ("stored", "place", "reason"),
    [
        ("text", (), "headers are a mapping of names to values, or a list of"),
        (["a"], (0,), "headers are a mapping of names to values, or a list of"),
        ([["a", "b"], ["c"]], (1,), "headers are a mapping of names to values, or a list of"),
        ([["a", {}]], (0,), "a header's value is text"),
        ({"a": {"b": "c"}}, ("a",), "a header's value is text"),
        ({"a": [["b"]]}, ("a",), "a header's value is text"),
        ({"a": {"base64": "?"}}, ("a",), "not base64: "),
        ({"a": {"base64": "DQo="}}, ("a",), "the header 'a' holds a line break or NUL"),
        ({"": "b"}, ("",), "'' is no name of a header"),
        ({"a:b": "c"}, ("a:b",), "'a:b' is no name of a header"),
    ],
)
def test_what_is_no_header_says_where(
    stored: object, place: tuple[str | int, ...], reason: str
) -> None:
    with pytest.raises(Mistake) as caught:
        headers_of(stored)

    assert caught.value.place == place
    assert caught.value.reason.startswith(reason)
