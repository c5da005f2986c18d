"""Overlay files: rules in their order, mistakes with path, line and field."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llmreplay.errors import UsageError
from llmreplay.overlays import load_overlays

if TYPE_CHECKING:
    from pathlib import Path

SOUND = "seed: 7\nrules:\n- name: a\n  fault: rate_limit\n- fault: {delay: 5ms}\n"


def test_rules_in_the_order_of_the_files(tmp_path: Path) -> None:
    paths = [tmp_path / "one.yaml", tmp_path / "two.yaml"]
    paths[0].write_text(SOUND)
    paths[1].write_text("rules:\n- fault: timeout\n")
    rules = load_overlays(paths)
    assert [(rule.name, rule.seed) for rule in rules] == [
        ("a", 7),
        ("one rule 2", 7),
        ("two rule 1", 0),
    ]
    assert load_overlays([]) == ()


def test_all_mistakes_in_all_files_at_once(tmp_path: Path) -> None:
    paths = [
        tmp_path / name for name in ("one.yaml", "two.yaml", "gone.yaml", "bad.yaml", "x.yaml")
    ]
    paths[0].write_text(
        "seed: no\nrules:\n- match: {upstrem: x}\n  fault: ratelimit\n- fault:\n    cut: {at: 3x}\n"
    )
    paths[1].write_text(SOUND)
    paths[3].write_text("rules: [\n")
    paths[4].write_text(SOUND)
    with pytest.raises(UsageError) as caught:
        load_overlays(paths)
    assert str(caught.value).replace(str(tmp_path), "") == (
        "7 mistakes in overlays\n"
        "  /one.yaml:1: seed: a seed is a whole number\n"
        '  /one.yaml:3: rules[0].match.upstrem: unknown field "upstrem"; did you mean "upstream"?\n'
        '  /one.yaml:4: rules[0].fault: there is no preset "ratelimit"; did you mean '
        '"rate_limit"?\n'
        '  /one.yaml:6: rules[1].fault.cut.at: "3x" is no point: write 3 (events), 512B, 40% or '
        "120c (characters)\n"
        "  /gone.yaml: cannot be read: No such file or directory\n"
        "  /bad.yaml:2: no YAML: did not find expected node content\n"
        '  /x.yaml: another file has a rule called "a" already'
    )


def test_one_mistake_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "one.yaml"
    path.write_text("- rate_limit\n")
    with pytest.raises(UsageError) as caught:
        load_overlays([path])
    assert str(caught.value) == f"{path}:1: rules are written as `rules:` and a list"
