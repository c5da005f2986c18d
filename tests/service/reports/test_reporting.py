"""The report of a run that takes place here: it says what happened, and holds no more than fits."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import aiohttp
import pytest

from llmreplay import __version__
from llmreplay.control import Stats
from llmreplay.core.journal import Entry, Outcome
from llmreplay.core.policy import Mode
from llmreplay.errors import LlmreplayError
from llmreplay.service import Service
from llmreplay.service.reports import Reporting
from llmreplay.service.reports import reporting as module
from llmreplay.session import Journal, Setup
from tests.service.test_serving import ASKED, Told, post, provider, settings

if TYPE_CHECKING:
    from llmreplay.settings import Settings

DOCS = Path(__file__).parents[3] / "docs" / "reports.md"


class Report:
    """The report of one run."""

    def __init__(self, folder: Path, of: Settings, name: str = "report.json") -> None:
        self._path = folder / name
        command = "serve" if of.mode == "replay" else "record"
        self._reporting = Reporting(self._path, command, ("/bin/sh", "-c", "secret"))
        self.run = Service(of, Told(), reporting=self._reporting)

    def written(self) -> Any:  # noqa: ANN401  # JSON
        self._reporting.write(stored=self.run.status == 0, program_status=7)
        return json.loads(self._path.read_bytes())


async def recorded(folder: Path, **changes: Any) -> Any:  # noqa: ANN401  # any of `Settings`
    """The report of recording one exchange."""
    async with provider() as address:
        report = Report(folder, settings(folder, upstreams={"mine": address}, **changes))
        async with report.run as service:
            assert (await post(service.url))[0] == 200
    return report.written()


async def test_a_recording(tmp_path: Path) -> None:
    report = await recorded(tmp_path)
    assert {
        "format": "llmreplay-report",
        "version": 1,
        "llmreplay": __version__,
        "command": "record",
        "mode": "record",
        "program": "sh",
        "program_status": 7,
        "stored": True,
        "requests": 1,
        "share": {"mine": 1.0},
        "cassettes": [{"name": "default", "new": 1, "replaced": 0, "unchanged": 0, "dropped": 0}],
        "failures": [],
        "not_recorded": {},
    }.items() <= report.items()
    assert report["outcomes"]["recorded"] == 1
    assert (report["models"][0]["upstream"], report["models"][0]["model"]) == ("mine", "m")
    assert report["first_byte_ms"]["p50"] > 0
    assert report["started"] < report["ended"]
    (session,) = report["sessions"]
    assert (session["name"], session["live_calls"]) == ("default", 1)


async def test_a_replay_with_a_miss(tmp_path: Path) -> None:
    await recorded(tmp_path)
    report = Report(tmp_path, settings(tmp_path, mode="replay"))
    async with report.run as service:
        await post(service.url)
        await post(service.url, {**ASKED, "model": "other"})
    told = report.written()
    (session,) = told["sessions"]
    assert (session["missed"], len(session["misses"])) == (1, 1)
    assert "model differs" in session["misses"][0]["detail"]
    assert (told["outcomes"]["hit"], told["outcomes"]["miss"]) == (1, 1)
    assert told["saved"]["unknown_answers"] == 1  # the provider told no tokens


async def test_sessions_that_ended_before_the_run_and_what_they_wrote(tmp_path: Path) -> None:
    async with provider() as address:
        report = Report(tmp_path, settings(tmp_path, mode="new", upstreams={"mine": address}))
        async with report.run as service:
            for _ in range(2):
                await service.sessions.put("blue", Setup(mode=Mode.ALL, record_into="blue"))
                async with aiohttp.ClientSession(service.url) as client:
                    answer = await client.post("/_s/blue/mine/v1/chat/completions", json=ASKED)
                    await answer.read()
                    await client.delete("/_llmreplay/sessions/blue")
    told = report.written()
    assert [(one["name"], one["requests"]) for one in told["sessions"]] == [("blue", 1)] * 2
    written = {"name": "blue", "new": 1, "replaced": 0, "unchanged": 1, "dropped": 0}
    assert told["cassettes"] == [written]


async def test_as_junits_xml(tmp_path: Path) -> None:
    report = Report(tmp_path, settings(tmp_path, mode="replay"), "report.xml")
    async with report.run as service:
        await post(service.url)
    with pytest.raises(json.JSONDecodeError):
        report.written()
    root = ET.parse(tmp_path / "report.xml").getroot()  # noqa: S314  # our own
    assert (root.get("failures"), root.get("errors")) == ("1", "0")


async def test_failures_are_bounded_and_the_rest_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_FAILURES", 3)
    journal, stats = Journal(lambda: 1_800_000_000.0), Stats()
    for number in range(6):
        outcome = Outcome.FAILED if number % 2 else Outcome.REFUSED
        entry = Entry("default", outcome, "GET", f"/{number}\udcff", 502, detail="why")
        journal.add(entry)
        stats.add(entry)
    report = Report(tmp_path, settings(tmp_path, mode="replay"))
    async with report.run as service:
        sessions = service.sessions
    await report._reporting.read(
        sessions, journal, mode=Mode.REPLAY, stats=stats, usages=lambda _: {}, tunnels={"a:443": 2}
    )
    told = report.written()
    assert [one["target"] for one in told["failures"]] == ["/3\udcff", "/4\udcff", "/5\udcff"]
    assert told["failures_left_out"] == 3
    assert told["failures"][0] == {
        "at": "2027-01-15T08:00:00.000+00:00",
        "session": "default",
        "outcome": "failed",
        "method": "GET",
        "target": "/3\udcff",
        "status": 502,
        "upstream": None,
        "model": None,
        "detail": "why",
    }
    assert told["not_recorded"] == {"a:443": 2}


async def test_what_cannot_be_read_is_no_reason_to_lose_a_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def read(*_: object, **__: object) -> None:
        raise LlmreplayError("broken")

    async with provider() as address:
        report = Report(tmp_path, settings(tmp_path, upstreams={"mine": address}))
        monkeypatch.setattr(report._reporting, "read", read)
        with pytest.raises(LlmreplayError, match="broken"):
            async with report.run as service:
                await post(service.url)
    replay = replace(settings(tmp_path), mode="replay")
    async with Service(replay, Told()) as service:
        assert (await post(service.url))[0] == 200


async def test_every_field_is_told_in_the_documentation(tmp_path: Path) -> None:
    report = await recorded(tmp_path)
    rows = re.findall(r"^\| (`.+?) \|", DOCS.read_text(), re.MULTILINE)
    told = set(re.findall(r"`(\w+)`", " ".join(rows)))
    fields = {*report, *report["sessions"][0]}
    assert sorted(fields - told) == []
