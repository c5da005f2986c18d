from __future__ import annotations

from typing import Any

import pytest

from llmreplay.core.mismatch.fields import field_differences, value_differences

TOOL = {"type": "function", "function": {"name": "get_weather", "description": "The weather"}}


@pytest.mark.parametrize(
    ("recorded", "asked", "told"),
    [
        ({}, {}, []),
        ({"a": 1}, {"a": 1}, []),
        ({}, {"temperature": 0.2}, [("field temperature is new: 0.2", "$.temperature")]),
        ({"seed": 7}, {}, [("field seed is missing: recorded 7", "$.seed")]),
        ({"n": 1}, {"n": 2}, [("field n differs: recorded 1, asked 2", "$.n")]),
        ({"n": 1}, {"n": True}, [("field n differs: recorded 1, asked true", "$.n")]),
        ({"n": [1]}, {"n": [True]}, [("$.n[0] differs: recorded 1, asked true", "$.n[0]")]),
        ({"n": "a"}, {"n": "b"}, [('field n differs: recorded "a", asked "b"', "$.n")]),
        ({"n": "a"}, {"n": ["a"]}, [('field n differs: recorded "a", asked ["a"]', "$.n")]),
        (
            {"b": {"y": {"z": 1}}, "a": 1},
            {"b": {"y": {"z": 2}, "x": 0}, "c": 3},
            [
                ("field a is missing: recorded 1", "$.a"),
                ("$.b.x is new: 0", "$.b.x"),
                ("$.b.y.z differs: recorded 1, asked 2", "$.b.y.z"),
                ("field c is new: 3", "$.c"),
            ],
        ),
        ({"b": {"y": 1}}, {"b": {}}, [("$.b.y is missing: recorded 1", "$.b.y")]),
        ({}, {"odd key": 1}, [("field odd key is new: 1", '$["odd key"]')]),
        # Tools are known by their names, wherever they stand.
        (
            {"tools": [TOOL, {"name": "search"}]},
            {"tools": [{"name": "search", "x": 1}, {"name": "sum"}, TOOL]},
            [
                ("$.tools[0].x is new: 1", "$.tools[0].x"),
                ("$.tools[1] is new: sum", "$.tools[1]"),
            ],
        ),
        (
            {"tools": [TOOL]},
            {"tools": [{**TOOL, "function": {**TOOL["function"], "description": "Weather"}}]},  # type: ignore[dict-item]  # a dict it is
            [
                (
                    (
                        "$.tools[0].function.description differs: "
                        'recorded "The weather", asked "Weather"'
                    ),
                    "$.tools[0].function.description",
                )
            ],
        ),
        (
            {"tools": [TOOL, {"name": "search"}]},
            {"tools": [TOOL]},
            [("$.tools[1] is missing: recorded search", "$.tools[1]")],
        ),
        # Other items by what they are.
        (
            {"stop": ["a", "b", "c"]},
            {"stop": ["a", "c", "d"]},
            [
                ('$.stop[1] differs: recorded "b", asked "c"', "$.stop[1]"),
                ('$.stop[2] differs: recorded "c", asked "d"', "$.stop[2]"),
            ],
        ),
        (
            {"stop": [{"name": "a"}, {"name": "a"}]},
            {"stop": [{"name": "a"}]},
            [("$.stop[1] is missing: recorded a", "$.stop[1]")],
        ),
        (
            {"stop": [{"function": {"name": 1}}]},
            {"stop": [{"function": {"name": 1}}, {"function": {"name": 2}}]},
            [('$.stop[1] is new: {"function":{"name":2}}', "$.stop[1]")],
        ),
    ],
)
def test_each_place_that_differs_is_named_with_its_path(
    recorded: dict[str, Any], asked: dict[str, Any], told: list[tuple[str, str]]
) -> None:
    found = list(field_differences(recorded, asked))
    assert told == [(one.sentence, one.ignore) for one in found]
    assert all(one.places == (one.ignore,) for one in found)


def test_fields_can_be_passed_over() -> None:
    assert not list(field_differences({"a": 1, "b": 1}, {"a": 2}, frozenset("ab")))


def test_a_value_may_have_a_name_of_its_own() -> None:
    (found,) = value_differences("on 2026-01-02", "on 2026-01-03", "$", "body")
    assert found.sentence == 'body differs: recorded "on 2026-01-02", asked "on 2026-01-03"'
    assert found.texts == ("on 2026-01-02", "on 2026-01-03")
    assert found.size == 1
