from __future__ import annotations

from typing import Any

import orjson
import pytest

from llmreplay.core.canonical import MatchSettings
from llmreplay.core.canonical.rules import rules_for
from llmreplay.errors import UsageError
from tests.fakes.dialects import CHAT, SILENT


def left(value: Any, *ignore: str) -> Any:  # noqa: ANN401  # any JSON
    source = orjson.dumps(value)
    copy = orjson.loads(source)
    rules_for(MatchSettings(ignore=ignore), SILENT).leave_out(copy, source)
    return copy


@pytest.mark.parametrize(
    ("ignore", "rest"),
    [
        ((), {"a": [1, 2, 3, 4], "b": {"x": 1, "y": 2}}),
        (("$.none", "$.a.x", "$.b.x.y"), {"a": [1, 2, 3, 4], "b": {"x": 1, "y": 2}}),
        (("$.a",), {"b": {"x": 1, "y": 2}}),
        (("$.b.x",), {"a": [1, 2, 3, 4], "b": {"y": 2}}),
        (("$.b.*", "$.b.x"), {"a": [1, 2, 3, 4], "b": {}}),
        (("$.a[0]", "$.a[1]"), {"a": [3, 4], "b": {"x": 1, "y": 2}}),
        (("$.a[-1]", "$.a[0]"), {"a": [2, 3], "b": {"x": 1, "y": 2}}),
        (("$.a[?@ > 2]",), {"a": [1, 2], "b": {"x": 1, "y": 2}}),
        (("$..x", "$.b"), {"a": [1, 2, 3, 4]}),
    ],
)
def test_paths_mean_places_before_anything_is_left_out(ignore: tuple[str, ...], rest: Any) -> None:  # noqa: ANN401  # any JSON
    assert rest == left({"a": [1, 2, 3, 4], "b": {"x": 1, "y": 2}}, *ignore)


def test_a_list_has_places_too() -> None:
    assert left([{"x": 1}, {"x": 2, "y": 3}], "$[*].x", "$.x") == [{}, {"y": 3}]


def test_without_the_bytes_every_path_is_tried() -> None:
    value = {"a": {"b": 1}}
    rules_for(MatchSettings(ignore=("$.a.b",)), SILENT).leave_out(value)
    assert value == {"a": {}}


def test_the_dialect_and_presets_leave_out_as_well() -> None:
    rules = rules_for(MatchSettings(ignore=("?v",), presets=("codex",)), CHAT)
    body = {"user": "u", "prompt_cache_key": "k", "model": "m"}
    rules.leave_out(body)
    assert body == {"model": "m"}
    assert rules.query == {"v"}


def test_an_unknown_preset_is_named() -> None:
    with pytest.raises(UsageError) as error:
        rules_for(MatchSettings(presets=("claud",)), SILENT)
    assert str(error.value) == 'match.presets: "claud" is none of claude-code, codex, opencode'
