"""Each style of a scalar, and that any value is read back by parsers that are not ours."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given

from llmreplay.cassettes.reading import PART, read_yaml
from llmreplay.cassettes.writing import MAX_DEPTH, Row, UnwritableError, flow, mapping_lines
from tests.cassettes.strategies import json_values, texts

if TYPE_CHECKING:
    from collections.abc import Callable


def written(value: Any) -> str:  # noqa: ANN401  # a JSON value
    return "\n".join(mapping_lines({"json": value}, 0)) + "\n"


@given(json_values)
def test_every_parser_reads_the_same_value(value: object) -> None:
    text = written(value)

    assert yaml.load(text, yaml.CSafeLoader)["json"] == value
    assert yaml.load(text, yaml.SafeLoader)["json"] == value
    assert read_yaml(text.encode(), PART)["json"] == value


@given(texts)
def test_text_is_text_wherever_it_stands(text: str) -> None:
    key = text[:80]  # a key has an end
    value = {key: [text, [[text]], {key: text}], "row": Row({key: [text, {key: text}]})}
    on_one_line = f"row: {flow([text, {key: text}])}\n"

    assert yaml.load(written(value), yaml.CSafeLoader)["json"] == value
    assert yaml.load(written(value), yaml.SafeLoader)["json"] == value
    assert yaml.load(on_one_line, yaml.CSafeLoader)["row"] == [text, {key: text}]
    assert yaml.load(on_one_line, yaml.SafeLoader)["row"] == [text, {key: text}]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain words, (even) with: no", "json: 'plain words, (even) with: no'"),
        ("plain words", "json: plain words"),
        ("Grüße 😀", "json: Grüße 😀"),
        ("it's", "json: it's"),
        ("'tis", "json: '''tis'"),
        ("trailing ", "json: 'trailing '"),
        ("no", "json: 'no'"),
        ("Null", "json: 'Null'"),
        ("2024-08-06", "json: '2024-08-06'"),
        ("gpt-4o", "json: gpt-4o"),
        ("4o-mini", "json: 4o-mini"),
        ("0x1f", "json: '0x1f'"),
        ("1e5", "json: '1e5'"),
        ("", "json: ''"),
        ("a\tb", 'json: "a\\tb"'),
        ("a\r\nb", 'json: "a\\r\\nb"'),
        ("a\u2028b", 'json: "a\\u2028b"'),
        ("\ufeffa", 'json: "\\ufeffa"'),
        ("\x00", 'json: "\\u0000"'),
        (" \n", 'json: " \\n"'),
        ("\ta\nb", 'json: "\\ta\\nb"'),
        ("a\nb", "json: |-\n  a\n  b"),
        ("a\n\n  b \n", "json: |\n  a\n\n    b "),
        ("a\n\n", "json: |+\n  a\n"),
        (" a\nb", "json: |2-\n   a\n  b"),
        ("\na\n", "json: |2\n\n  a"),
        ([], "json: []"),
        ({}, "json: {}"),
        ([1, -0.5, 1e-07], "json: [1, -0.5, 1.0e-07]"),
        ([True, None], "json:\n- true\n- null"),
        ([[1, 2], [], ["a"], {"b": 1, "c": {}}], "json:\n- [1, 2]\n- []\n- - a\n- b: 1\n  c: {}"),
        (Row({"a": "b:c", "d": ["e", "f"]}), "json: {a: 'b:c', d: [e, f]}"),
        (Row({"a": "b" * 100}), f"json:\n  a: {'b' * 100}"),
    ],
)
def test_styles(value: object, text: str) -> None:
    assert written(value) == text + "\n"


def test_values_stand_as_people_write_them() -> None:
    value = {"messages": [{"role": "user", "content": "Two lines\nof prompt"}], "n": 1}

    assert written(value) == dedent(
        """\
        json:
          messages:
          - role: user
            content: |-
              Two lines
              of prompt
          n: 1
        """
    )


def nested(depth: int, wrap: Callable[[object], object]) -> object:
    value: object = "leaf"
    for _ in range(depth):
        value = wrap(value)
    return value


@pytest.mark.parametrize(
    "value",
    [
        "\ud800",
        {"\udfff": 1},
        {"k" * 600: 1},
        nested(MAX_DEPTH + 1, lambda value: {"k": value}),
        nested(MAX_DEPTH + 1, lambda value: [value]),
    ],
)
def test_what_no_yaml_holds_is_refused(value: object) -> None:
    with pytest.raises(UnwritableError):
        written(value)
