"""Which layouts are known, and that one is found exactly where it gives back the text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmreplay.cassettes.json_layout import LAYOUTS, find_layout, parse_json
from tests.cassettes.strategies import json_values


@given(json_values, st.sampled_from(sorted(LAYOUTS)))
def test_a_layout_that_was_used_is_found(value: object, name: str) -> None:
    text = LAYOUTS[name].render(value)

    found = find_layout(value, text)

    assert found is not None
    assert LAYOUTS[found].render(value) == text


@pytest.mark.parametrize(
    ("text", "layout"),
    [
        ('{"a":[1,2],"b":{}}', "compact"),
        ('{"a": [1, 2], "b": {}}', "spaced"),
        ('{"a": 1}\n', "spaced-newline"),
        ('{\n "a": 1\n}', "indent-1"),
        ('{\n  "a": [\n    1\n  ]\n}\n', "indent-2-newline"),
        ('{\n   "a": 1\n}', "indent-3"),
        ('{\n    "a": 1\n}', "indent-4"),
        ('{\n\t"a": 1\n}', "indent-tab"),
        ('{\n       "a": 1\n}', None),
        ('{"a":"é"}', "compact"),
        ('{"a":"\\u00e9"}', "compact-ascii"),
        ('{"a":"é\\u003c\\u2028"}', "compact-html"),
        ('{"a":"\\u00E9"}', None),
        ('{"a":"x\\": \\"y"}', "compact"),
        ('{"a":"\\u0001"}', "compact"),
        ('{"a":1, "b":2}', None),
        ('{"a":1.0}', "compact"),
        ('{"a":1.00}', None),
        ('{"a":-0}', None),
        ('{"a":1}\n\n', None),
        (' {"a":1}', None),
    ],
)
def test_layouts_of_text(text: str, layout: str | None) -> None:
    assert find_layout(parse_json(text), text) == layout


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", "[-Infinity]", "[1", "", "[" * 10_000])
def test_what_is_no_strict_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_json(text)
