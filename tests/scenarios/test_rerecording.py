"""Recording again: what is replaced, what stays byte for byte, and how a recording ends."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from llmreplay.core.exchange import Ending
from tests.fakes.manners import Play, broken_off, seeded
from tests.fakes.origin import Close, Origin, Reset, Step, Wait
from tests.scenarios.conversing import (
    CHAT,
    chat,
    files_of,
    played,
    post,
    replied,
    script,
    stopped,
    streamed,
)
from tests.scenarios.process import DEADLINE_S, Finished, Running

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from llmreplay.core.exchange import Response
    from tests.corpus.client import Received


class Suite:
    """A test suite that talks to a provider whose answers can be changed between its runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.replies: dict[str, Response | Iterable[Step]] = {}
        self.origin = Origin(script(self.replies))

    def recording(self, *flags: str) -> Running:
        return Running(
            "record", "--upstream", f"openai={self.origin.url}", "--cassettes", self.folder, *flags
        )

    async def record(self, *questions: str, flags: Iterable[str] = ()) -> Finished:
        """One run of the suite; gives how the recording ended."""
        with self.recording(*flags) as recorder:
            for question in questions:
                await post(recorder.url, chat(question))
            return await stopped(recorder)

    async def replay(self, *questions: str) -> list[Received]:
        """The same questions, of the cassettes."""
        with Running("serve", "--cassettes", self.folder, "--after-last", "fail") as server:
            return [await post(server.url, chat(question)) for question in questions]

    @property
    def documents(self) -> list[str]:
        """The documents of the cassette, as text."""
        text = (self.folder / "default.yaml").read_text("utf-8")
        return text.split("---\n")[1:]


@pytest.fixture
async def suite(tmp_path: Path) -> Suite:
    suite = Suite(tmp_path / "cassettes")
    suite.replies.update({name: replied(f"first answer to {name}") for name in "abcdef"})
    return suite


def said(finished: Finished) -> str:
    """What the recording said about the cassette at its end."""
    line = next(line for line in finished.output.splitlines() if ".yaml: " in line)
    return line.partition(".yaml: ")[2]


def contents(replies: Iterable[Received]) -> list[str]:
    return [json.loads(reply.body)["choices"][0]["message"]["content"] for reply in replies]


async def test_half_a_suite_recorded_again_leaves_the_other_half_as_it_was(suite: Suite) -> None:
    async with suite.origin:
        await suite.record(*"abcdef")
        before = suite.documents
        suite.replies.update({name: replied(f"second answer to {name}") for name in "ace"})
        finished = await suite.record(*"eca")
    after = suite.documents
    assert said(finished) == "3 replaced"
    assert before[1::2] == after[1::2]
    assert all(old != new for old, new in zip(before[::2], after[::2], strict=True))
    assert files_of(suite.folder).keys() == {"default.yaml"}
    assert contents(await suite.replay(*"abcdef")) == [
        f"{'second' if name in 'ace' else 'first'} answer to {name}" for name in "abcdef"
    ]


async def test_what_somebody_wrote_into_the_other_half_stays(suite: Suite) -> None:
    async with suite.origin:
        await suite.record(*"ab")
        path = suite.folder / "default.yaml"
        noted = path.read_text("utf-8").replace("---\nexchange: 2", "# why b\n---\nexchange:   2")
        path.write_text(noted, "utf-8")
        suite.replies["a"] = replied("second answer to a")
        await suite.record("a")
    assert "...\n# why b\n---\nexchange:   2\n" in path.read_text("utf-8")


async def test_recorded_again_to_the_same_answers_the_file_is_the_same(suite: Suite) -> None:
    suite.replies["s"] = streamed("one ", "two ", "three")
    async with suite.origin:
        await suite.record(*"abs")
        before = files_of(suite.folder)
        finished = await suite.record(*"sba")
    assert said(finished) == "3 unchanged"
    assert before == files_of(suite.folder)


async def test_fresh_drops_what_this_run_never_saw(suite: Suite) -> None:
    async with suite.origin:
        await suite.record(*"abc")
        finished = await suite.record("b", flags=["--fresh"])
        assert said(finished) == "1 unchanged, 2 dropped"
        assert contents(await suite.replay("b")) == ["first answer to b"]
        assert [reply.status for reply in await suite.replay("a", "c")] == [470, 470]


async def test_fresh_that_saw_nothing_drops_nothing(suite: Suite) -> None:
    async with suite.origin:
        await suite.record(*"ab")
        before = files_of(suite.folder)
        assert said(await suite.record(flags=["--fresh"])) == "nothing recorded"
    assert before == files_of(suite.folder)


async def _retried(suite: Suite, *flags: str) -> list[int]:
    """Records a 429, a 503 and then a success of one request; gives the statuses on replay."""
    failures = iter([replied("slow down", 429), replied("busy", 503), replied("done")])

    def replies(_asked: object) -> Iterable[Step]:
        return played(next(failures))

    suite.origin = Origin(replies)
    async with suite.origin:
        await suite.record("a", "a", "a", flags=flags)
    return [reply.status for reply in await suite.replay("a", "a", "a")]


async def test_errors_that_a_retry_overcame_are_dropped(suite: Suite) -> None:
    assert await _retried(suite) == [200, 470, 470]


async def test_errors_that_a_retry_overcame_stay_if_wanted(suite: Suite) -> None:
    assert await _retried(suite, "--keep-errors") == [429, 503, 200]


async def test_an_error_that_nothing_overcame_stays(suite: Suite) -> None:
    suite.replies["a"] = replied("busy", 503)
    async with suite.origin:
        await suite.record("a")
    assert [reply.status for reply in await suite.replay("a")] == [503]


async def test_mode_new_asks_only_for_what_has_no_recording(suite: Suite) -> None:
    async with suite.origin:
        await suite.record(*"ab")
        before = suite.documents
        suite.replies.update({name: replied(f"second answer to {name}") for name in "abc"})
        with suite.recording("--mode", "new") as recorder:
            replies = [await post(recorder.url, chat(name)) for name in "abc"]
            finished = await stopped(recorder)
        assert [*"ab", "c"] == [
            json.loads(asked.body)["messages"][0]["content"] for asked in suite.origin.asked
        ]
    assert contents(replies) == ["first answer to a", "first answer to b", "second answer to c"]
    assert said(finished) == "1 new"
    assert before == suite.documents[:2]


async def test_mode_once_records_what_is_not_there_yet(suite: Suite) -> None:
    async with suite.origin:
        finished = await suite.record("a", flags=["--mode", "once"])
    assert said(finished) == "1 new"


async def test_mode_once_only_replays_what_is_there(suite: Suite) -> None:
    async with suite.origin:
        await suite.record("a")
        before = files_of(suite.folder)
        asked = len(suite.origin.asked)
        with suite.recording("--mode", "once") as recorder:
            statuses = [(await post(recorder.url, chat(name))).status for name in "ab"]
            await stopped(recorder)
        assert asked == len(suite.origin.asked)
    assert statuses == [200, 470]
    assert before == files_of(suite.folder)


async def test_two_recorders_of_one_cassette(suite: Suite) -> None:
    async with suite.origin:
        with suite.recording() as recorder:
            with pytest.raises(AssertionError) as raised:
                suite.recording()
            assert str(raised.value).endswith(
                "status 2\n"
                f"llmreplay: error: {suite.folder}/default.yaml: another recorder is at work on "
                "it; wait until it has ended, or record into another cassette\n"
            )
            # The one that was there first goes on, and the other may have a cassette of its own.
            with suite.recording("--cassette", "mine") as other:
                assert (await post(other.url, chat("b"))).status == 200
                await stopped(other)
            assert (await post(recorder.url, chat("a"))).status == 200
            assert said(await stopped(recorder)) == "1 new"
    assert files_of(suite.folder).keys() == {"default.yaml", "mine.yaml"}


def _slow_stream() -> Iterator[Step]:
    """A stream that takes a while between its events."""
    first, *_ = steps = list(played(streamed(*"0123456789")))
    yield first
    for step in steps[1:]:
        yield step
        yield Wait(0.02)


async def _leave_in_mid_stream(url: str, body: bytes) -> bytes:
    """Reads the beginning of an answer, then resets the connection."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(
        f"POST {CHAT} HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n\r\n".encode()
        + body
    )
    read = await reader.readuntil(b'"0"')
    writer.transport.abort()
    return read


async def test_a_client_that_leaves_in_mid_stream_leaves_a_whole_recording(suite: Suite) -> None:
    suite.replies["slow"] = list(_slow_stream())
    async with suite.origin:
        with suite.recording() as recorder:
            assert b'"9"' not in await _leave_in_mid_stream(recorder.url, chat("slow"))
            await asyncio.to_thread(recorder.wait_for, "recorded 200")
            assert said(await stopped(recorder)) == "1 new"
    (replayed,) = await suite.replay("slow")
    assert streamed(*"0123456789").body == replayed.body
    assert Ending.COMPLETE is replayed.ending


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_while_streams_are_in_flight(suite: Suite, how: signal.Signals) -> None:
    suite.replies.update({name: list(_slow_stream()) for name in ("slow 1", "slow 2", "slow 3")})
    async with suite.origin:
        with suite.recording() as recorder:
            streams = [
                asyncio.create_task(post(recorder.url, chat(name)))
                for name in ("slow 1", "slow 2", "slow 3")
            ]
            while len(suite.origin.asked) < 3:  # noqa: ASYNC110  # the origin tells nobody
                await asyncio.sleep(0.01)
            finished = await stopped(recorder, how)
            replies = await asyncio.gather(*streams)
    whole = streamed(*"0123456789").body
    assert [whole] * 3 == [reply.body for reply in replies]
    assert (finished.status, said(finished), finished.errors) == (0, "3 new", "")
    assert files_of(suite.folder).keys() == {"default.yaml"}
    assert all("take:" in document for document in suite.documents)
    replayed = await suite.replay("slow 1", "slow 2", "slow 3")
    assert [whole] * 3 == [reply.body for reply in replayed]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_closes_the_take(suite: Suite, how: signal.Signals) -> None:
    async with suite.origin:
        await suite.record("a")
        suite.replies["a"] = replied("second answer to a")
        with suite.recording() as recorder:
            await post(recorder.url, chat("a"))
            finished = await stopped(recorder, how)
    assert (finished.status, said(finished), finished.errors) == (0, "1 replaced", "")
    assert len(suite.documents) == 1
    assert files_of(suite.folder).keys() == {"default.yaml"}


def _on_the_wire(url: str, body: bytes) -> tuple[str, bytes, Ending]:
    """Status line, the bytes of the body that arrived, and how the connection ended."""
    parts = urlsplit(url)
    read = b""
    with socket.create_connection((parts.hostname, parts.port), DEADLINE_S) as connection:
        connection.sendall(
            f"POST {CHAT} HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\n"
            f"connection: close\r\ncontent-length: {len(body)}\r\n\r\n".encode()
            + body
        )
        try:
            while piece := connection.recv(65536):
                read += piece
            ending = Ending.TRUNCATED
        except ConnectionResetError:
            ending = Ending.RESET
    head, _, rest = read.partition(b"\r\n\r\n")
    if b"chunked" in head.lower():
        assert not rest.endswith(b"0\r\n\r\n"), "the last chunk says that the answer is whole"
        rest = b"".join(rest.split(b"\r\n")[1::2])  # sizes and chunks by turns, no CR in them
    else:
        (told,) = re.findall(rb"content-length: (\d+)", head.lower())
        assert int(told) > len(rest)
    return head.decode().partition("\r\n")[0], rest, ending


STREAM = streamed("Hello", ", ", "world")
ANSWER = replied("An answer that was to be longer.")
MIDDLE_OF_EVENT = len(STREAM.body) // 2
END_OF_EVENT = STREAM.body.index(b"\n\n") + 2
BREAKS: dict[str, tuple[Response, Play, Ending]] = {
    "stream closed within an event": (
        STREAM, broken_off(MIDDLE_OF_EVENT, Close()), Ending.TRUNCATED
    ),
    "stream closed after an event": (
        STREAM, broken_off(END_OF_EVENT, Close()), Ending.TRUNCATED
    ),
    "stream reset within an event": (STREAM, broken_off(MIDDLE_OF_EVENT, Reset()), Ending.RESET),
    "stream reset after an event": (STREAM, broken_off(END_OF_EVENT, Reset()), Ending.RESET),
    "answer closed short of its length": (
        ANSWER, broken_off(40, Close(), length_known=True), Ending.TRUNCATED
    ),
    "answer reset short of its length": (
        ANSWER, broken_off(40, Reset(), length_known=True), Ending.RESET
    ),
    "answer closed before its body": (
        ANSWER, broken_off(0, Close(), length_known=True), Ending.TRUNCATED
    ),
    "answer in chunks, closed": (ANSWER, broken_off(40, Close()), Ending.TRUNCATED),
    "answer in chunks, reset": (ANSWER, broken_off(40, Reset()), Ending.RESET),
}  # fmt: skip


async def test_what_breaks_off_is_replayed_as_it_broke_off(suite: Suite) -> None:
    """The same bytes, the same end (FIN or RST), and nothing that says it was whole."""
    suite.replies.update(
        {name: list(play(response, seeded(0))) for name, (response, play, _) in BREAKS.items()}
    )
    async with suite.origin:
        with suite.recording() as recorder:
            live = {
                name: await asyncio.to_thread(_on_the_wire, recorder.url, chat(name))
                for name in BREAKS
            }
            finished = await stopped(recorder)
    assert (0, f"{len(BREAKS)} new") == (finished.status, said(finished))
    with Running("serve", "--cassettes", suite.folder) as server:
        replayed = {
            name: await asyncio.to_thread(_on_the_wire, server.url, chat(name)) for name in BREAKS
        }
    assert live == replayed
    assert {name: ending for name, (_, _, ending) in BREAKS.items()} == {
        name: ending for name, (_, _, ending) in replayed.items()
    }
    assert all(
        rest for name, (_, rest, _) in live.items() if name != "answer closed before its body"
    )
    for name, (response, _, _) in BREAKS.items():
        assert response.body.startswith(live[name][1]), name
        assert response.body != live[name][1], name
