"""The CA's folder: made once, healed where it is broken, refused where it is not safe."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from llmreplay.certificates import Names
from llmreplay.certificates.keeping import Keeping
from llmreplay.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
NAMES = Names.of(["api.openai.com"])


@pytest.fixture
def keeping(tmp_path: Path) -> Keeping:
    return Keeping(tmp_path / "ca", NAMES)


def fingerprint(keeping: Keeping, now: datetime = NOW) -> str:
    return keeping.issuer(now)[0].fingerprint


def key_of(keeping: Keeping) -> Path:
    return keeping.folder / "key.pem"


def mode_of(path: Path) -> str:
    return oct(stat.S_IMODE(path.stat().st_mode))


def test_nothing_is_touched_before_it_is_needed(keeping: Keeping, tmp_path: Path) -> None:
    assert keeping.state() is None
    assert [*tmp_path.iterdir()] == []


def test_it_is_made_once_and_readable_by_its_owner_alone(keeping: Keeping) -> None:
    issuer, state = keeping.issuer(NOW)

    assert (keeping.issuer(NOW)[0].pem, keeping.issuer(NOW)[1]) == (issuer.pem, state)
    assert {file.name: mode_of(file) for file in keeping.folder.iterdir()} == {
        "ca.pem": "0o600",
        "key.pem": "0o600",
    }
    assert [mode_of(folder) for folder in (keeping.folder, keeping.folder.parent)] == ["0o700"] * 2
    assert (keeping.folder / "ca.pem").read_bytes() == issuer.root_pem
    assert keeping.state() == state


def test_lists_have_cas_side_by_side(tmp_path: Path) -> None:
    one, other = (Keeping(tmp_path, Names.of([host])) for host in ("a.example", "b.example"))
    same = Keeping(tmp_path, Names.of(["A.example.", "localhost"]))

    assert fingerprint(one) != fingerprint(other)
    assert fingerprint(one) == fingerprint(same)


@pytest.mark.parametrize(
    ("later", "is_new"),
    [
        (timedelta(days=23), False),
        (timedelta(days=23, minutes=1), True),
        (timedelta(days=300), True),
        (timedelta(hours=-2), True),  # the clock was wrong when it was made
    ],
)
def test_it_is_made_anew_a_week_before_its_end(
    keeping: Keeping,
    later: timedelta,
    is_new: bool,  # noqa: FBT001  # a case
) -> None:
    first, state = keeping.issuer(NOW)
    again, later_state = keeping.issuer(NOW + later)

    assert (again.pem != first.pem, later_state != state) == (is_new, is_new)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:1000])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def removed(path: Path) -> None:
    path.unlink()


def opened(path: Path) -> None:
    path.chmod(0o640)


def linked(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def piped(path: Path) -> None:
    path.unlink()
    os.mkfifo(path, 0o600)


def in_an_open_folder(path: Path) -> None:
    path.parent.chmod(0o770)


@pytest.mark.parametrize("harm", [cut, emptied, removed, opened, linked, piped, in_an_open_folder])
def test_what_is_broken_or_may_be_known_to_others_is_made_anew(
    keeping: Keeping, harm: object
) -> None:
    before = fingerprint(keeping)
    assert callable(harm)
    harm(key_of(keeping))

    after = fingerprint(keeping)

    assert after != before
    assert after == fingerprint(keeping)
    assert (mode_of(key_of(keeping)), mode_of(keeping.folder)) == ("0o600", "0o700")
    assert not key_of(keeping).is_symlink()


def test_a_folder_that_others_could_only_look_into_is_closed(keeping: Keeping) -> None:
    before = fingerprint(keeping)
    keeping.folder.chmod(0o755)

    assert (fingerprint(keeping), mode_of(keeping.folder)) == (before, "0o700")


def test_what_a_killed_process_left_is_no_hindrance(keeping: Keeping) -> None:
    keeping.folder.mkdir(parents=True, mode=0o700)
    (keeping.folder / "key.pem.new").write_bytes(b"half")

    fingerprint(keeping)

    assert sorted(file.name for file in keeping.folder.iterdir()) == ["ca.pem", "key.pem"]


def test_a_file_is_put_there_once(keeping: Keeping) -> None:
    path = keeping.put("bundle.pem", b"roots")
    written = path.stat()
    keeping.put("bundle.pem", b"roots")

    assert (path.read_bytes(), mode_of(path)) == (b"roots", "0o600")
    assert path.stat() == written


def test_what_has_expired_is_dropped_when_a_ca_is_made(tmp_path: Path) -> None:
    expired, kept = (Keeping(tmp_path, Names.of([host])) for host in ("a.example", "b.example"))
    for one in (expired, kept):
        one.issuer(NOW)
    (tmp_path / "mine").mkdir()
    mine = tmp_path / "mine" / "file"
    mine.write_bytes(b"")
    old, older = kept.put("trust-old.p12", b""), (NOW - timedelta(days=31)).timestamp()
    for file in (*expired.folder.iterdir(), old, mine):
        os.utime(file, (older, older))
    for file in (kept.folder / "key.pem", kept.folder / "ca.pem"):
        os.utime(file, (NOW.timestamp(), NOW.timestamp()))

    Keeping(tmp_path, Names.of(["c.example"])).issuer(NOW)

    assert (expired.folder.exists(), old.exists()) == (False, False)
    assert (key_of(kept).exists(), mine.exists()) == (True, True)


def told(keeping: Keeping) -> str:
    with pytest.raises(UsageError) as caught:
        keeping.issuer(NOW)
    return str(caught.value)


REMEDY = "give a folder that you can write to with --ca-dir or LLMREPLAY_CA_DIR"


def test_a_place_where_no_folder_can_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    keeping = Keeping(tmp_path / "file" / "ca", NAMES)

    assert told(keeping) == (
        f"the local CA cannot be kept in {keeping.folder}: Not a directory; {REMEDY}"
    )


def test_a_disk_that_is_full_is_told(keeping: Keeping, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("llmreplay.certificates.keeping.fcntl.flock", full)

    assert told(keeping) == (
        f"the local CA cannot be kept in {keeping.folder}: No space left on device; {REMEDY}"
    )


def test_a_folder_of_somebody_else_is_refused(
    keeping: Keeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    fingerprint(keeping)
    monkeypatch.setattr(os, "geteuid", lambda: 12_345)

    assert told(keeping) == (
        f"the local CA cannot be kept in {keeping.folder}: that is no folder of yours; remove it, "
        "or give another with --ca-dir or LLMREPLAY_CA_DIR"
    )


def test_a_link_where_the_folder_should_be_is_refused(keeping: Keeping, tmp_path: Path) -> None:
    keeping.folder.parent.mkdir()
    keeping.folder.symlink_to(tmp_path)

    assert "that is no folder of yours" in told(keeping)


def test_a_key_in_a_project_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()

    assert told(Keeping(tmp_path / "build" / "ca", NAMES)) == (
        f"the local CA must not be kept in {tmp_path}/build/ca: it is in the project {tmp_path}, "
        "and the CA's key would be too; give another folder with --ca-dir or LLMREPLAY_CA_DIR, or "
        "none for the one of your own"
    )


def test_a_home_directory_is_no_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".git").mkdir()

    assert fingerprint(Keeping(tmp_path / ".local" / "ca", NAMES))


def test_who_has_waited_takes_what_another_has_made(
    keeping: Keeping, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    def another_is_quicker(lock: int, how: int) -> None:
        del lock, how
        monkeypatch.undo()
        made.append(fingerprint(Keeping(tmp_path / "ca", NAMES)))

    monkeypatch.setattr("llmreplay.certificates.keeping.fcntl.flock", another_is_quicker)

    assert [fingerprint(keeping)] == made


ONE_OF_MANY = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from llmreplay.certificates import Authority

sys.stdin.read()
authority = Authority(Path(sys.argv[1]), ["api.openai.com"])
authority.context("api.openai.com")
print(authority.fingerprint, *map(str, (authority.files().bundle, authority.files().java_store)))
"""


def test_processes_that_start_at_once_agree(tmp_path: Path) -> None:
    many = [
        subprocess.Popen(  # noqa: S603  # our own interpreter and program
            [sys.executable, "-c", ONE_OF_MANY, tmp_path / "ca"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for one in many:
        assert one.stdin is not None
        one.stdin.close()
        one.stdin = None
    said = {one.communicate(timeout=60)[0] for one in many}

    assert [one.returncode for one in many] == [0] * 4
    assert len(said) == 1
    assert not [*tmp_path.rglob("*.new"), *tmp_path.rglob("leaf-*")]
