"""Reports of runs as a person starts them: written at the end of any run, refused at the start."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from xml.etree import ElementTree as ET

import pytest

from tests.scenarios.process import DEADLINE_S, Running, command, environment

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ASK = """\
import os, sys, urllib.request, urllib.error
try:
    urllib.request.urlopen(os.environ["OPENAI_BASE_URL"] + "/models/never-recorded")
except urllib.error.HTTPError:
    sys.exit(7)
"""


def serve(
    folder: Path, *flags: str, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """`llmreplay serve` with a command that misses once, swallows that, and fails."""
    (folder / "cassettes").mkdir(exist_ok=True)
    return subprocess.run(  # noqa: S603  # our own command
        command("serve", "--ca-dir", str(folder / "ca"), *flags, "--", sys.executable, "-c", ASK),
        cwd=folder,
        env=environment(environ),
        capture_output=True,
        text=True,
        timeout=3 * DEADLINE_S,
        check=False,
    )


def test_a_command_that_fails_is_reported(tmp_path: Path) -> None:
    assert serve(tmp_path, "--report", "report.json").returncode == 7
    report = json.loads((tmp_path / "report.json").read_bytes())
    assert (report["requests"], report["outcomes"]["miss"], report["program_status"]) == (1, 1, 7)
    (miss,) = report["sessions"][0]["misses"]
    assert "no recording for GET /v1/models/never-recorded" in miss["detail"]


def test_by_a_variable_and_as_junits_xml(tmp_path: Path) -> None:
    assert serve(tmp_path, environ={"LLMREPLAY_REPORT": "report.xml"}).returncode == 7
    (failure,) = ET.parse(tmp_path / "report.xml").getroot().iter("failure")  # noqa: S314  # our own
    assert "no recording for GET /v1/models/never-recorded" in (failure.text or "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda one: one.name)
def test_a_server_that_is_stopped_is_reported(tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "cassettes").mkdir()
    with Running("serve", "--report", "report.json", cwd=tmp_path) as server:
        with pytest.raises(HTTPError):
            urllib.request.urlopen(f"{server.url}/openai/v1/models/x")  # noqa: S310  # our own
        assert not (tmp_path / "report.json").exists()
        server.stop(number)
    report = json.loads((tmp_path / "report.json").read_bytes())
    assert (report["requests"], report["program"]) == (1, None)


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("nowhere/report.json", "report: there is no folder nowhere; make it first"),
        ("folder.json", "report: folder.json is a folder; name a file in it"),
        ("report.txt", '--report: "report.txt" must end with .json, or with .xml'),
    ],
)
def test_a_place_where_none_can_be_is_told_before_anything_runs(
    tmp_path: Path, place: str, told: str
) -> None:
    (tmp_path / "folder.json").mkdir()
    done = serve(tmp_path, "--report", place)
    assert done.returncode == 2
    assert told in done.stderr
