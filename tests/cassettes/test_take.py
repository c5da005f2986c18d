"""What a take leaves in the file: when it appends, when it closes, and when something is wrong."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from llmreplay.cassettes import Library, Limits, Take, dump
from llmreplay.cassettes.folder import Folder
from llmreplay.errors import CassetteError, UsageError
from tests.cassettes.making import (
    Found,
    an_exchange,
    file_of,
    index,
    no_secrets,
    recorded,
    taken,
    write,
)

if TYPE_CHECKING:
    from pathlib import Path


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_an_exchange_is_in_the_file_when_append_returns(library: Library) -> None:
    take = Take.open(library, "a", no_secrets)

    source = take.append(an_exchange(1, "q1"))

    assert source == "a#1"
    assert library.path("a").read_text() == "# llmreplay cassette, format 1\n" + dump(
        an_exchange(1, "q1"), open_take=True
    )
    take.close(index)
    assert library.path("a").read_text() == file_of(an_exchange(1, "q1"))


def test_a_take_in_which_nothing_was_recorded_leaves_nothing(library: Library) -> None:
    closed = taken(library, "deep/er")

    assert closed == f"{library.path('deep/er')}: nothing recorded"
    assert list(library.path("deep/er").parent.iterdir()) == []


def test_a_take_in_which_nothing_was_recorded_changes_nothing(library: Library) -> None:
    path = write(library, "a", file_of(an_exchange(1, "q1")))

    taken(library, "a", fresh=True)

    assert path.read_text() == file_of(an_exchange(1, "q1"))


def test_exchanges_are_numbered_after_those_that_are_there(library: Library) -> None:
    write(library, "a", file_of(an_exchange(1, "q1"), an_exchange(7, "q7")))

    closed = taken(library, "a", an_exchange(2, "second"), an_exchange(1, "first"))

    assert closed == f"{library.path('a')}: 2 new"
    assert recorded(library, "a") == [
        (1, "q1", "fine"),
        (7, "q7", "fine"),
        (8, "first", "fine"),
        (9, "second", "fine"),
    ]


def test_syncing_twice_is_syncing_once(library: Library) -> None:
    take = Take.open(library, "a", no_secrets)

    take.sync()
    take.append(an_exchange(1, "q1"))
    take.sync()
    take.close(index)

    assert recorded(library, "a") == [(1, "q1", "fine")]


def test_what_is_recorded_again_takes_the_place_of_what_was_there(library: Library) -> None:
    path = write(library, "a", file_of(an_exchange(1, "q1"), an_exchange(2, "q2", take="old")))

    closed = taken(library, "a", an_exchange(1, "q1", "other", take="new"), an_exchange(2, "q3"))

    assert closed == f"{path}: 1 new, 1 replaced"
    assert path.read_text() == file_of(
        replace(an_exchange(1, "q1", "other", take="new"), number=1),
        an_exchange(2, "q2", take="old"),
        replace(an_exchange(2, "q3"), number=3),
    )


def test_the_same_again_changes_no_byte(library: Library) -> None:
    text = file_of(an_exchange(1, "q1", take="old")).replace("---\n", "# why\n---  # how\n")
    path = write(library, "a", text)

    closed = taken(library, "a", an_exchange(5, "q1", take="new"))

    assert closed == f"{path}: 1 unchanged"
    assert path.read_text() == text


def test_comments_and_settings_outlast_what_stood_below_them(library: Library) -> None:
    first, second = dump(an_exchange(1, "q1")), dump(an_exchange(2, "q2"))
    preamble = "# mine\n---\ncassette: {match: order}\n...\n"
    path = write(library, "a", f"{preamble}# one\n{first}# two\n{second}# the end\n")

    taken(library, "a", an_exchange(1, "q2", "other"))

    other = dump(an_exchange(2, "q2", "other")).replace("pace_ms: [2]", "pace_ms: [1]")
    assert path.read_text() == f"{preamble}# one\n{first}# two\n{other}# the end\n"


def test_a_document_that_another_ended_gets_an_end_when_it_comes_last(library: Library) -> None:
    first = dump(an_exchange(1, "q1")).removesuffix("...\n")
    path = write(library, "a", first + dump(an_exchange(2, "q2")))

    taken(library, "a", an_exchange(1, "q3"), fresh=False)
    taken(library, "a", an_exchange(1, "q1"), fresh=True)

    assert path.read_text() == first + "...\n"


def test_fresh_drops_what_was_not_seen(library: Library) -> None:
    write(library, "a", file_of(an_exchange(1, "q1"), an_exchange(2, "q2"), an_exchange(3, "q3")))

    closed = taken(library, "a", an_exchange(1, "q2", "other"), fresh=True)

    assert closed == f"{library.path('a')}: 1 replaced, 2 dropped"
    assert recorded(library, "a") == [(2, "q2", "other")]


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503, 529])
def test_a_failure_that_was_overcome_is_dropped_on_closing(library: Library, status: int) -> None:
    exchanges = [
        an_exchange(1, "q1", "later", status=status),
        an_exchange(2, "q1"),
        an_exchange(3, "q2", "for good", status=status),
    ]

    closed = taken(library, "a", *exchanges)
    taken(library, "kept", *exchanges, keep_errors=True)

    assert closed == f"{library.path('a')}: 2 new, 1 dropped"
    assert recorded(library, "a") == [(1, "q1", "fine"), (2, "q2", "for good")]
    assert len(recorded(library, "kept")) == 3


def test_a_take_that_was_killed_is_settled_by_the_next(library: Library) -> None:
    write(library, "a", file_of(an_exchange(1, "q1"), an_exchange(2, "q2")))
    killed = Take.open(library, "a", no_secrets)
    killed.append(an_exchange(1, "q1", "newer", take="killed"))
    killed._release()

    taken(library, "a", an_exchange(1, "q3", take="next"))

    assert recorded(library, "a") == [
        (1, "q1", "newer"),
        (2, "q2", "fine"),
        (3, "q3", "fine"),
    ]
    assert "open: true" not in library.path("a").read_text()


def test_a_torn_tail_is_put_aside_before_anything_is_added(library: Library) -> None:
    whole, torn = file_of(an_exchange(1, "q1")), dump(an_exchange(2, "q2"))[:-30]
    path = write(library, "a", whole + torn)
    path.with_name("a.yaml.torn-1").write_text("an older one")

    take = Take.open(library, "a", no_secrets)
    take.append(an_exchange(1, "q3"))
    take.close(index)

    assert take.torn == path.with_name("a.yaml.torn-2")
    assert take.torn.read_text() == torn
    assert recorded(library, "a") == [(1, "q1", "fine"), (2, "q3", "fine")]


def test_a_file_without_a_line_break_at_its_end_gets_one(library: Library) -> None:
    write(library, "a", file_of(an_exchange(1, "q1")).removesuffix("\n"))

    taken(library, "a", an_exchange(1, "q2"))

    assert recorded(library, "a") == [(1, "q1", "fine"), (2, "q2", "fine")]


def test_a_second_recorder_is_told_who_is_first(library: Library) -> None:
    message = "another recorder is at work on it; wait until it has ended"
    new = Take.open(library, "new", no_secrets)
    write(library, "old", file_of(an_exchange(1, "q1")))
    old = Take.open(library, "old", no_secrets)

    for name in ("new", "old"):
        with pytest.raises(UsageError, match=message) as caught:
            Take.open(library, name, no_secrets)
        assert str(caught.value).startswith(str(library.path(name)))
    new.append(an_exchange(1, "q1"))
    with pytest.raises(UsageError, match=message):
        Take.open(library, "new", no_secrets)

    new.close(index)
    old.close(index)
    Take.open(library, "new", no_secrets).close(index)
    Take.open(library, "old", no_secrets).close(index)


def test_what_a_killed_take_left_beside_the_file_is_removed(library: Library) -> None:
    path = write(library, "a", file_of(an_exchange(1, "q1")))
    path.with_name(".a.yaml.tmp").write_text("half")
    path.with_name(".a.yaml.new").write_text("half")
    path.with_name(".b.yaml.new").write_text("half")
    write(library, "c", file_of(an_exchange(1, "q1")))
    os.link(library.path("c"), path.with_name(".c.yaml.new"))

    taken(library, "a", an_exchange(1, "q2"))
    taken(library, "b", an_exchange(1, "q2"))
    taken(library, "c", an_exchange(1, "q2"))

    assert files_in(path.parent) == ["a.yaml", "b.yaml", "c.yaml"]
    assert recorded(library, "b") == [(1, "q2", "fine")]


def test_a_broken_cassette_is_not_added_to(library: Library) -> None:
    path = write(library, "a", "---\nexchange: 1\n...\n" + dump(an_exchange(2, "q2")))

    with pytest.raises(CassetteError, match=r"a\.yaml:2: 'request' is missing"):
        Take.open(library, "a", no_secrets)

    assert path.read_text().startswith("---\nexchange: 1\n")
    assert files_in(path.parent) == ["a.yaml"]


def test_a_secret_that_is_left_stops_the_exchange_and_only_that(library: Library) -> None:
    def scan(text: str) -> list[Found]:
        at = text.find("hunter2")
        return [Found("password", at)] if at >= 0 else []

    take = Take.open(library, "a", scan)
    take.append(an_exchange(1, "q1"))
    secret = an_exchange(2, '{"messages":[{"role":"user","content":"it is\\nhunter2"}]}')

    with pytest.raises(CassetteError) as caught:
        take.append(secret)

    take.append(an_exchange(3, "q3"))
    take.close(index)
    assert str(caught.value) == (
        f"{library.path('a')}: exchange 2 was not recorded, because secrets were left in it: "
        "password in request.json.messages.content. Nothing of it was written"
    )
    assert [number for number, *_ in recorded(library, "a")] == [1, 2]


def test_what_could_not_be_read_again_is_not_written(folder: Path) -> None:
    library = Library(folder, Limits(max_document_bytes=2_000, max_file_bytes=2_500))
    take = Take.open(library, "a", no_secrets)
    take.append(an_exchange(1, "q1", "x" * 1_000))

    with pytest.raises(CassetteError) as too_large:
        take.append(an_exchange(2, "q2", "x" * 2_000))
    with pytest.raises(CassetteError) as too_many:
        take.append(an_exchange(3, "q3", "x" * 1_000))

    take.close(index)
    path = library.path("a")
    assert str(too_large.value) == (
        f"{path}: exchange 2 was not recorded: an exchange in a cassette has at most 2,000 bytes"
    )
    assert str(too_many.value) == (
        f"{path}: exchange 3 was not recorded: a cassette has at most 2,500 bytes; record into "
        "another"
    )
    assert [question for _, question, _ in recorded(library, "a")] == ["q1"]


def test_modes_are_those_of_any_file_of_the_owner(library: Library) -> None:
    mask = os.umask(0o027)
    try:
        taken(library, "new", an_exchange(1, "q1"))
    finally:
        os.umask(mask)
    path = write(library, "old", file_of(an_exchange(1, "q1")))
    path.chmod(0o664)

    taken(library, "old", an_exchange(1, "q2"))

    assert stat.S_IMODE(library.path("new").stat().st_mode) == 0o640
    assert stat.S_IMODE(path.stat().st_mode) == 0o664


def test_links_are_not_followed(library: Library, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    outside = elsewhere / "outside.yaml"
    outside.write_text(file_of(an_exchange(1, "q1")))
    library.folder.mkdir()
    library.path("a").symlink_to(outside)
    (library.folder / "sub").symlink_to(elsewhere)
    (library.folder / ".c.yaml.new").symlink_to(outside)
    os.mkfifo(library.path("pipe"))

    for name in ("a", "sub/outside", "sub/b", "c", "pipe"):
        with pytest.raises(UsageError, match="cannot be recorded into"):
            Take.open(library, name, no_secrets)

    assert files_in(elsewhere) == ["outside.yaml"]
    assert outside.read_text() == file_of(an_exchange(1, "q1"))


def test_a_folder_that_is_a_file_is_told(library: Library) -> None:
    library.folder.write_text("")

    with pytest.raises(UsageError, match=r"cassettes/a\.yaml: cannot be recorded into: "):
        Take.open(library, "a", no_secrets)


def test_an_exchange_that_does_not_say_when_is_a_mistake_of_the_caller(library: Library) -> None:
    take = Take.open(library, "a", no_secrets)

    with pytest.raises(ValueError, match="says when and in which take"):
        take.append(replace(an_exchange(1, "q1"), recorded=None))
    take.close(index)


def test_a_file_that_came_up_meanwhile_is_not_written_over(library: Library) -> None:
    take = Take.open(library, "a", no_secrets)
    path = write(library, "a", "theirs")

    with pytest.raises(CassetteError, match="could not be recorded: File exists"):
        take.append(an_exchange(1, "q1"))
    with pytest.raises(UsageError, match="another recorder is at work on it"):
        Take.open(library, "a", no_secrets)
    take.close(index)

    assert path.read_text() == "theirs"
    assert files_in(library.folder) == ["a.yaml"]


def test_garbage_of_the_same_size_is_not_rewritten(library: Library) -> None:
    take = Take.open(library, "a", no_secrets)
    take.append(an_exchange(1, "q1"))
    path = library.path("a")
    with path.open("r+") as file:
        file.write("# llmreplay cassette, format 7")

    with pytest.raises(CassetteError, match="the take could not be closed: line 1: format 7 is"):
        take.close(index)

    assert path.read_text().startswith("# llmreplay cassette, format 7")


def test_a_cassette_published_while_another_opens_it_is_found(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = fcntl.flock
    library.folder.mkdir()

    def publish_first(descriptor: int, operation: int) -> None:
        monkeypatch.setattr(fcntl, "flock", really)
        write(library, "a", file_of(an_exchange(1, "q1")))
        really(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", publish_first)
    taken(library, "a", an_exchange(1, "q2"))

    assert recorded(library, "a") == [(1, "q1", "fine"), (2, "q2", "fine")]
    assert files_in(library.folder) == ["a.yaml"]


def test_a_cassette_that_comes_and_goes_is_given_up(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Folder, "exists", lambda _folder, name: name == "a.yaml")

    with pytest.raises(UsageError, match="is being replaced again and again by something else"):
        Take.open(library, "a", no_secrets)


@pytest.mark.parametrize("how", ["replaced", "written into", "removed"])
def test_a_file_that_somebody_else_changes_is_left_alone(library: Library, how: str) -> None:
    take = Take.open(library, "a", no_secrets)
    take.append(an_exchange(1, "q1"))
    path = library.path("a")
    if how == "replaced":
        path.with_name("b").write_text("theirs")
        path.with_name("b").replace(path)
    elif how == "removed":
        path.unlink()
    else:
        with path.open("a") as file:
            file.write("# theirs\n")
    theirs = path.read_text() if path.exists() else None

    with pytest.raises(CassetteError, match="something else changed or replaced the file"):
        take.append(an_exchange(2, "q2"))
    with pytest.raises(CassetteError, match="something else changed or replaced the file"):
        take.close(index)

    assert (path.read_text() if path.exists() else None) == theirs


class Failing:
    """A function of `os` that fails at its n-th call, and works before and after."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str, number: int = 1) -> None:
        self._really = getattr(os, name)
        self._left = number
        monkeypatch.setattr(os, name, self)

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:  # noqa: ANN401  # any of `os`
        self._left -= 1
        if self._left == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self._really(*arguments, **keywords)


@pytest.mark.parametrize(
    ("call", "is_new"),
    [
        ("write", True),
        ("fsync", True),
        ("link", True),
        ("unlink", True),
        ("write", False),
        ("fsync", False),
    ],
)
def test_a_full_disk_costs_one_exchange_and_one_message(
    library: Library, monkeypatch: pytest.MonkeyPatch, call: str, *, is_new: bool
) -> None:
    if not is_new:
        write(library, "a", file_of(an_exchange(1, "q0")))
    take = Take.open(library, "a", no_secrets)
    with monkeypatch.context() as patch:
        Failing(patch, call)
        with pytest.raises(CassetteError) as caught:
            take.append(an_exchange(1, "q1"))

    take.append(an_exchange(2, "q2"))
    take.close(index)

    assert str(caught.value) == (
        f"{library.path('a')}: an exchange could not be recorded: No space left on device. "
        "The cassette is as it was before; make room, and record again"
    )
    assert [question for _, question, _ in recorded(library, "a")] == (
        ["q2"] if is_new else ["q0", "q2"]
    )


@pytest.mark.parametrize(
    ("call", "number"), [("write", 1), ("fsync", 1), ("fsync", 2), ("link", 1)]
)
def test_a_new_cassette_that_could_not_be_written_leaves_nothing(
    library: Library, monkeypatch: pytest.MonkeyPatch, call: str, number: int
) -> None:
    take = Take.open(library, "a", no_secrets)
    Failing(monkeypatch, call, number)

    with pytest.raises(CassetteError, match="No space left on device"):
        take.append(an_exchange(1, "q1"))

    assert str(take.close(index)) == f"{library.path('a')}: nothing recorded"
    assert files_in(library.folder) == []


def test_what_cannot_be_cut_back_is_cut_back_later(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = Take.open(library, "a", no_secrets)
    take.append(an_exchange(1, "q1"))
    with monkeypatch.context() as patch:
        Failing(patch, "fsync")
        Failing(patch, "ftruncate")
        with pytest.raises(CassetteError, match="No space left"):
            take.append(an_exchange(2, "q2"))

    take.append(an_exchange(3, "q3"))
    take.close(index)

    assert [question for _, question, _ in recorded(library, "a")] == ["q1", "q3"]


@pytest.mark.parametrize("call", ["write", "fsync", "fchmod", "replace"])
def test_a_full_disk_at_closing_leaves_everything_recorded(
    library: Library, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = write(library, "a", file_of(an_exchange(1, "q1")))
    take = Take.open(library, "a", no_secrets)
    take.append(an_exchange(1, "q1", "other"))
    before = path.read_text()
    Failing(monkeypatch, call)

    with pytest.raises(CassetteError) as caught:
        take.close(index)

    assert str(caught.value) == (
        f"{path}: the take could not be closed: No space left on device. All exchanges are in "
        "the file as they were appended, and it can be replayed; the next recording into it will "
        "tidy it up"
    )
    assert path.read_text() == before
    assert files_in(path.parent) == ["a.yaml"]
    taken(library, "a", an_exchange(1, "q2"))
    assert recorded(library, "a") == [(1, "q1", "other"), (2, "q2", "fine")]


@pytest.mark.skipif(os.getuid() != 0, reason="only root mounts a file system of 64 KiB")
def test_a_really_full_disk(library: Library) -> None:
    """As above, but on a file system that is full, where it can be made."""
    library.folder.mkdir()
    if os.system(f"mount -t tmpfs -o size=64k tmpfs {library.folder} 2>/dev/null"):  # noqa: S605
        pytest.skip("may not mount")
    try:
        take = Take.open(library, "a", no_secrets)
        take.append(an_exchange(1, "q1"))
        with pytest.raises(CassetteError, match="No space left on device"):
            take.append(an_exchange(2, "q2", "much" * 20_000))
        take.append(an_exchange(3, "q3", "x" * 40_000))
        with pytest.raises(CassetteError, match="could not be closed: No space left on device"):
            take.close(index)
        assert [question for _, question, _ in recorded(library, "a")] == ["q1", "q3"]
        assert files_in(library.folder) == ["a.yaml"]
    finally:
        os.system(f"umount {library.folder}")  # noqa: S605


@pytest.mark.parametrize("before", ["", "\n", "\n# a note"])
def test_a_discarded_take_leaves_the_file_byte_for_byte(library: Library, before: str) -> None:
    text = file_of(an_exchange(1, "old")).rstrip("\n") + before
    path = write(library, "a", text)
    take = Take.open(library, "a", no_secrets)
    take.append(an_exchange(1, "q1"))
    take.append(an_exchange(2, "q2"))

    closed = take.discard()

    assert str(closed) == f"{path}: 2 dropped"
    assert path.read_text() == text
    assert files_in(library.folder) == ["a.yaml"]
    assert taken(library, "a", an_exchange(1, "q1")) == f"{path}: 1 new"


def test_a_discarded_take_of_a_new_cassette_leaves_none(library: Library) -> None:
    take = Take.open(library, "a", no_secrets)
    take.append(an_exchange(1, "q1"))
    take.discard()
    assert files_in(library.folder) == []


def test_what_somebody_else_changed_is_not_taken_back(library: Library) -> None:
    take = Take.open(library, "a", no_secrets)
    take.append(an_exchange(1, "q1"))
    with library.path("a").open("a") as file:
        file.write("# mine\n")
    with pytest.raises(CassetteError, match="something else changed"):
        take.discard()
    assert library.path("a").read_text().endswith("# mine\n")


def test_a_disk_that_does_not_take_back_is_told(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = Take.open(library, "a", no_secrets)
    take.append(an_exchange(1, "q1"))

    def full(descriptor: int, length: int) -> None:  # noqa: ARG001  # the system's
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "ftruncate", full)
    with pytest.raises(CassetteError, match="could not be taken back: Input/output error"):
        take.discard()
