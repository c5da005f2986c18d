"""What is found in a folder of cassettes, what is loaded of it, and what is said of the rest."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from llmreplay.cassettes import Library, Limits, Take, dump
from llmreplay.cassettes.contents import HEADER, settings_document
from llmreplay.core.canonical import Strictness
from llmreplay.errors import CassetteError, UsageError
from tests.cassettes.making import (
    an_exchange,
    asked,
    file_of,
    index,
    no_secrets,
    recorded,
    taken,
    write,
)

if TYPE_CHECKING:
    from pathlib import Path


def test_cassettes_are_named_by_their_path(library: Library) -> None:
    for name in ("b", "a/c", "a.1/x-2", ".hidden/d", "a/b c"):
        path = library.folder / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    (library.folder / "b.yaml.torn-1").write_text("")
    (library.folder / ".b.yaml.tmp").write_text("")
    (library.folder / "c.yml").write_text("")

    loaded = library.load(index)

    assert library.names() == ("a.1/x-2", "a/c", "b")
    assert [cassette.name for cassette in loaded.cassettes] == ["a.1/x-2", "a/c", "b"]
    why = (
        "passed over: cassettes end in .yaml, and their names are letters, digits, `.`, `_` and `-`"
    )
    assert loaded.warnings == (
        f"{library.folder}/c.yml: {why}",
        f"{library.folder}/a/b c.yaml: {why}",
    )


def test_a_recording_knows_what_it_is_found_by_and_loads_the_rest(library: Library) -> None:
    write(library, "a/b", file_of(an_exchange(2, "q2"), an_exchange(1, "q1")))

    (cassette,) = library.load(index).cassettes

    first, second = cassette.recordings
    expected = index(an_exchange(1, "q1").request, "")
    assert first.fingerprint == expected.fingerprint
    assert tuple(first.features) == tuple(expected.features)
    assert (first.method, first.path, first.upstream) == ("POST", "/v1/echo", "openai")
    assert (first.source, second.source) == ("a/b#1", "a/b#2")
    assert first.strictness is Strictness.EXACT
    assert (first.load(), second.load()) == (an_exchange(1, "q1"), an_exchange(2, "q2"))


def test_a_cassette_can_ask_for_its_own_strictness(library: Library) -> None:
    text = HEADER + settings_document(Strictness.ORDER) + dump(an_exchange(1, "q1"))
    write(library, "a", text)

    (cassette,) = library.load(index).cassettes

    assert cassette.strictness is Strictness.ORDER
    assert cassette.recordings[0].strictness is Strictness.ORDER


def test_an_upstream_that_is_not_known_answers_for_any(library: Library) -> None:
    write(library, "a", dump(an_exchange(1, "q1")).replace("upstream: openai\n", ""))

    (cassette,) = library.load(index).cassettes

    assert cassette.recordings[0].upstream is None


def test_a_take_that_was_never_closed_counts_all_the_same(library: Library) -> None:
    taken(library, "a", an_exchange(1, "q1"), an_exchange(2, "q2"))
    take = Take.open(library, "a", no_secrets)
    take.append(an_exchange(1, "q1", "busy", status=503))
    take.append(an_exchange(2, "q1", "newer"))

    (cassette,) = library.load(index).cassettes

    assert [asked(recording.load()) for recording in cassette.recordings] == [
        (4, "q1", "newer"),
        (2, "q2", "fine"),
    ]
    assert [recording.source for recording in cassette.recordings] == ["a#4", "a#2"]
    take.close(index)


def test_the_paths_of_upstreams_addresses_are_known(library: Library) -> None:
    def at(base: str, upstream: str) -> str:
        named = f"upstream: {upstream}\nbase: {base}"
        return dump(an_exchange(1, "q1")).replace("upstream: openai", named)

    write(library, "a", at("/v1", "mine") + at("/v2", "mine") + at("/v1", "mine"))
    write(library, "b", at("/v1", "mine") + at("/api", "other") + dump(an_exchange(1, "q2")))

    loaded = library.load(index)

    assert loaded.cassettes[0].base_paths == (("mine", "/v1"), ("mine", "/v2"))
    assert loaded.upstreams == {"mine", "other", "openai"}
    assert loaded.base_paths == {"mine": ("/v1", "/v2"), "other": ("/api",)}


def test_a_torn_tail_is_told_and_the_rest_answers(library: Library) -> None:
    whole = file_of(an_exchange(1, "q1"))
    path = write(library, "a", whole + dump(an_exchange(2, "q2"))[:-10])

    loaded = library.load(index)

    assert len(loaded.cassettes[0].recordings) == 1
    assert loaded.warnings == (
        (
            f"{path}:{whole.count(chr(10)) + 1}: the last document has no end: writing it was cut "
            "short; it is passed over. If it is whole, put a line of `...` after it, else delete it"
        ),
    )


def test_mistakes_of_all_files_are_told_together(library: Library) -> None:
    a = write(library, "a", "---\nexchange: 1\n...\n" + file_of(an_exchange(2, "q2")))
    b = write(library, "b", file_of(an_exchange(2, "q2")).replace("status: 200", "status: []"))
    write(library, "c", file_of(an_exchange(1, "q1")))

    with pytest.raises(CassetteError) as caught:
        library.load(index)

    assert str(caught.value).split("\n") == [
        f"{a}:2: 'request' is missing",
        f"{a}:2: 'response' is missing",
        f"{b}:11: 'status' is text",
    ]


def test_of_very_many_mistakes_the_first_are_told(library: Library) -> None:
    write(library, "a", "---\n{}\n...\n" * 20)

    with pytest.raises(CassetteError) as caught:
        library.load(index)

    assert len(str(caught.value).split("\n")) == 51
    assert str(caught.value).endswith("\n… and 10 more")


def test_links_and_devices_are_no_cassettes(library: Library, tmp_path: Path) -> None:
    outside = tmp_path / "outside.yaml"
    outside.write_text(file_of(an_exchange(1, "secret")))
    library.folder.mkdir()
    library.path("link").symlink_to(outside)
    os.mkfifo(library.path("pipe"))

    with pytest.raises(CassetteError) as caught:
        library.load(index)

    assert str(caught.value).split("\n") == [
        f"{library.path('link')}:1: a link or device, no file; put the file here",
        f"{library.path('pipe')}:1: a link or device, no file; put the file here",
    ]


def test_a_link_to_a_folder_is_not_entered(library: Library, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "a.yaml").write_text(file_of(an_exchange(1, "q1")))
    library.folder.mkdir()
    (library.folder / "sub").symlink_to(tmp_path / "outside")

    assert library.names() == ()
    with pytest.raises(CassetteError, match=r"sub/a\.yaml:1: cannot be read: Not a directory"):
        library.exchanges("sub/a")


def test_a_file_is_no_folder_of_cassettes(tmp_path: Path) -> None:
    path = tmp_path / "chat.yaml"
    path.write_text("")
    with pytest.raises(UsageError) as told:
        Library(path).load(index)
    assert str(told.value) == (
        f"{path}: this is a file, and cassettes are in a folder: --cassettes {tmp_path}"
    )


def test_a_folder_that_is_not_there_is_told_with_what_to_do(library: Library) -> None:
    with pytest.raises(UsageError) as caught:
        library.load(index)

    assert str(caught.value) == (
        f"{library.folder}: there is no such folder; record cassettes into it with "
        "`llmreplay record`, or name another with --cassettes"
    )


def test_a_cassette_that_is_not_there_is_told(library: Library) -> None:
    library.folder.mkdir()

    for ask in (lambda: library.load(index, names=["a/b"]), lambda: library.exchanges("a/b")):
        with pytest.raises(UsageError) as caught:
            ask()
        assert str(caught.value) == f"{library.path('a/b')}: there is no such cassette"


@pytest.mark.parametrize(
    "name", ["../a", "a/../b", "/etc/passwd", "", ".a", "a b", "a\0", "x" * 201]
)
def test_what_is_no_name_reaches_no_file(library: Library, name: str) -> None:
    for ask in (library.path, library.exchanges, lambda name: library.load(index, names=[name])):
        with pytest.raises(UsageError, match="is no name of a cassette: letters, digits"):
            ask(name)


def test_limits_are_kept(library: Library) -> None:
    write(library, "a", file_of(an_exchange(1, "q1", "x" * 5000)))

    with pytest.raises(CassetteError, match=r"a\.yaml:1: larger than 1,000 bytes"):
        Library(library.folder, Limits(max_file_bytes=1000)).load(index)
    with pytest.raises(CassetteError, match=r"a\.yaml:2: larger than 2,000 bytes"):
        Library(library.folder, Limits(max_document_bytes=2000)).load(index)


def test_only_what_is_named_is_loaded(library: Library) -> None:
    write(library, "a", file_of(an_exchange(1, "q1")))
    write(library, "b", "broken")

    (cassette,) = library.load(index, names=["a", "a"]).cassettes

    assert cassette.name == "a"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("other", ":1: changed since it was loaded; start llmreplay again"),
        ("gone", ":1: cannot be read any more: No such file or directory"),
    ],
)
def test_a_file_that_changed_since_gives_no_garbage(
    library: Library, change: str, message: str
) -> None:
    path = write(library, "a", file_of(an_exchange(1, "q1")))
    (recording,) = library.load(index).cassettes[0].recordings
    if change == "other":
        path.write_text(file_of(an_exchange(1, "q2")))
    else:
        path.unlink()

    with pytest.raises(CassetteError) as caught:
        recording.load()

    assert str(caught.value) == f"{path}{message}"


def test_what_was_well_once_and_is_not_now_is_told(library: Library) -> None:
    path = write(library, "a", file_of(an_exchange(1, "q1")))
    (recording,) = library.load(index).cassettes[0].recordings
    library.limits = Limits(max_document_bytes=10)

    with pytest.raises(CassetteError, match=f"^{path}: exchange 1: line 1: larger than 10 bytes$"):
        recording.load()


def test_exchanges_are_given_by_number_and_mistakes_by_line(library: Library) -> None:
    write(library, "a", file_of(an_exchange(2, "q2"), an_exchange(1, "q1")))
    path = write(library, "b", "---\nexchange: [\n...\n")

    assert recorded(library, "a") == [(1, "q1", "fine"), (2, "q2", "fine")]
    with pytest.raises(CassetteError) as caught:
        library.exchanges("b")
    assert str(caught.value).startswith(f"{path}:3: not valid YAML: ")
