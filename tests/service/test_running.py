"""A run with a command: what it finds in its environment, and what its end makes of the run's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from tests.scenarios.process import DEADLINE_S, command, environment

if TYPE_CHECKING:
    from pathlib import Path

ASK = """\
    import os, urllib.request, urllib.error
    url = os.environ["OPENAI_BASE_URL"] + "/models/never-recorded"
    try:
        urllib.request.urlopen(url)
    except urllib.error.HTTPError as error:
        print(error.code)
"""


def serve(folder: Path, program: str, *flags: str) -> subprocess.CompletedProcess[str]:
    (folder / "cassettes").mkdir(exist_ok=True)
    code = textwrap.dedent(program)
    flags = ("--ca-dir", str(folder / "ca"), *flags)
    return subprocess.run(  # noqa: S603  # our own command
        command("serve", *flags, "--", sys.executable, "-c", code),
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=3 * DEADLINE_S,
        check=False,
    )


@pytest.mark.parametrize("status", [0, 7])
def test_the_status_is_the_commands(tmp_path: Path, status: int) -> None:
    done = serve(tmp_path, f"print('mine'); raise SystemExit({status})")
    assert (done.stdout, done.returncode) == ("mine\n", status)


def test_a_miss_makes_a_success_a_failure(tmp_path: Path) -> None:
    done = serve(tmp_path, ASK)
    assert (done.stdout, done.returncode) == ("470\n", 3)
    assert "never-recorded" in done.stderr


def test_a_failure_stays_what_it_was(tmp_path: Path) -> None:
    assert serve(tmp_path, ASK + "\n    raise SystemExit(9)").returncode == 9


def test_a_command_that_is_not_there_is_told_as_by_a_shell(tmp_path: Path) -> None:
    (tmp_path / "cassettes").mkdir()
    done = subprocess.run(  # noqa: S603  # our own command
        command("serve", "--ca-dir", str(tmp_path / "ca"), "--", "no-such-command"),
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=3 * DEADLINE_S,
        check=False,
    )
    assert done.returncode == 127
    assert "no-such-command: there is no such command" in done.stderr


def test_a_signal_is_the_commands(tmp_path: Path) -> None:
    program = "import os, signal; os.kill(os.getppid(), signal.SIGTERM); signal.pause()"
    assert serve(tmp_path, program).returncode == 128 + signal.SIGTERM


def test_two_runs_side_by_side_take_ports_of_their_own(tmp_path: Path) -> None:
    inner = [*command("serve", "--ca-dir", str(tmp_path / "ca")), "--", "true"]
    program = f"import subprocess; raise SystemExit(subprocess.run({inner!r}).returncode)"
    assert serve(tmp_path, program).returncode == 0
    assert os.environ.get("OPENAI_BASE_URL") is None
