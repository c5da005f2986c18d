"""Runs `llmreplay` as a person does: a process of its own, on a free port, stopped by a signal.

Scenarios over sockets, the SDK runs and crash tests call it. It knows the two promises of the
commands that it needs (the address on the first line of output, a clean stop on SIGINT), and
nothing of what they do.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

__all__ = ["DEADLINE_S", "Finished", "Running", "command", "environment"]

DEADLINE_S = 20.0
"""How long a start or a stop may take; generous, because two cores run several suites."""

_ADDRESS = re.compile(r"https?://[^\s\"'<>]+")


def command(*arguments: str) -> list[str]:
    """The command line that runs the `llmreplay` that is installed beside this interpreter."""
    return [str(Path(sys.executable).with_name("llmreplay")), *arguments]


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment less what would change the process or what it says, plus `extra`."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("LLMREPLAY_")
        and not name.lower().endswith("_proxy")
        # pytest shows more where it runs in CI.
        and name not in {"CI", "BUILD_NUMBER"}
    }
    return kept | dict(extra or {})


@dataclass(frozen=True, slots=True)
class Finished:
    """What a process left behind. `status` is negative for the signal that killed it."""

    status: int
    output: str
    errors: str


class Running:
    """A running `llmreplay record` or `llmreplay serve`; a context manager that stops it.

    `Running("serve", "--cassettes", folder)` adds `--port 0` and waits for the address, which
    is then in `url`, without a slash at its end. A process that ends before it prints one
    fails with all that it wrote. `under` is what runs it, as strace does.
    """

    def __init__(
        self,
        subcommand: str,
        *arguments: str | Path,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        under: Sequence[str] = (),
    ) -> None:
        line = [*under, *command(subcommand, "--port", "0", *map(str, arguments))]
        self.process = subprocess.Popen(  # noqa: S603  # our own command
            line,
            cwd=cwd,
            env=environment(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            bufsize=1,
        )
        self._output = _Lines(self.process.stdout)
        self._errors = _Lines(self.process.stderr)
        self.url = self._wait_for_address()

    def _wait_for_address(self) -> str:
        line = self._output.first(DEADLINE_S)
        found = _ADDRESS.search(line)
        if found is None:
            self.process.kill()
            finished = self._finished()
            raise AssertionError(
                f"no address on the first line of output: {line!r}\n"
                f"status {finished.status}\n{finished.output}{finished.errors}"
            )
        return found.group().rstrip("/.,")

    def lines(self) -> list[str]:
        """Every line of output and of errors so far; output first."""
        return self._output.so_far() + self._errors.so_far()

    def log(self) -> list[dict[str, Any]]:
        """The lines so far that are JSON objects: the log under `--log-format json`."""
        return [json.loads(line) for line in self.lines() if line.startswith("{")]

    def wait_for(self, text: str, deadline_s: float = DEADLINE_S) -> str:
        """The first line that contains `text`, as soon as there is one."""
        end = time.monotonic() + deadline_s
        while time.monotonic() < end:
            for line in self.lines():
                if text in line:
                    return line
            time.sleep(0.01)
        seen = "\n".join(self.lines())
        raise AssertionError(f"no line with {text!r} in {deadline_s} s:\n{seen}")

    def stop(self, how: signal.Signals = signal.SIGINT) -> Finished:
        """Sends `how` (if it still runs) and waits for the end."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self._finished()

    def _finished(self) -> Finished:
        try:
            status = self.process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            seen = "\n".join(self.lines())
            message = f"still running {DEADLINE_S} s after it was stopped:\n{seen}"
            raise AssertionError(message) from None
        return Finished(status, self._output.whole(), self._errors.whole())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


class _Lines:
    """Reads a pipe in a thread, so that a full one never blocks the process."""

    def __init__(self, pipe: IO[str] | None) -> None:
        assert pipe is not None
        self._pipe = pipe
        self._lines: list[str] = []
        self._changed = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with self._pipe:
            for line in self._pipe:
                with self._changed:
                    self._lines.append(line.rstrip("\n"))
                    self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def first(self, deadline_s: float) -> str:
        with self._changed:
            self._changed.wait_for(lambda: self._lines or self._ended, deadline_s)
            return self._lines[0] if self._lines else ""

    def so_far(self) -> list[str]:
        with self._changed:
            return list(self._lines)

    def whole(self) -> str:
        self._thread.join(DEADLINE_S)
        return "".join(f"{line}\n" for line in self.so_far())
