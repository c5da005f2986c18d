"""`record -- COMMAND` and `serve -- COMMAND`: what the command is told, and what comes of it.

The commands use Python's own urllib, which knows nothing but the variables.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.fakes.provider import FakeProvider
from tests.scenarios.process import DEADLINE_S, Finished, Running, command, environment

if TYPE_CHECKING:
    from pathlib import Path

ASKING = """
import json, sys, urllib.error, urllib.request
for prompt in sys.argv[2:]:
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": prompt}]}
    headers = {"authorization": "Bearer not-a-key", "content-type": "application/json"}
    url = "https://api.openai.com/v1/chat/completions"
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            print(answer.status, json.load(answer)["id"])
    except urllib.error.HTTPError as error:
        print(error.code)
sys.exit(int(sys.argv[1]))
"""


SERVE = ("serve", "--")


def asking(status: int, *prompts: str) -> list[str]:
    """A command that asks for each prompt, prints what it is told, and ends with `status`."""
    return [sys.executable, "-c", ASKING, str(status), *prompts]


def run(folder: Path, *arguments: str) -> Finished:
    """Runs `llmreplay` with the folder as its own, to its end."""
    done = subprocess.run(  # noqa: S603  # our own command
        command(*arguments),
        cwd=folder,
        env=environment({"XDG_DATA_HOME": str(folder)}),
        capture_output=True,
        encoding="utf-8",
        timeout=DEADLINE_S,
        check=False,
    )
    return Finished(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def recorded(tmp_path: Path) -> Finished:
    """Three prompts, one of them twice."""
    with FakeProvider() as provider:
        flags = ["--upstream", f"openai={provider.openai_url}"]
        return run(tmp_path, "record", *flags, "--", *asking(0, "a", "b", "c", "c"))


def test_what_was_recorded_is_served(tmp_path: Path, recorded: Finished) -> None:
    assert recorded.status == 0
    served = run(tmp_path, *SERVE, *asking(0, "a", "b", "c", "c"))
    assert (served.status, served.output) == (0, recorded.output)
    assert len(set(served.output.splitlines())) == 4


def test_a_miss_makes_a_success_a_3_and_is_told(tmp_path: Path, recorded: Finished) -> None:
    assert recorded.status == 0
    served = run(tmp_path, *SERVE, *asking(0, "a", "never recorded"))
    assert (served.status, served.output.splitlines()[-1]) == (3, "470")
    assert "never recorded" in served.errors


@pytest.mark.parametrize(
    ("ending", "status"),
    [
        (asking(0, "a"), 0),
        (asking(7, "a"), 7),
        (asking(7, "never recorded"), 7),
        (["sh", "-c", "kill -TERM $$"], 143),
        (["there-is-no-such-command"], 127),
        (["/"], 126),
    ],
    ids=["success", "failure", "failure and a miss", "signal", "not found", "not executable"],
)
def test_the_status_is_the_commands_own(
    tmp_path: Path, recorded: Finished, ending: list[str], status: int
) -> None:
    assert recorded.status == 0
    assert run(tmp_path, *SERVE, *ending).status == status


def test_the_user_name_in_the_proxys_url_is_the_session(tmp_path: Path, recorded: Finished) -> None:
    first, second = recorded.output.splitlines()[2:]
    env = {"XDG_DATA_HOME": str(tmp_path)}
    flags = ["--after-last", "fail", "--log-format", "json"]
    ca = run(tmp_path, "ca", "--path").output.strip()
    with Running("serve", *flags, cwd=tmp_path, env=env) as server:
        told = [
            asked(server.url.replace("//", f"//{session}:none@"), ca)
            for session in ("anna", "ben", "anna", "ben", "anna")
        ]
        assert server.stop().status == 0
        sessions = [line["session"] for line in server.log() if line["event"] == "request"]
    assert told == [first, first, second, second, "470"]
    assert sessions == ["anna", "ben", "anna", "ben", "anna"]


def asked(proxy: str, ca: str) -> str:
    """What a program is told that asks for the prompt that was recorded twice."""
    env = environment({"HTTPS_PROXY": proxy, "SSL_CERT_FILE": ca})
    return subprocess.check_output(asking(0, "c"), env=env, encoding="utf-8").strip()  # noqa: S603  # our own command
