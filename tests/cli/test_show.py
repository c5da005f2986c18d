"""`llmreplay show`, whole."""

from __future__ import annotations

import io
import subprocess
import sys
from typing import TYPE_CHECKING

from llmreplay.cli import main
from llmreplay.core.exchange import Chunk, Response
from tests.cli.shell import STREAM, exchange

if TYPE_CHECKING:
    import pytest

    from tests.cli.shell import Shell

HELLO_SHOWN = """\
chat/hello#1  POST https://api.openai.com/v1/chat/completions  m  recorded 2026-11-20 16:02, \
take 7f3a

user
  Say hello

reply
  Hello

200 OK, 3 events in 60 ms, the first after 20 ms, 159 B, m-1
"""
REFUSED_SHOWN = """\
chat/hello#2  POST https://api.openai.com/v1/chat/completions  m  recorded 2026-11-20 16:02, \
take 7f3a

user
  Say hello again

reply
  error: invalid_api_key: no key

401 Unauthorized, after 9 ms, 55 B
"""


def test_a_cassette_reads_as_conversations(stocked: Shell) -> None:
    said = stocked.run("show", "chat/hello")
    assert (said.status, said.err) == (0, "")
    assert said.out == f"{HELLO_SHOWN}\n{REFUSED_SHOWN}"


def test_one_exchange_is_chosen_by_its_number(stocked: Shell) -> None:
    assert stocked.run("show", "chat/hello#2").out == REFUSED_SHOWN


def test_raw_is_every_byte(stocked: Shell) -> None:
    finished = subprocess.run(  # our own command
        [sys.executable, "-m", "llmreplay", "show", "chat/hello#1", "--raw"],
        cwd=stocked.folder,
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert finished.stdout == (
        b"POST https://api.openai.com/v1/chat/completions\n"
        b"content-type: application/json\n"
        b"\n"
        b'{"model":"m","stream":true,"messages":[{"role":"user","content":"Say hello"}]}\n'
        b"\n"
        b"200 OK\n"
        b"content-type: text/event-stream\n"
        b"\n" + b"".join(STREAM) + b"\n"
    )


class Terminal(io.TextIOWrapper):
    def isatty(self) -> bool:
        return True


def test_raw_bytes_do_not_command_a_terminal(
    stocked: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    stocked.write("evil", exchange(1, Response(200, (), (Chunk(b"\x1b[2J\xff\n\x07"),))))
    terminal = Terminal(io.BytesIO(), "utf-8")
    monkeypatch.setattr(sys, "stdout", terminal)
    assert main(["show", "evil", "--raw"]) == 0
    terminal.seek(0)
    assert terminal.read().endswith("\n200 OK\n\n\\x1b[2J\\xff\n\\x07\n")


def test_a_terminal_gets_colours_and_wrapped_text(
    stocked: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = b'{"model":"m","messages":[{"role":"user","content":"' + b"word " * 30 + b'"}]}'
    stocked.write("long", exchange(1, Response(200), long))
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    terminal = Terminal(io.BytesIO(), "utf-8")
    monkeypatch.setattr(sys, "stdout", terminal)
    assert main(["show", "long"]) == 0
    terminal.seek(0)
    lines = terminal.read().splitlines()
    assert "\x1b[34m\x1b[1muser\x1b[0m" in lines
    words = [line for line in lines if line.startswith("  word")]
    assert [len(line) for line in words] == [56, 56, 41]


def test_a_number_that_is_none_is_told_those_that_are(stocked: Shell) -> None:
    said = stocked.run("show", "chat/hello#9")
    assert (said.status, said.out, said.err) == (
        2,
        "",
        'llmreplay: error: there is no exchange "9" in chat/hello; it has 1, 2\n',
    )
