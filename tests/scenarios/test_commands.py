"""`-- CMD` from the outside: streams, signals, and what the user has set himself.

What requests come to is in `test_command.py`; the clients themselves in `tests/sdks`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from llmreplay.environment.tables import PLACEHOLDER
from tests.fakes.provider import FakeProvider
from tests.scenarios.process import DEADLINE_S, Finished, Running, command, environment

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

BY_BASE_URL = """
import json, os, sys, urllib.error, urllib.request
url = os.environ["OPENAI_BASE_URL"] + "/chat/completions"
body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": sys.argv[1]}]}
headers = {"authorization": "Bearer not-a-key", "content-type": "application/json"}
request = urllib.request.Request(url, json.dumps(body).encode(), headers)
try:
    with urllib.request.urlopen(request, timeout=20) as answer:
        print(json.load(answer)["choices"][0]["message"]["content"])
except urllib.error.HTTPError as error:
    print(error.code)
"""
SHOWS = "import json, os; print(json.dumps(dict(os.environ)))"
UNTIL_TOLD = """
import signal, sys, urllib.request
def told(number, _):
    print("told", signal.Signals(number).name, flush=True)
    sys.exit(4)
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, told)
print("ready", flush=True)
signal.pause()
"""


@pytest.fixture
def bare(tmp_path: Path) -> dict[str, str]:
    """The environment of somebody who has set nothing that an SDK reads."""
    theirs = ("OPENAI", "ANTHROPIC", "AWS", "AZURE", "GOOGLE", "GEMINI", "NODE", "JAVA")
    (tmp_path / "cassettes").mkdir()
    kept = {name: value for name, value in environment().items() if not name.startswith(theirs)}
    return kept | {"XDG_DATA_HOME": str(tmp_path)}


def run(folder: Path, environ: Mapping[str, str], *arguments: str) -> Finished:
    done = subprocess.run(  # noqa: S603  # our own command
        command(*arguments),
        cwd=folder,
        env=environ,
        capture_output=True,
        encoding="utf-8",
        timeout=DEADLINE_S,
        check=False,
        input="typed",
    )
    return Finished(done.returncode, done.stdout, done.stderr)


def test_stdin_and_stdout_are_the_commands(tmp_path: Path, bare: dict[str, str]) -> None:
    done = run(tmp_path, bare, "serve", "--", "sh", "-c", "cat; echo ' and read'")
    assert (done.status, done.output) == (0, "typed and read\n")
    first, *_, last = done.errors.splitlines()
    assert first.startswith("llmreplay serve: http://127.0.0.1:")
    assert last == "llmreplay serve: 0 requests"


def test_several_commands_run_at_once(tmp_path: Path, bare: dict[str, str]) -> None:
    inner = [*command("serve", "--"), sys.executable, "-c", SHOWS]
    done = run(tmp_path, bare, "serve", "--", *inner)
    assert done.status == 0
    outer, own = (line.split()[2] for line in done.errors.splitlines() if "http://" in line)
    assert json.loads(done.output)["HTTPS_PROXY"] == own != outer


def test_misses_are_listed_when_the_command_has_ended(tmp_path: Path, bare: dict[str, str]) -> None:
    done = run(tmp_path, bare, "serve", "--", sys.executable, "-c", BY_BASE_URL, "hello")
    assert (done.status, done.output) == (3, "470\n")
    head, miss, summary = done.errors.splitlines()[-3:]
    assert head == "llmreplay serve: misses:"
    assert miss.startswith("    no recording for POST /v1/chat/completions (openai, gpt-4o-mini")
    assert summary == "llmreplay serve: 1 request: 1 miss"


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_the_commands_and_we_end_after_it(
    tmp_path: Path, bare: dict[str, str], how: signal.Signals
) -> None:
    process = subprocess.Popen(  # noqa: S603  # our own command
        [*command("serve", "--"), sys.executable, "-c", UNTIL_TOLD],
        cwd=tmp_path,
        env=bare,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(how)
    output, errors = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, output) == (4, f"told {how.name}\n")
    assert errors.endswith("llmreplay serve: 0 requests\n")


def test_a_gateway_of_the_users_own_is_recorded_and_replayed(
    tmp_path: Path, bare: dict[str, str]
) -> None:
    asking = [sys.executable, "-c", BY_BASE_URL, "hello"]
    with FakeProvider() as provider:
        own = {"OPENAI_BASE_URL": f"{provider.openai_url}/v1"}
        recorded = run(tmp_path, bare | own, "record", "--", *asking)
    assert (recorded.status, "recorded 200 openai" in recorded.errors) == (0, True)
    for environ in (bare | own, bare):
        served = run(tmp_path, environ, "serve", "--", *asking)
        assert (served.status, served.output) == (0, recorded.output)


def test_keys_are_there_in_replay_and_the_users_own_stay(
    tmp_path: Path, bare: dict[str, str]
) -> None:
    def shown(subcommand: str, **own: str) -> dict[str, str]:
        done = run(tmp_path, bare | own, subcommand, "--", sys.executable, "-c", SHOWS)
        found: dict[str, str] = json.loads(done.output)
        return found

    assert shown("serve")["OPENAI_API_KEY"] == PLACEHOLDER
    assert shown("serve", OPENAI_API_KEY="mine")["OPENAI_API_KEY"] == "mine"
    assert "OPENAI_API_KEY" not in shown("record")


def test_a_shell_is_pointed_at_a_server_that_runs(tmp_path: Path, bare: dict[str, str]) -> None:
    with Running("serve", cwd=tmp_path, env=bare) as server:
        port = server.url.rpartition(":")[2]
        script = (
            f'eval "$({command()[0]} env --port {port} --session one --replaying)"\n'
            'curl -s -o /dev/null -w "%{http_code} " https://api.openai.com/v1/models\n'
            'curl -s -o /dev/null -w "%{http_code}" "$ANTHROPIC_BASE_URL/v1/models"'
        )
        done = subprocess.run(  # noqa: S603  # a shell, for our own lines
            ["/bin/sh", "-c", script],
            env=os.environ | bare,
            cwd=tmp_path,
            capture_output=True,
            encoding="utf-8",
            check=False,
            timeout=DEADLINE_S,
        )
        assert (done.stdout, done.stderr) == ("470 470", "")
        assert server.stop().output.endswith("2 requests: 2 misses\n")
