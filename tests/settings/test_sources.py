"""What a settings file can be that is no list of fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llmreplay.settings.sources import (
    MAX_FILE_BYTES,
    Mistake,
    Setting,
    Shape,
    Text,
    read_file,
    read_yaml_text,
    variable_of,
)

if TYPE_CHECKING:
    from pathlib import Path

GROUPS = frozenset({"match"})


def test_fields_come_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("port: 0x10\nmatch:\n  headers:\n  - a\n  - b\n  replace: {c: d}\n")
    assert list(read_file(path, GROUPS)) == [
        Setting("port", f"{path}:1", Shape.SCALAR, (Text("0x10", f"{path}:1"),)),
        Setting(
            "match.headers",
            f"{path}:3",
            Shape.LIST,
            (Text("a", f"{path}:4"), Text("b", f"{path}:5")),
        ),
        Setting(
            "match.replace",
            f"{path}:6",
            Shape.MAPPING,
            (Text("d", f"{path}:6", key="c"),),
        ),
    ]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"#" * (MAX_FILE_BYTES + 1), "is over 1 MiB; is it a settings file?"),
        (b"[" * 5_000, "no YAML: nested too deeply"),
        (b"a: \xff\n", "no YAML: unacceptable character #x00ff: invalid start byte"),
    ],
)
def test_what_is_no_settings_file_is_one_mistake(tmp_path: Path, content: bytes, what: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(content)
    (mistake,) = read_file(path, GROUPS)
    assert isinstance(mistake, Mistake)
    assert str(mistake) == f"{path}: {what}"


def test_aliases_unfold_to_nothing(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n")
    assert [type(found) for found in read_file(path, GROUPS)] == [Setting, Mistake, Mistake]


def test_a_key_of_a_mapping_is_one_word(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("a:\n  ? [b]\n  : c\n")
    (mistake,) = read_file(path, GROUPS)
    assert str(mistake) == f"{path}:2: a: holds something that is no plain text or number"


def test_an_empty_variable_is_an_empty_list() -> None:
    assert read_yaml_text("a", "", "A") == Setting("a", "A", Shape.LIST, ())


def test_variables_are_named_after_fields() -> None:
    assert variable_of("match.ignore") == "LLMREPLAY_MATCH_IGNORE"
