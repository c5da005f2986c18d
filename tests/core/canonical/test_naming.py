from __future__ import annotations

from typing import Any

import orjson
import pytest

from llmreplay.core.canonical import MatchSettings
from llmreplay.core.canonical.naming import Naming
from llmreplay.core.canonical.rules import rules_for
from tests.fakes.dialects import CHAT


def naming(**settings: Any) -> Naming:  # noqa: ANN401  # any setting
    return Naming(CHAT, rules_for(MatchSettings(**settings), CHAT))


def named(value: Any, **settings: Any) -> Any:  # noqa: ANN401  # any JSON
    return naming(**settings).json(value, orjson.dumps(value))


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ({"id": "call_1"}, {"id": "{id-1}"}),
        # In the order of sorted keys, whatever the order of the client's.
        (
            {"z": {"id": "call_1"}, "a": {"id": "call_2"}},
            {"a": {"id": "{id-1}"}, "z": {"id": "{id-2}"}},
        ),
        (
            [{"id": "x"}, {"result_of": "x"}, {"id": "y"}],
            [{"id": "{id-1}"}, {"result_of": "{id-1}"}, {"id": "{id-2}"}],
        ),
        ({"file_ids": ["f", "g", "f", 1]}, {"file_ids": ["{id-1}", "{id-2}", "{id-1}", 1]}),
        # What is no text is no id, and neither is nothing.
        ({"id": 7}, {"id": 7}),
        ({"id": ""}, {"id": ""}),
        ({"id": {"id": "x"}}, {"id": {"id": "{id-1}"}}),
        # The caller's own data holds no ids.
        (
            {"input": {"id": "42", "b": [{"id": "43"}]}},
            {"input": {"id": "42", "b": [{"id": "43"}]}},
        ),
        ({"other": "call_1"}, {"other": "call_1"}),
    ],
)
def test_ids_are_called_by_their_order(value: Any, form: Any) -> None:  # noqa: ANN401  # any JSON
    assert form == named(value)


@pytest.mark.parametrize(
    ("value", "form"),
    [
        (1.0, 1),
        (-0.0, 0),
        (1.5, 1.5),
        (1e2, 100),
        (2.0**63, 2**63),
        (-(2.0**63), -(2**63)),
        (1e300, 1e300),
        (True, True),
        (None, None),
        ([1.0, {"a": 2.0}], [1, {"a": 2}]),
    ],
)
def test_numbers_count_by_value(value: Any, form: Any) -> None:  # noqa: ANN401  # any JSON
    assert repr(form) == repr(named(value))


def test_keys_stand_in_order() -> None:
    assert list(named({"b": 1, "input": {"d": 1, "c": 2}, "a": 1})) == ["a", "b", "input"]
    assert list(named({"input": {"d": 1, "c": 2}})["input"]) == ["c", "d"]


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ("REDACTED-openai-7", "REDACTED-openai-1"),
        (
            "REDACTED-openai-7 REDACTED-aws-7, REDACTED-openai-7",
            "REDACTED-openai-1 REDACTED-aws-2, REDACTED-openai-1",
        ),
        ({"b": "REDACTED-a-9", "a": "REDACTED-a-3"}, {"a": "REDACTED-a-1", "b": "REDACTED-a-2"}),
        (
            {"REDACTED-a-3": {"input": {"REDACTED-a-3": 1}}},
            {"REDACTED-a-1": {"input": {"REDACTED-a-1": 1}}},
        ),
        ("REDACTED-", "REDACTED-"),
    ],
)
def test_placeholders_are_numbered_anew(value: Any, form: Any) -> None:  # noqa: ANN401  # any JSON
    assert form == named(value)


def test_patterns_replace_in_every_text_but_keys() -> None:
    value = {"day 1": "day 1", "input": ["day 2"]}
    assert named(value, replace=((r"day \d", "DAY"),)) == {"day 1": "DAY", "input": ["DAY"]}


def test_words_may_be_ids_as_a_whole() -> None:
    one = naming()
    words = ["file-1", "file-", "batch_2", "{id-7}", "x file-1", "file-1"]
    assert [one.word(word) for word in words] == [
        "{id-1}",
        "file-",
        "{id-2}",
        "{id-3}",
        "x file-1",
        "{id-1}",
    ]
    assert list(one.ids) == ["file-1", "batch_2", "{id-7}"]


def test_fields_are_ids_by_name_or_by_word() -> None:
    one = naming()
    assert one.field("result_of", "call_1") == "{id-1}"
    assert one.field("result_of", "") == ""
    assert one.field("after", "file-1") == "{id-2}"
    assert one.field("purpose", "batch") == "batch"
