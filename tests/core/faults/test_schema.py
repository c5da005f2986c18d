"""The schema says what reading takes."""

from __future__ import annotations

import json

from llmreplay.core.faults.kinds import KINDS, MATCH, WHEN
from llmreplay.core.faults.presets import PRESETS
from llmreplay.core.faults.schema import schema


def test_it_names_every_kind_every_field_and_every_preset() -> None:
    rule = schema()["properties"]["rules"]["items"]["properties"]
    preset, kinds = rule["fault"]["anyOf"][0]["anyOf"]
    assert preset == {"enum": [*PRESETS]}
    assert kinds["properties"].keys() == KINDS.keys()
    for name, form in KINDS.items():
        written = kinds["properties"][name]
        mapping = written["anyOf"][1] if form.short else written
        assert mapping["properties"].keys() == form.by_name.keys()
        assert mapping.get("required", []) == [*form.required]
    assert rule["match"]["properties"].keys() == MATCH.by_name.keys()
    assert rule["when"]["properties"].keys() == WHEN.by_name.keys()


def test_it_is_json() -> None:
    assert json.loads(json.dumps(schema()))["$schema"].endswith("2020-12/schema")
