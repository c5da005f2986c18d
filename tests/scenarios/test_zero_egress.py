"""`serve` opens no connection to anywhere: every system call that could is traced.

A client tries what may tempt it to: hosts that are known and others, misses, used-up sequences,
the proxy itself as the far side, by each way that there is into llmreplay.
"""

from __future__ import annotations

import json
import re
import shutil
import ssl
import subprocess
import time
from http.client import HTTPConnection, HTTPSConnection
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.fakes.provider import FakeProvider
from tests.scenarios.process import DEADLINE_S, Running, command, environment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OPENAI = "api.openai.com"
ANTHROPIC = "api.anthropic.com"
UNKNOWN = "unknown.example"
PATH = "/v1/chat/completions"


def can_trace() -> bool:
    strace = shutil.which("strace")
    if strace is None:
        return False
    # It may be there and not be allowed to, as in some containers.
    tried = subprocess.run([strace, "true"], check=False, capture_output=True)  # noqa: S603  # found on PATH
    return tried.returncode == 0


pytestmark = pytest.mark.skipif(not can_trace(), reason="strace is not installed, or may not trace")


def tracing(into: Path) -> list[str]:
    """What runs a command so that each call that could reach another machine is told in `into`.

    `-D`: the command keeps its process, so that signals are its own. `-Y`: each line tells the
    name of its process.
    """
    calls = "trace=connect,sendto,sendmsg,sendmmsg"
    return ["strace", "-D", "-f", "-q", "-Y", "-e", calls, "-e", "signal=none", "-o", str(into)]


def reached(trace: Path, pid: int) -> list[str]:
    """The calls that name an address of the internet, or a daemon that looks names up.

    `pid` is the process that has to have ended: strace writes for a moment longer.
    """
    ended = re.compile(rf"^{pid}<.+> \+\+\+ exited with 0 \+\+\+$", re.MULTILINE)
    deadline = time.monotonic() + DEADLINE_S
    while not ended.search(told := trace.read_text()) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert ended.search(told)
    return [line for line in told.splitlines() if re.search(r"AF_INET|nscd|resolve", line)]


def body(text: str) -> bytes:
    messages = [{"role": "user", "content": text}]
    return json.dumps({"model": "gpt-4o-mini", "messages": messages}).encode()


RECORDED, NEVER = body("recorded"), body("never recorded")


def through_a_tunnel(server: str, host: str, port: int, content: bytes) -> int:
    connection = HTTPSConnection(server, timeout=20, context=_trusting_all())
    connection.set_tunnel(host, port)
    return _status(connection, PATH, content)


def in_the_clear_in_a_tunnel(server: str, host: str, port: int, content: bytes) -> int:
    connection = HTTPConnection(server, timeout=20)
    connection.set_tunnel(host, port)
    return _status(connection, PATH, content)


def in_absolute_form(server: str, host: str, port: int, content: bytes) -> int:
    return _status(HTTPConnection(server, timeout=20), f"http://{host}:{port}{PATH}", content)


def by_base_url(server: str, name: str, content: bytes) -> int:
    return _status(HTTPConnection(server, timeout=20), f"/{name}{PATH}", content)


def _trusting_all() -> ssl.SSLContext:
    """Who the proxy is, others test."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _status(connection: HTTPConnection, target: str, content: bytes) -> int:
    """The status of the answer, or the one that the tunnel was refused with."""
    headers = {"content-type": "application/json", "authorization": "Bearer not-a-key"}
    try:
        connection.request("POST", target, content, headers)
        response = connection.getresponse()
        response.read()
    except OSError as refused:
        found = re.search(r"Tunnel connection failed: (\d+)", str(refused))
        if found is None:
            raise
        return int(found[1])
    finally:
        connection.close()
    return response.status


def temptations(server: str) -> list[tuple[str, int, int]]:
    """What a client tries, the status that is right, and the one that it gets."""
    ours, port = "127.0.0.1", urlsplit(f"//{server}").port or 0
    return [
        ("recorded", 200, through_a_tunnel(server, OPENAI, 443, RECORDED)),
        ("used up", 470, through_a_tunnel(server, OPENAI, 443, RECORDED)),
        ("used up, by base URL", 470, by_base_url(server, "openai", RECORDED)),
        ("never recorded", 470, through_a_tunnel(server, OPENAI, 443, NEVER)),
        ("the same, by base URL", 470, by_base_url(server, "openai", NEVER)),
        ("the same, in absolute form", 470, in_absolute_form(server, OPENAI, 80, NEVER)),
        ("the same, in the clear", 470, in_the_clear_in_a_tunnel(server, OPENAI, 80, NEVER)),
        ("nothing is recorded from it", 470, through_a_tunnel(server, ANTHROPIC, 443, NEVER)),
        ("known, another port", 403, through_a_tunnel(server, OPENAI, 8443, NEVER)),
        ("unknown", 403, through_a_tunnel(server, UNKNOWN, 443, NEVER)),
        ("unknown, in absolute form", 403, in_absolute_form(server, UNKNOWN, 80, NEVER)),
        ("unknown, in the clear", 403, in_the_clear_in_a_tunnel(server, UNKNOWN, 80, NEVER)),
        ("unknown, by base URL", 470, by_base_url(server, "nobody", NEVER)),
        ("an address", 403, through_a_tunnel(server, "192.0.2.1", 443, NEVER)),
        ("an address of IPv6", 403, through_a_tunnel(server, "[2001:db8::1]", 443, NEVER)),
        ("ourselves", 403, through_a_tunnel(server, ours, port, NEVER)),
        ("ourselves, by name", 403, through_a_tunnel(server, "localhost", port, NEVER)),
        # A path of our own, as if it had come without the host.
        ("ourselves, in absolute form", 470, in_absolute_form(server, ours, port, NEVER)),
    ]


@pytest.fixture
def recorder(tmp_path: Path) -> Running:
    """A recorder, traced and stopped, that recorded one exchange."""
    folder, trace = str(tmp_path / "cassettes"), tracing(tmp_path / "recorder.trace")
    env = {"XDG_DATA_HOME": str(tmp_path)}
    with FakeProvider() as provider:
        flags = ["--cassettes", folder, "--upstream", f"openai={provider.openai_url}"]
        with Running("record", *flags, env=env, under=trace) as recorder:
            by_base_url(urlsplit(recorder.url).netloc, "openai", RECORDED)
    return recorder


def test_serve_reaches_nobody_whatever_it_is_asked_for(
    recorder: Running, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    flags = ["--cassettes", str(tmp_path / "cassettes"), "--after-last", "fail"]
    env = {"XDG_DATA_HOME": str(tmp_path)}
    trace = tmp_path / "server.trace"
    with Running("serve", *flags, env=env, under=tracing(trace)) as server:
        told = temptations(urlsplit(server.url).netloc)
    assert [one for one in told if one[1] != one[2]] == []
    assert reached(trace, server.process.pid) == []
    # What it traces is to be trusted: of a recorder it tells.
    assert len(reached(tmp_path / "recorder.trace", recorder.process.pid)) > 0
    record_property("counted", f"0 connections opened by {len(told)} temptations")


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_nor_does_it_for_a_command(recorder: Running, tmp_path: Path) -> None:
    assert recorder.process.returncode == 0
    trace = tmp_path / "server.trace"
    ask = [
        "curl",
        "--silent",
        "--output",
        "/dev/null",
        "--write-out",
        "%{http_connect} %{http_code}\n",
    ]
    ask += ["--header", "content-type: application/json", "--data", RECORDED.decode()]
    asked = [*ask, f"https://{UNKNOWN}{PATH}", "--next", *ask[1:], f"https://{OPENAI}{PATH}"]
    line = command("serve", "--cassettes", str(tmp_path / "cassettes"), "--", *asked)
    env = environment({"XDG_DATA_HOME": str(tmp_path)})
    with subprocess.Popen(  # noqa: S603  # our own command
        [*tracing(trace), *line], env=env, stdout=subprocess.PIPE, encoding="utf-8"
    ) as process:
        told, _ = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, told.splitlines()) == (0, ["403 000", "200 200"])
    calls = reached(trace, process.pid)
    assert [call for call in calls if "<curl>" not in call] == []
    assert len(calls) > 0
