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


def test_a_place_where_none_can_be_is_told_before_anything_runs(tmp_path: Path) -> None:
    done = serve(tmp_path, "--report", "nowhere/report.json")
    assert done.returncode == 2
    told = "llmreplay: error: report: there is no folder nowhere; make it first\n"
    assert done.stderr == told


def test_no_secret_is_in_it(tmp_path: Path) -> None:
    """Of what is asked nothing that has the form of a key, of the command only its name."""
    key = "sk-proj-" + "a1B2c3D4" * 6
    program = f"""\
import json, os, urllib.request, urllib.error
base = os.environ["OPENAI_BASE_URL"]
body = {{"model": "gpt-4o", "messages": [{{"role": "user", "content": "my key is {key}"}}]}}
head = {{"authorization": "Bearer {key}", "content-type": "application/json"}}
for url in (base + "/chat/completions?key={key}", base + "/models/{key}"):
    try:
        data = json.dumps(body).encode()
        urllib.request.urlopen(urllib.request.Request(url, data, head))
    except urllib.error.HTTPError:
        pass
"""
    (tmp_path / "cassettes").mkdir()
    for name in ("report.json", "report.xml"):
        flags = ("--ca-dir", str(tmp_path / "ca"), "--report", name)
        subprocess.run(  # noqa: S603  # our own command
            command("serve", *flags, "--", sys.executable, "-c", program),
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            timeout=3 * DEADLINE_S,
            check=False,
        )
        report = (tmp_path / name).read_text()
        assert "no recording for POST" in report
        assert "a1B2c3D4" not in report
