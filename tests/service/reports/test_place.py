"""Where a report goes is looked at before the run; it is written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from llmreplay.errors import LlmreplayError, UsageError
from llmreplay.service.reports.place import Place


def test_what_is_written_replaces_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text("old")
    place = Place(path)
    assert path.read_text() == "old"
    place.write(b"new")
    assert path.read_bytes() == b"new"
    assert [*tmp_path.iterdir()] == [path]


def test_its_rights_are_those_of_any_file(tmp_path: Path) -> None:
    Place(tmp_path / "report.json").write(b"{}")
    mask = os.umask(0o022)
    os.umask(mask)
    assert (tmp_path / "report.json").stat().st_mode & 0o777 == 0o644 & ~mask


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link.json").symlink_to("real.json")
    Place(tmp_path / "link.json").write(b"{}")
    assert (tmp_path / "link.json").is_symlink()
    assert (tmp_path / "real.json").read_bytes() == b"{}"


def test_places_where_none_can_be_are_told_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "folder.json"
    folder.mkdir()
    with pytest.raises(UsageError, match=r"report: .*/folder\.json is a folder; name a file in it"):
        Place(folder)
    with pytest.raises(UsageError, match=r"report: there is no folder .*/nowhere; make it first"):
        Place(tmp_path / "nowhere" / "report.json")
    with pytest.raises(UsageError, match=r"report: /proc/report\.json cannot be written \(.+\); n"):
        Place(Path("/proc/report.json"))


def test_what_cannot_be_written_any_more_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    place = Place(folder / "report.json")
    folder.rmdir()
    with pytest.raises(LlmreplayError, match=r"report: .*report\.json could not be written \(No "):
        place.write(b"{}")
