"""The context of a test is set, read and cleared over HTTP, as any language can do it.

Three processes: a server; the program, whose base URL names the session `evening`; and this one,
which tells the server what is to happen in that session, and asks what did.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a server that runs by itself."""
    command = [sys.executable, "-m", "llmreplay", "serve", "--port", "0", "--quiet"]
    with subprocess.Popen(command, cwd=HERE, stdout=subprocess.PIPE, text=True) as process:
        yield process.stdout.readline().split()[2]  # llmreplay serve: http://127.0.0.1:41234 (…)
        process.terminate()


class Program:
    """assistant.py as a process: it reads a question a line, and writes an answer a line."""

    def __init__(self, base_url: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "assistant.py"],
            cwd=HERE,
            env={**os.environ, "OPENAI_BASE_URL": base_url, "OPENAI_API_KEY": "none"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )

    def told(self, question: str) -> str:
        """Its answer."""
        self.process.stdin.write(f"{question}\n")
        return self.process.stdout.readline().strip()


@pytest.fixture
def program(server: str) -> Iterator[Program]:
    program = Program(f"{server}/_s/evening/openai/v1")
    with program.process:
        yield program
        program.process.terminate()


def control(server: str, method: str, path: str, body: object = None) -> tuple[int, Any]:
    """Status and JSON of `curl -X METHOD -H content-type:application/json -d BODY URL`."""
    connection = HTTPConnection(urlsplit(server).netloc)
    sent = json.dumps(body) if body is not None else None
    headers = {"content-type": "application/json"}
    connection.request(method, f"/_llmreplay/{path}", sent, headers)
    with connection.getresponse() as answer:
        return answer.status, json.load(answer)


def test_context_over_http(server: str, program: Program) -> None:
    # Set: one success, then no money.
    rule = {"name": "no money", "when": {"after": 1}, "fault": "quota"}
    wanted = {"cassettes": ["hello"], "rules": [rule]}
    status, _ = control(server, "PUT", "sessions/evening", wanted)
    assert status == 200
    assert program.told("Is anyone there?") == "Only the tide."
    assert program.told("Is anyone there?") == "RateLimitError"

    # Read: the session, what was asked, what there is to say.
    _, session = control(server, "GET", "sessions/evening")
    assert (session["rules"], session["outcomes"]) == (["no money"], {"hit": 1, "fault": 1})
    _, journal = control(server, "GET", "journal?session=evening&requests=true")
    calls = journal["entries"]
    assert [call["status"] for call in calls] == [200, 429]
    assert calls[0]["request"]["json"]["messages"][0]["content"] == "Is anyone there?"
    _, verdict = control(server, "GET", "sessions/evening/verify")
    assert (verdict["missed"], verdict["fired"]) == (0, {"no money": 1})

    # Clear.
    assert control(server, "DELETE", "sessions/evening")[0] == 200
    assert control(server, "GET", "sessions/evening")[0] == 404
    assert program.told("Is anyone there?") == "Only the tide."
