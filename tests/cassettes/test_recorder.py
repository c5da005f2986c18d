"""Recording beside an event loop: durable when `append` returns, in order, with one thread."""

from __future__ import annotations

import asyncio
import os
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from llmreplay.cassettes import Recorder, Take, dump
from llmreplay.errors import CassetteError, UsageError
from tests.cassettes.making import Found, an_exchange, file_of, index, no_secrets, recorded, write

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from llmreplay.cassettes import Library
    from llmreplay.core.exchange import Exchange


class Fake:
    """A redactor made of two functions."""

    def __init__(
        self,
        change: Callable[[Exchange], Exchange] = lambda exchange: exchange,
        scan: Callable[[str], Sequence[Found]] = no_secrets,
    ) -> None:
        self.exchange = change
        self._scan = scan

    def leaks(self, text: str, exchange: Exchange) -> Sequence[Found]:  # noqa: ARG002  # the protocol's
        return self._scan(text)


def as_it_is(existing_text: str) -> Fake:  # noqa: ARG001  # told, not used
    return Fake()


def a_recorder(library: Library, **changes: Any) -> Recorder:  # noqa: ANN401  # any argument
    arguments: dict[str, Any] = {"make_redactor": as_it_is, "index": index}
    return Recorder(library, **(arguments | changes))


async def test_an_exchange_is_on_disk_when_append_returns(library: Library) -> None:
    recorder = a_recorder(library)

    source = await recorder.append("a", an_exchange(recorder.reserve("a"), "q1"))

    assert source == "a#1"
    assert dump(an_exchange(1, "q1"), open_take=True) in library.path("a").read_text()
    assert [str(closed) for closed in await recorder.close()] == [f"{library.path('a')}: 1 new"]
    assert library.path("a").read_text() == file_of(an_exchange(1, "q1"))


async def test_requests_are_numbered_as_they_arrive_in_each_cassette(library: Library) -> None:
    recorder = a_recorder(library)
    first, second, other = (recorder.reserve(name) for name in ("a", "a", "b"))

    await recorder.append("a", an_exchange(second, "second"))
    await recorder.append("b", an_exchange(other, "other"))
    await recorder.append("a", an_exchange(first, "first"))
    await recorder.close()

    assert recorded(library, "a") == [(1, "first", "fine"), (2, "second", "fine")]
    assert recorded(library, "b") == [(1, "other", "fine")]


async def test_exchanges_that_wait_together_share_one_wait_for_the_disk(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = a_recorder(library)
    await recorder.append("a", an_exchange(recorder.reserve("a"), "q0"))
    waits: list[int] = []
    is_busy, go_on = threading.Event(), threading.Event()

    def slow_fsync(descriptor: int) -> None:
        waits.append(descriptor)
        is_busy.set()
        go_on.wait(10)

    monkeypatch.setattr(os, "fsync", slow_fsync)
    appended = [recorder.append("a", an_exchange(recorder.reserve("a"), f"q{i}")) for i in range(9)]
    waiting = asyncio.gather(*appended)
    await asyncio.to_thread(is_busy.wait, 10)
    go_on.set()
    await waiting

    assert len(waits) == 2  # the first for itself, then the eight that came meanwhile
    await recorder.close()


async def test_each_cassette_has_one_redaction_that_knows_what_is_there(library: Library) -> None:
    write(library, "a", file_of(an_exchange(1, "REDACTED-key-1")))
    made: list[str] = []

    def make_redactor(existing_text: str) -> Fake:
        made.append(existing_text)
        return Fake(
            lambda exchange: replace(exchange, request=replace(exchange.request, body=b"redacted"))
        )

    recorder = a_recorder(library, make_redactor=make_redactor)
    for name in ("a", "a", "b"):
        await recorder.append(name, an_exchange(recorder.reserve(name), "secret"))
    await recorder.close()

    assert made == [file_of(an_exchange(1, "REDACTED-key-1")), ""]
    assert recorded(library, "b") == [(1, "redacted", "fine")]


async def test_a_mistake_reaches_whom_it_concerns_and_nobody_else(library: Library) -> None:
    def scan(text: str) -> list[Found]:
        return [Found("key", 0)] if "secret" in text else []

    recorder = a_recorder(library, make_redactor=lambda _text: Fake(scan=scan))
    results = await asyncio.gather(
        recorder.append("a", an_exchange(recorder.reserve("a"), "q1")),
        recorder.append("a", an_exchange(recorder.reserve("a"), "secret")),
        recorder.append("../a", an_exchange(recorder.reserve("../a"), "q1")),
        recorder.append("a", an_exchange(recorder.reserve("a"), "q3")),
        return_exceptions=True,
    )
    await recorder.close()

    assert [type(result) for result in results] == [str, CassetteError, UsageError, str]
    assert [question for _, question, _ in recorded(library, "a")] == ["q1", "q3"]


async def test_a_disk_that_fails_fails_all_that_waited_for_it(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = a_recorder(library)
    await recorder.append("a", an_exchange(recorder.reserve("a"), "q0"))

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        results = await asyncio.gather(
            *(recorder.append("a", an_exchange(recorder.reserve("a"), f"q{i}")) for i in (1, 2, 3)),
            return_exceptions=True,
        )
    await recorder.append("a", an_exchange(recorder.reserve("a"), "q4"))
    await recorder.close()

    assert [type(result) for result in results] == [CassetteError] * 3
    assert [question for _, question, _ in recorded(library, "a")] == ["q0", "q4"]


async def test_a_caller_who_goes_away_stops_nothing(library: Library) -> None:
    recorder = a_recorder(library)
    gone = asyncio.create_task(recorder.append("a", an_exchange(recorder.reserve("a"), "q1")))
    await asyncio.sleep(0)
    gone.cancel()

    await recorder.append("a", an_exchange(recorder.reserve("a"), "q2"))
    await recorder.close()

    assert gone.cancelled()
    assert [question for _, question, _ in recorded(library, "a")] == ["q1", "q2"]


async def test_what_is_wrong_with_a_cassette_shows_when_it_is_opened(library: Library) -> None:
    write(library, "broken", "---\n{}\n...\n")
    held = Take.open(library, "held", no_secrets)
    recorder = a_recorder(library)

    with pytest.raises(CassetteError, match=r"broken\.yaml:2: 'exchange' is missing"):
        await recorder.open("broken")
    with pytest.raises(UsageError, match="another recorder is at work on it"):
        await recorder.open("held")

    assert await recorder.close() == ()
    held.close(index)


async def test_a_torn_tail_is_told_once(library: Library) -> None:
    path = write(library, "a", file_of(an_exchange(1, "q1")) + "---\ntorn")
    warnings: list[str] = []
    recorder = a_recorder(library, warn=warnings.append)

    await recorder.open("a")
    await recorder.open("a")
    await recorder.close()

    assert warnings == [
        f"{path}: its last document was torn off by a crash; it is in {path}.torn-1"
    ]


async def test_all_takes_are_closed_whatever_becomes_of_one(library: Library) -> None:
    recorder = a_recorder(library)
    for name in ("a", "b", "c"):
        await recorder.append(name, an_exchange(recorder.reserve(name), "q1"))
    library.path("b").unlink()

    with pytest.raises(CassetteError) as caught:
        await recorder.close()

    assert str(caught.value).startswith(f"{library.path('b')}: something else changed")
    assert "open: true" not in library.path("a").read_text() + library.path("c").read_text()


async def test_one_take_is_closed_alone(library: Library) -> None:
    recorder = a_recorder(library)
    for name in ("a", "b"):
        await recorder.append(name, an_exchange(recorder.reserve(name), "q1"))

    closed = await recorder.close_one("a", keep=True)

    assert str(closed) == f"{library.path('a')}: 1 new"
    assert "open: true" not in library.path("a").read_text()
    assert "open: true" in library.path("b").read_text()
    assert await recorder.close_one("a", keep=True) is None
    assert [str(take) for take in await recorder.close()] == [f"{library.path('b')}: 1 new"]
    assert await recorder.close_one("b", keep=True) is None


async def test_a_take_that_is_not_kept_leaves_its_cassette_as_it_was(library: Library) -> None:
    path = write(library, "a", file_of(an_exchange(1, "old")))
    before = path.read_bytes()
    recorder = a_recorder(library)
    for name in ("a", "new"):
        await recorder.append(name, an_exchange(recorder.reserve(name), "q1"))

    closed = [await recorder.close_one(name, keep=False) for name in ("a", "new")]

    assert list(map(str, closed)) == [f"{library.path(name)}: 1 dropped" for name in ("a", "new")]
    assert path.read_bytes() == before
    assert sorted(library.folder.iterdir()) == [path]
    await recorder.append("a", an_exchange(recorder.reserve("a"), "q2"))
    await recorder.close()
    assert recorded(library, "a") == [(1, "old", "fine"), (2, "q2", "fine")]


async def test_what_comes_after_its_take_was_discarded_is_not_stored(library: Library) -> None:
    recorder = a_recorder(library)
    late = recorder.reserve("a")
    await recorder.append("a", an_exchange(recorder.reserve("a"), "q2"))
    await recorder.close_one("a", keep=False)
    again = recorder.reserve("a")

    with pytest.raises(CassetteError, match="a: not recorded: its take was discarded meanwhile"):
        await recorder.append("a", an_exchange(late, "q1"))
    await recorder.append("a", an_exchange(again, "q3"))
    await recorder.close()

    assert recorded(library, "a") == [(1, "q3", "fine")]


async def test_what_comes_after_its_take_was_closed_is_in_the_next(library: Library) -> None:
    recorder = a_recorder(library)
    late = recorder.reserve("a")
    await recorder.append("a", an_exchange(recorder.reserve("a"), "q2"))
    await recorder.close_one("a", keep=True)
    await recorder.append("a", an_exchange(late, "q1"))
    await recorder.append("a", an_exchange(recorder.reserve("a"), "q3"))
    await recorder.close()

    assert sorted(asked for _, asked, _ in recorded(library, "a")) == ["q1", "q2", "q3"]


async def test_takes_that_were_closed_leave_nothing_in_memory(library: Library) -> None:
    recorder = a_recorder(library)
    for name in ("a", "b"):
        await recorder.append(name, an_exchange(recorder.reserve(name), "q1"))
        await recorder.close_one(name, keep=name == "a")
    assert (recorder._arrived, recorder._awaited, recorder._discarded) == ({}, {}, {})
    await recorder.close()


async def test_after_the_end_nothing_is_recorded(library: Library) -> None:
    recorder = a_recorder(library)

    assert await recorder.close() == ()
    assert await recorder.close() == ()

    with pytest.raises(CassetteError, match="a: not recorded: the recording has ended"):
        await recorder.append("a", an_exchange(1, "q1"))


async def test_no_thread_is_left(library: Library) -> None:
    before = threading.active_count()
    recorder = a_recorder(library)
    await recorder.append("a", an_exchange(recorder.reserve("a"), "q1"))
    await recorder.close(keep_errors=True, fresh=True)

    assert threading.active_count() == before
    assert recorded(library, "a") == [(1, "q1", "fine")]


def test_an_event_loop_that_has_gone_is_no_error(library: Library) -> None:
    recorder = a_recorder(library)
    started, go_on = threading.Event(), threading.Event()

    def slow(existing_text: str) -> Fake:
        started.set()
        go_on.wait(10)
        return as_it_is(existing_text)

    recorder = a_recorder(library, make_redactor=slow)

    async def leave() -> None:
        task = asyncio.create_task(recorder.append("a", an_exchange(1, "q1")))
        await asyncio.to_thread(started.wait, 10)
        task.cancel()

    asyncio.run(leave())
    go_on.set()

    async def come_back() -> None:
        await recorder.append("a", an_exchange(2, "q2"))
        await recorder.close()

    asyncio.run(come_back())
    assert [question for _, question, _ in recorded(library, "a")] == ["q1", "q2"]
