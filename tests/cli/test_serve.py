"""`llmreplay serve`, as a process: what it prints and how it ends."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import pytest

from tests.cli.shell import HELLO, REFUSED, STREAM
from tests.scenarios.process import DEADLINE_S, Running, environment

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.shell import Shell

PATH = "/openai/v1/chat/completions"
CLIENT = build_opener(ProxyHandler({}))


def post(url: str, body: bytes) -> tuple[int, bytes]:
    request = Request(url + PATH, body, {"content-type": "application/json"})  # noqa: S310  # ours
    try:
        with CLIENT.open(request, timeout=DEADLINE_S) as response:
            return response.status, response.read()
    except HTTPError as error:
        with error:
            return error.code, error.read()


def untimed(text: str) -> str:
    """The text without what differs from run to run."""
    return re.sub(r"\d+\.\d+ms", "TIME", re.sub(r"127.0.0.1:\d+", "127.0.0.1:PORT", text))


def failed(folder: Path, *arguments: str) -> tuple[int, str, str]:
    """Status, output and errors of a `serve` that cannot start."""
    finished = subprocess.run(  # noqa: S603  # our own command
        [sys.executable, "-m", "llmreplay", "serve", *arguments],
        cwd=folder,
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=DEADLINE_S,
    )
    return finished.returncode, finished.stdout, finished.stderr


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_tells_every_request_and_ends_cleanly(stocked: Shell, how: signal.Signals) -> None:
    with Running("serve", cwd=stocked.folder) as server:
        assert post(server.url, HELLO.request.body) == (200, b"".join(STREAM))
        assert post(server.url, REFUSED.request.body)[0] == 401
        status, explanation = post(server.url, b'{"model":"m","messages":[]}')
        finished = server.stop(how)
    assert status == 470
    message = json.loads(explanation)["error"]["message"]
    explained = "".join(f"    {line}\n" for line in message.splitlines())
    assert (finished.status, finished.errors) == (0, "")
    assert untimed(finished.output) == (
        "llmreplay serve: http://127.0.0.1:PORT (2 cassettes, 2 exchanges)\n"
        "hit 200 openai m POST /v1/chat/completions TIME chat/hello#1\n"
        "hit 401 openai m POST /v1/chat/completions TIME chat/hello#2\n"
        "miss 470 openai m POST /v1/chat/completions TIME -\n"
        f"{explained}"
        "llmreplay serve: 3 requests: 2 hits, 1 miss\n"
    )


def test_it_tells_machines_in_json(stocked: Shell) -> None:
    with Running("serve", "--log-format", "json", cwd=stocked.folder) as server:
        post(server.url, HELLO.request.body)
        finished = server.stop()
    first, hit, last = map(json.loads, finished.output.splitlines())
    assert first == {
        "event": "listening",
        "command": "serve",
        "url": server.url,
        "cassettes": 2,
        "exchanges": 2,
    }
    assert (hit["event"], hit["outcome"], hit["source"]) == ("request", "hit", "chat/hello#1")
    assert (last["event"], last["requests"], last["hit"]) == ("summary", 1, 1)


def test_it_goes_on_when_nobody_reads_its_log(stocked: Shell) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "llmreplay", "serve", "--port", "0"],
        cwd=stocked.folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        url = process.stdout.readline().split()[2]
        process.stdout.close()
        for _ in range(3):
            assert post(url, HELLO.request.body)[0] == 200
    finally:
        process.send_signal(signal.SIGINT)
        errors = process.stderr.read()
        process.stderr.close()
        status = process.wait(DEADLINE_S)
    assert (status, errors) == (0, "")


def test_a_port_in_use_is_told(stocked: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, output, errors = failed(stocked.folder, "--port", str(port))
    assert (status, output) == (2, "")
    assert errors.startswith("llmreplay: error: ")
    assert str(port) in errors
    assert "Traceback" not in errors


def test_an_unreadable_cassette_is_told_with_its_line(stocked: Shell) -> None:
    stocked.write("broken", HELLO, text="---\nexchange: two\n...\n")
    status, output, errors = failed(stocked.folder, "--port", "0")
    assert (status, output) == (2, "")
    assert errors.startswith("llmreplay: error: cassettes/broken.yaml:")


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert failed(tmp_path, "--port", "0") == (
        2,
        "",
        (
            "llmreplay: error: cassettes: there is no such folder; record cassettes into it with"
            " `llmreplay record`, or name another with --cassettes\n"
        ),
    )


def test_a_host_that_others_reach_must_be_meant(stocked: Shell) -> None:
    status, _, errors = failed(stocked.folder, "--host", "0.0.0.0")  # noqa: S104  # refused
    assert status == 2
    assert errors.startswith('llmreplay: error: --host: "0.0.0.0" lets other machines use every')
