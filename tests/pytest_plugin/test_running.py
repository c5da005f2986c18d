"""Where a test's cassettes are, and what its session is set up with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llmreplay.cassettes import Library
from llmreplay.pytest_plugin.choosing import Choice
from llmreplay.pytest_plugin.running import library_of, words_of
from tests.replay.asking import write

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("folder", "root", "prefix"),
    [
        ("cassettes", ".", "cassettes/"),
        ("tests/unit/cassettes", ".", "tests/unit/cassettes/"),
        ("my tests/cassettes", "my tests/cassettes", ""),
        (".hidden/cassettes", ".hidden/cassettes", ""),
        ("../elsewhere/cassettes", "../elsewhere/cassettes", ""),
    ],
)
def test_one_library_has_all_cassettes_of_a_project(
    tmp_path: Path, folder: str, root: str, prefix: str
) -> None:
    assert library_of(tmp_path, tmp_path / folder) == (tmp_path / root, prefix)


def test_a_test_has_its_own_cassette(tmp_path: Path) -> None:
    choice = Choice("once", rules=({"fault": "quota"},), settings={"seed": 7})
    assert words_of(choice, "cassettes/t/test_t", Library(tmp_path), "cassettes/") == {
        "mode": "once",
        "cassettes": ["cassettes/t/test_t"],
        "record_into": "cassettes/t/test_t",
        "rules": [{"fault": "quota"}],
        "seed": 7,
    }


def test_named_cassettes_take_its_place(tmp_path: Path) -> None:
    for name in ("shared/a", "shared/b", "other"):
        write(tmp_path / "cassettes", name, hello="ahoy")
    choice = Choice("auto", cassettes=("shared/*", "new"))
    words = words_of(choice, "cassettes/t/test_t", Library(tmp_path), "cassettes/")
    assert words["cassettes"] == ["cassettes/shared/a", "cassettes/shared/b", "cassettes/new"]
    assert words["record_into"] == "cassettes/new"


def test_a_glob_that_means_nothing_stays_what_it_is(tmp_path: Path) -> None:
    choice = Choice("auto", cassettes=("shared/*",))
    words = words_of(choice, "t/test_t", Library(tmp_path), "")
    assert (words["cassettes"], words["record_into"]) == (["shared/*"], "t/test_t")
