"""A command's life under us: its streams, its signals, its status."""

from __future__ import annotations

import asyncio
import os
import pty
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import uvloop

from llmreplay import child

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PYTHON = sys.executable
LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]

TELLS_SIGNALS = """
import signal, sys, time
def told(number, _):
    print("got", signal.Signals(number).name, flush=True)
    sys.exit(7)
for name in sys.argv[1:]:
    signal.signal(signal.Signals[name], told)
print("ready", flush=True)
time.sleep(20)
"""
RUNS_IT = """
import asyncio, os, sys
from llmreplay import child
loop = asyncio.new_event_loop
if sys.argv[1] == "uvloop":
    import uvloop
    loop = uvloop.new_event_loop
with asyncio.Runner(loop_factory=loop) as runner:
    sys.exit(runner.run(child.run(sys.argv[2:], os.environ)))
"""


def run(*command: str, loop: Callable[[], asyncio.AbstractEventLoop], **environ: str) -> int:
    with asyncio.Runner(loop_factory=loop) as runner:
        return runner.run(child.run(command, {**os.environ, **environ}))


@pytest.mark.parametrize("loop", LOOPS, ids=["asyncio", "uvloop"])
def test_the_status_is_the_commands(loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    assert run(PYTHON, "-c", "pass", loop=loop) == 0
    assert run(PYTHON, "-c", "raise SystemExit(5)", loop=loop) == 5
    assert run("sh", "-c", "kill -KILL $$", loop=loop) == 128 + signal.SIGKILL
    assert run("sh", "-c", 'test "$MINE" = here', loop=loop, MINE="here") == 0


@pytest.mark.parametrize("loop", LOOPS, ids=["asyncio", "uvloop"])
def test_what_cannot_be_run_is_told_as_a_shell_does(
    loop: Callable[[], asyncio.AbstractEventLoop],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    plain = tmp_path / "plain.txt"
    plain.write_text("no program")
    too_long = "x" * 5000
    assert run("no-such-command-here", loop=loop) == 127
    assert run(str(plain), loop=loop) == 126
    assert run(too_long, loop=loop) == 126
    assert capsys.readouterr().err.splitlines() == [
        "llmreplay: no-such-command-here: there is no such command",
        f"llmreplay: {plain}: this is not executable",
        f"llmreplay: {too_long}: this cannot be run: File name too long",
    ]


def started(loop: str, *signals: str) -> subprocess.Popen[str]:
    """A process that runs a command which tells the signals that it gets."""
    line = [PYTHON, "-c", RUNS_IT, loop, PYTHON, "-c", TELLS_SIGNALS, *signals]
    process = subprocess.Popen(  # noqa: S603  # our own program
        line, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"])
def test_signals_are_passed_on(loop: str, name: str) -> None:
    process = started(loop, name)
    process.send_signal(signal.Signals[name])
    output, _ = process.communicate(timeout=20)
    assert (output, process.returncode) == (f"got {name}\n", 7)


TAKES_THE_TERMINAL = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


def test_an_interrupt_from_the_terminal_comes_once() -> None:
    """The terminal has told the command; to tell it again would interrupt its tidying up."""
    counts = """
import signal, time
came = []
signal.signal(signal.SIGINT, lambda *_: came.append(1))
print("ready", flush=True)
end = time.monotonic() + 1.5
while time.monotonic() < end:
    time.sleep(0.05)
print("interrupts:", len(came), flush=True)
"""
    terminal, theirs = pty.openpty()
    line = [PYTHON, "-c", TAKES_THE_TERMINAL, PYTHON, "-c", RUNS_IT, "uvloop", PYTHON, "-c", counts]
    process = subprocess.Popen(line, stdin=theirs, stdout=theirs)  # noqa: S603  # our own program
    os.close(theirs)
    output = b""
    with os.fdopen(terminal, "r+b", buffering=0) as there:
        while b"ready" not in output:
            output += there.read(1000)
        there.write(b"\x03")
        while b"\n" not in output.partition(b"interrupts")[2]:  # it may come in pieces
            output += there.read(1000)
        assert process.wait(20) == 0
    assert b"interrupts: 1\r\n" in output


def test_a_signal_before_the_start_reaches_the_command() -> None:
    async def early() -> int:
        running = asyncio.ensure_future(
            child.run((PYTHON, "-c", "import time; time.sleep(20)"), {})
        )
        await asyncio.sleep(0)
        os.kill(os.getpid(), signal.SIGTERM)
        return await running

    assert asyncio.run(early()) == 128 + signal.SIGTERM


IGNORES = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);"


@pytest.mark.parametrize("manners", ["", IGNORES], ids=["polite", "deaf"])
def test_the_command_ends_with_us(
    manners: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "_GRACE_SECONDS", 0.2)
    mark = tmp_path / "pid"
    os.mkfifo(mark)
    program = f"{manners}import os, time; open({str(mark)!r}, 'w').write(str(os.getpid())); "

    async def cancelled() -> int:
        running = asyncio.ensure_future(
            child.run((PYTHON, "-c", f"{program} time.sleep(20)"), os.environ)
        )
        pid = int(await asyncio.to_thread(mark.read_text))
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        return pid

    with pytest.raises(ProcessLookupError):
        os.kill(asyncio.run(cancelled()), 0)
