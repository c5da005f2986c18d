"""Steps below a folder by descriptor: links and devices lead nowhere."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from llmreplay.cassettes.folder import Folder, NotRegularError, read_from, write_all


def test_folders_are_made_on_demand(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Folder.open(tmp_path / "a", ["b"])

    with Folder.open(tmp_path / "a", ["b", "c"], create=True) as folder:
        assert folder.path == tmp_path / "a" / "b" / "c"
    with Folder.open(tmp_path / "a", ["b", "c"], create=True):
        pass

    assert (tmp_path / "a" / "b" / "c").is_dir()


def test_only_the_root_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real" / "sub").mkdir(parents=True)
    (tmp_path / "root").symlink_to(tmp_path / "real")
    (tmp_path / "real" / "link").symlink_to(tmp_path / "real" / "sub")

    Folder.open(tmp_path / "root", ["sub"]).close()

    with pytest.raises(NotADirectoryError):
        Folder.open(tmp_path / "root", ["link"])


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="descriptors are counted in /proc")
def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to("file")
    before = open_descriptors()

    for name in ("missing", "file"):
        with pytest.raises(OSError, match=r"No such|Not a"):
            Folder.open(tmp_path, [name])
    with Folder.open(tmp_path) as folder:
        assert folder.read("file", 10) == b""
        with pytest.raises(NotRegularError):
            folder.read("link", 10)
        with pytest.raises(NotRegularError):
            folder.read(".", 10)
    folder.close()

    assert open_descriptors() == before


def test_devices_are_no_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    with Folder.open(tmp_path) as folder:
        with pytest.raises(NotRegularError):
            folder.open_file("pipe", os.O_RDONLY)
        with pytest.raises(NotRegularError):
            folder.open_file("pipe", os.O_WRONLY)


def test_reading_ends_one_byte_after_the_limit(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"0123456789")

    with Folder.open(tmp_path) as folder:
        assert folder.read("file", 4) == b"01234"
        with folder.opened("file", os.O_RDONLY) as descriptor:
            assert read_from(descriptor, 8, 5) == b"89"


def test_a_name_that_is_taken_is_not_taken_over(tmp_path: Path) -> None:
    (tmp_path / "new").write_text("ours")
    (tmp_path / "final").write_text("theirs")

    with Folder.open(tmp_path) as folder, pytest.raises(FileExistsError):
        folder.give_name("new", "final")

    assert (tmp_path / "final").read_text() == "theirs"


def failing(number: int) -> Any:  # noqa: ANN401  # in the place of a function of `os`
    def fail(*_arguments: object, **_keywords: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


def test_file_systems_without_links_rename(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "link", failing(errno.EPERM))
    (tmp_path / "new").write_text("ours")

    with Folder.open(tmp_path) as folder:
        folder.give_name("new", "final")
        (tmp_path / "new").write_text("other")
        with pytest.raises(FileExistsError):
            folder.give_name("new", "final")

    assert (tmp_path / "final").read_text() == "ours"


def test_other_failures_to_link_are_failures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", failing(errno.ENOSPC))
    (tmp_path / "new").write_text("ours")

    with Folder.open(tmp_path) as folder, pytest.raises(OSError, match="No space left"):
        folder.give_name("new", "final")

    assert (tmp_path / "new").read_text() == "ours"


def test_folders_that_cannot_be_synced_are_taken_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Folder.open(tmp_path) as folder:
        monkeypatch.setattr(os, "fsync", failing(errno.EINVAL))
        folder.sync()
        monkeypatch.setattr(os, "fsync", failing(errno.EIO))
        with pytest.raises(OSError, match="Input/output error"):
            folder.sync()


def test_writing_goes_on_until_all_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: really(descriptor, data[:3]))

    with (
        Folder.open(tmp_path) as folder,
        folder.opened("file", os.O_WRONLY | os.O_CREAT) as descriptor,
    ):
        write_all(descriptor, b"0123456789")

    assert (tmp_path / "file").read_bytes() == b"0123456789"
