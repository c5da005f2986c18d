"""Cassettes for sessions: by name and glob, in memory once, and again when they have changed."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

from llmreplay.cassettes import Library, Loaded, Recorder
from llmreplay.core.hosts import Hosts
from llmreplay.core.policy import Mode
from llmreplay.core.routing import Upstreams
from llmreplay.errors import CassetteError, UsageError
from llmreplay.service.sources import FromFolder, KnownHosts, Reel
from tests.cassettes.making import an_exchange, file_of, index, recorded, write
from tests.cassettes.test_recorder import as_it_is

if TYPE_CHECKING:
    from pathlib import Path


def hosts(mode: Mode, loaded: Loaded) -> Hosts:
    """Their upstreams are told by name, to see which cassettes they were made of."""
    upstreams = Upstreams(configured=frozenset(loaded.upstreams))
    return Hosts(upstreams, covers=lambda _host: True, forwards=mode is not Mode.REPLAY)


@pytest.fixture
def library(tmp_path: Path) -> Library:
    library = Library(tmp_path / "cassettes")
    for name in ("a", "b", "deep/a", "deep/b"):
        write(library, name, file_of(an_exchange(1, f"q in {name}")))
    return library


def sources(
    library: Library, *, recorder: Recorder | None = None, reaches_out: bool = False
) -> FromFolder:
    return FromFolder(
        library,
        index,
        Reel(library.load(index) if library.folder.exists() else Loaded(())),
        hosts=KnownHosts(hosts),
        recorder=recorder,
        reaches_out=reaches_out,
    )


async def found(one: FromFolder, *cassettes: str) -> list[str]:
    tape = (await one.find(cassettes, Mode.REPLAY)).tape
    return [recording.source for recording in tape]


async def test_cassettes_are_found_by_name_and_by_glob(library: Library) -> None:
    one = sources(library)
    assert await found(one, "b") == ["b#1"]
    assert await found(one, "deep/*", "a", "deep/a") == ["a#1", "deep/a#1", "deep/b#1"]
    everything = await one.find(None, Mode.REPLAY)
    assert [recording.source for recording in everything.tape] == [
        "a#1", "b#1", "deep/a#1", "deep/b#1",
    ]  # fmt: skip
    assert everything.shown == f"{library.folder}/"


async def test_what_is_not_there_is_told(library: Library) -> None:
    one = sources(library)
    told = await one.find(("new", "a", "x/*"), Mode.REPLAY)
    assert (told.missing, len(told.tape)) == (("new", "x/*"), 1)
    assert told.shown == ", ".join(str(library.folder / f"{n}.yaml") for n in ("new", "a", "x/*"))


async def test_a_folder_that_is_not_there_has_none(tmp_path: Path) -> None:
    one = sources(Library(tmp_path / "nowhere"))
    assert (await one.find(("a", "*"), Mode.REPLAY)).missing == ("a", "*")


async def test_what_can_be_no_name_is_refused(library: Library) -> None:
    one = sources(library)
    for name in ("../a", "/a", "a b"):
        with pytest.raises(UsageError, match="is no name of a cassette"):
            await one.find((name,), Mode.REPLAY)


async def test_a_broken_cassette_is_told_by_its_place(library: Library) -> None:
    path = write(library, "broken", "exchange: [\n...\n")
    with pytest.raises(CassetteError, match=f"{path}:"):
        await sources(library).find(("broken",), Mode.REPLAY)


async def test_the_same_cassettes_are_in_memory_once(library: Library) -> None:
    one = sources(library)
    first = await one.find(("a", "b"), Mode.REPLAY)
    again = await one.find(("a", "b"), Mode.NEW)
    assert again.tape is first.tape
    assert (await one.find(("a", "b"), Mode.REPLAY)).hosts is first.hosts
    assert again.hosts is not first.hosts
    assert (again.hosts.forwards, first.hosts.forwards) == (True, False)
    assert first.hosts.upstreams.configured == {"openai"}


async def test_what_has_changed_is_read_again(library: Library) -> None:
    one = sources(library)
    first = await one.find(("a",), Mode.REPLAY)
    write(library, "a", file_of(an_exchange(1, "q1"), an_exchange(2, "q2")))
    assert await found(one, "a") == ["a#1", "a#2"]
    assert len(first.tape) == 1


async def test_what_nobody_has_any_more_goes_after_a_while(library: Library) -> None:
    one = sources(library)
    for number in range(40):
        write(library, f"t-{number}", file_of(an_exchange(1, "q1")))
        await one.find((f"t-{number}",), Mode.REPLAY)
    gc.collect()
    assert len(one._reels) == 16


async def test_a_run_that_only_replays_does_nothing_else(library: Library) -> None:
    one = sources(library)
    one.check(Mode.REPLAY, "a")
    for mode in (Mode.ALL, Mode.NEW, Mode.FORWARD, Mode.OFF):
        with pytest.raises(UsageError, match=f"mode {mode}: this run only replays"):
            one.check(mode, "a")
    assert await one.close("a", keep=True, fresh=False) is None


async def test_a_run_that_forwards_does_not_record(library: Library) -> None:
    one = sources(library, reaches_out=True)
    one.check(Mode.OFF, "a")
    with pytest.raises(UsageError, match="mode new: this run records nothing"):
        one.check(Mode.NEW, "a")


async def test_a_recording_is_ended_alone(library: Library) -> None:
    recorder = Recorder(library, make_redactor=as_it_is, index=index)
    one = sources(library, recorder=recorder, reaches_out=True)
    one.check(Mode.ALL, "new")
    with pytest.raises(UsageError, match="is no name of a cassette"):
        one.check(Mode.ALL, "../new")
    await recorder.append("new", an_exchange(recorder.reserve("new"), "q1"))
    await recorder.append("a", an_exchange(recorder.reserve("a"), "q1"))
    assert str(await one.close("new", keep=True, fresh=False)) == f"{library.path('new')}: 1 new"
    assert await one.close("a", keep=False, fresh=False) is not None
    assert recorded(library, "a") == [(1, "q in a", "fine")]
    await recorder.append("a", an_exchange(recorder.reserve("a"), "q1"))
    closed = await one.close("a", keep=True, fresh=True)
    assert str(closed) == f"{library.path('a')}: 1 new, 1 dropped"
    await recorder.close()
