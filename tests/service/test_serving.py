"""One run, whole, in this process: record, then replay, over real sockets."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import sys
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import aiohttp
import pytest

from llmreplay.cassettes import Library, Take
from llmreplay.core.exchange import Chunk, Exchange, Recorded, Request, Response
from llmreplay.core.journal import Entry, Outcome
from llmreplay.core.policy import Mode
from llmreplay.errors import UsageError
from llmreplay.service import Service
from llmreplay.service.serving import _passed_by
from llmreplay.service.settling import index_by
from llmreplay.session import Setup
from llmreplay.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

EVENTS = (b'data: {"choices":[{"delta":{"content":"Hel"}}]}\n\n', b"data: [DONE]\n\n")
PATH = "/mine/v1/chat/completions"
ASKED = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "hi"}]}


class Told:
    """Keeps what a run reports."""

    def __init__(self) -> None:
        self.counts: tuple[int, int] | None = None
        self.entries: list[Entry] = []
        self.notes: list[str] = []
        self.warnings: list[str] = []

    def listening(self, url: str, cassettes: int, exchanges: int) -> None:  # noqa: ARG002  # the protocol's
        self.counts = (cassettes, exchanges)

    def write(self, entry: Entry) -> None:
        self.entries.append(entry)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    @property
    def outcomes(self) -> list[Outcome]:
        return [entry.outcome for entry in self.entries]


@asynccontextmanager
async def provider() -> AsyncIterator[str]:
    """An upstream that streams two events to everybody; its address."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n")
        writer.write(b"transfer-encoding: chunked\r\nconnection: close\r\n\r\n")
        for event in EVENTS:
            writer.write(b"%x\r\n%b\r\n" % (len(event), event))
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def post(url: str, body: object = ASKED) -> tuple[int, bytes]:
    async with aiohttp.ClientSession() as client, client.post(url + PATH, json=body) as answer:
        return answer.status, await answer.read()


def settings(folder: Path, **changes: object) -> Settings:
    return Settings(cassettes=folder, port=0, **changes)  # type: ignore[arg-type]  # any of its fields


async def test_what_is_recorded_is_replayed_without_its_upstream(tmp_path: Path) -> None:
    recording, replaying = Told(), Told()
    async with provider() as address:
        run = Service(settings(tmp_path, upstreams={"mine": address}), recording)
        async with run as service:
            recorded = await post(service.url)
    async with Service(settings(tmp_path, mode="replay"), replaying) as service:
        replayed = await post(service.url)
        missed, explanation = await post(service.url, {**ASKED, "model": "other"})
    assert recorded == replayed == (200, b"".join(EVENTS))
    assert recording.outcomes == [Outcome.RECORDED]
    assert recording.notes == [f"{tmp_path / 'default.yaml'}: 1 new"]
    assert (run.status, recording.warnings, replaying.warnings) == (0, [], [])
    assert replaying.counts == (1, 1)
    assert replaying.outcomes == [Outcome.HIT, Outcome.MISS]
    assert missed == 470
    assert "model differs" in json.loads(explanation)["error"]["message"]


async def test_mode_once_records_only_what_is_not_there(tmp_path: Path) -> None:
    told = Told()
    async with provider() as address:
        once = settings(tmp_path, mode="once", upstreams={"mine": address})
        for _ in range(2):
            async with Service(once, told) as service:
                await post(service.url)
    assert told.outcomes == [Outcome.RECORDED, Outcome.HIT]


async def test_a_miss_can_be_forwarded_or_recorded(tmp_path: Path) -> None:
    told = Told()
    async with provider() as address:
        for on_miss in ("forward", "record", "fail"):
            known = settings(tmp_path, mode="replay", on_miss=on_miss, upstreams={"mine": address})
            async with Service(known, told) as service:
                await post(service.url)
    assert told.outcomes == [Outcome.FORWARDED, Outcome.RECORDED, Outcome.HIT]


async def test_the_bare_path_goes_where_it_is_told(tmp_path: Path) -> None:
    told = Told()
    async with (
        provider() as address,
        Service(settings(tmp_path, upstream=address), told) as service,
        aiohttp.ClientSession() as client,
        client.post(f"{service.url}/v1/chat/completions", json=ASKED) as answer,
    ):
        assert await answer.read() == b"".join(EVENTS)
    assert [(entry.outcome, entry.upstream) for entry in told.entries] == [
        (Outcome.RECORDED, "default")
    ]


async def test_an_answer_that_cannot_be_stored_is_a_failed_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Told()

    def full(_descriptor: int, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    async with provider() as address:
        run = Service(settings(tmp_path, upstreams={"mine": address}), told)
        async with run as service:
            monkeypatch.setattr("os.write", full)
            answered = await post(service.url)
            monkeypatch.undo()
    assert answered == (200, b"".join(EVENTS))
    assert (told.outcomes, run.status) == ([Outcome.FAILED], 1)
    assert "No space left on device" in told.entries[0].detail


async def test_a_port_that_is_taken_leaves_nothing_open(tmp_path: Path) -> None:
    async with Service(settings(tmp_path), Told()) as service:
        port = int(service.url.rpartition(":")[2])
        other = Settings(cassettes=tmp_path / "other", port=port)
        with pytest.raises(UsageError, match=str(port)):
            await Service(other, Told()).__aenter__()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_an_upstream_that_is_this_very_process_is_told_so(tmp_path: Path, host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    told = Told()
    itself = settings(tmp_path, upstreams={"mine": f"http://{host}:{port}"})
    async with Service(replace(itself, port=port), told) as service:
        status, body = await post(service.url)
    assert status == 502
    assert json.loads(body)["error"]["message"] == (
        f'llmreplay: nothing was sent to {host}:{port} (upstream "mine"), for that is llmreplay '
        "itself: change --upstream"
    )


async def test_overlays_are_read_again_as_they_change(tmp_path: Path) -> None:
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text("rules:\n- {name: down, fault: unavailable}\n")
    told = Told()
    (tmp_path / "cassettes").mkdir()
    known = settings(tmp_path / "cassettes", mode="replay", overlays=(overlay,))
    async with Service(known, told) as service:
        assert (await post(service.url))[0] == 503
        overlay.write_text("rules:\n- {name: down, fault: nonsense}\n")
        await until(lambda: bool(told.warnings))
        assert (await post(service.url))[0] == 503
        overlay.write_text("rules: []\n# none\n")
        await until(lambda: bool(told.notes))
        assert (await post(service.url))[0] == 470
    assert "nonsense" in told.warnings[0]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110  # nobody tells
            await asyncio.sleep(0.01)


async def told_to(url: str, *sessions: str) -> list[str]:
    """What each of the sessions is told, all at once."""

    async def one(client: aiohttp.ClientSession, session: str) -> str:
        async with client.post(f"{url}/_s/{session}{PATH}", json=ASKED) as answer:
            return (await answer.read()).decode()

    async with aiohttp.ClientSession() as client:
        return await asyncio.gather(*(one(client, session) for session in sessions))


def cassette_of(folder: Path, name: str, *answers: str) -> None:
    """A cassette in which all the same was asked and these answers came."""
    url = "http://mine.example/v1/chat/completions"
    json_body = (("content-type", "application/json"),)
    request = Request("POST", url, json_body, json.dumps(ASKED).encode(), "mine")
    take = Take.open(Library(folder), name, lambda _text: ())
    for number, answer in enumerate(answers, 1):
        response = Response(200, (), (Chunk(answer.encode()),))
        stamp = Recorded("2026-11-21T10:00:00Z", "7f3a")
        take.write(Exchange(number, "mine", request, response, stamp))
    take.sync()
    take.close(index_by(Settings()))


async def test_fifty_sessions_at_once_each_have_their_own_answers(tmp_path: Path) -> None:
    for number in range(50):
        cassette_of(tmp_path, f"t{number}", *(f"{number}/{place}" for place in range(20)))
    async with Service(settings(tmp_path, mode="replay"), Told(), loads=False) as service:
        sessions = service.sessions
        for number in range(50):
            await sessions.put(f"s{number}", Setup(cassettes=(f"t{number}",)))
        asked = [f"s{number}" for _ in range(20) for number in range(50)]
        got: dict[str, list[str]] = {}
        for name, answer in zip(asked, await told_to(service.url, *asked), strict=True):
            got.setdefault(name, []).append(answer)
        assert {name: sorted(answers) for name, answers in got.items()} == {
            f"s{number}": sorted(f"{number}/{place}" for place in range(20)) for number in range(50)
        }
        assert [sessions.tally(f"s{number}") for number in range(50)] == [{Outcome.HIT: 20}] * 50
        verdicts = [sessions.verify(f"s{number}") for number in range(50)]
        assert all(verdict is not None and not verdict.unused for verdict in verdicts)
        assert service.journal.last_number == 1_000


async def test_a_session_records_beside_a_run_that_replays(tmp_path: Path) -> None:
    told = Told()
    cassette_of(tmp_path, "kept", "before")
    before = (tmp_path / "kept.yaml").read_bytes()
    live = b"".join(EVENTS).decode()
    async with provider() as address:
        replaying = settings(tmp_path, mode="replay", upstreams={"mine": address})
        async with Service(replaying, told, reaches_out=True, loads=False) as service:
            sessions = service.sessions
            for name in ("kept", "new", "failed"):
                await sessions.put(name, Setup(mode=Mode.ALL))
                assert await told_to(service.url, name) == [live]
            assert "no recordings are loaded" in (await told_to(service.url, "default"))[0]
            ended = [
                await sessions.end(name, keep=name == "new") for name in ("kept", "new", "failed")
            ]
            assert [str(one.closed).rpartition(": ")[2] for one in ended] == [
                "1 dropped", "1 new", "1 dropped",
            ]  # fmt: skip
            assert (tmp_path / "kept.yaml").read_bytes() == before
            assert Library(tmp_path).names() == ("kept", "new")

            await sessions.put("again", Setup(cassettes=("new",)))
            assert await told_to(service.url, "again") == [live]
    assert service.misses == 1
    assert told.outcomes == [Outcome.RECORDED] * 3 + [Outcome.MISS, Outcome.HIT]


async def test_a_run_that_only_replays_lets_no_session_out(tmp_path: Path) -> None:
    async with Service(settings(tmp_path, mode="replay"), Told()) as service:
        for mode in (Mode.ALL, Mode.NEW, Mode.FORWARD, Mode.OFF):
            with pytest.raises(UsageError, match="this run only replays"):
                await service.sessions.put("a", Setup(mode=mode))
        assert service.sessions.names() == ()


def test_what_passed_by_is_told_in_part() -> None:
    tunnels = {f"{name}.example:443": 1_000 for name in "abcdefg"}
    assert _passed_by(tunnels) == (
        "not recorded, for no provider is known there: a.example:443 (1,000), "
        "b.example:443 (1,000), c.example:443 (1,000), d.example:443 (1,000), "
        "e.example:443 (1,000) and 2 more; to record one: --allow-host HOST"
    )


async def test_a_process_that_is_not_its_own_is_left_as_it_was(tmp_path: Path) -> None:
    before = (gc.get_freeze_count(), sys.getswitchinterval())
    async with (
        Service(settings(tmp_path), Told()),
        Service(settings(tmp_path, mode="replay"), Told(), reaches_out=True),
    ):
        pass
    assert (gc.get_freeze_count(), sys.getswitchinterval()) == before


async def test_its_own_process_is_tuned(tmp_path: Path) -> None:
    before = (gc.get_freeze_count(), sys.getswitchinterval())
    try:
        async with Service(settings(tmp_path), Told(), owns_process=True):
            assert gc.get_freeze_count() > before[0]
            assert sys.getswitchinterval() == pytest.approx(0.0005)
    finally:
        gc.unfreeze()
        sys.setswitchinterval(before[1])


async def test_rules_that_meet_nobody_by_a_base_url_are_told_at_the_start(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("rules:\n- name: no TLS\n  match: {upstream: openai}\n  fault: tls_error\n")
    told = Told()
    async with Service(
        settings(tmp_path / "no", mode="replay", overlays=(rules,)), told, loads=False
    ):
        pass
    (warning,) = told.warnings
    assert warning.startswith('rule "no TLS" meets clients of the proxy only')


async def test_a_connection_that_a_rule_refuses_by_its_request(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("rules:\n- match: {upstream: mine}\n  fault: connection_refused\n")
    told = Told()
    replaying = settings(tmp_path, mode="replay", overlays=(rules,), upstreams={"mine": "http://x"})
    async with Service(replaying, told, loads=False) as service:
        with pytest.raises(aiohttp.ClientOSError):
            await post(service.url)
    assert (told.outcomes, told.warnings) == ([Outcome.FAULT], [])
