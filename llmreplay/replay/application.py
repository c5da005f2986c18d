"""The application under test: a process of its own on a free port, from its start to its end.

It is given its environment, and knows nothing of what is served. `Session.start` makes one;
`guardian` is between this process and it, so that nothing of it outlives either.
"""

from __future__ import annotations

import asyncio
import http.client
import os
import secrets
import select
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Final, Self

from llmreplay.errors import UsageError
from llmreplay.replay import guardian

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    Health = str | Callable[["Application"], object] | None
    """A path that answers, what says so, or None for a port that is listened on."""

__all__ = ["Application", "Applications", "Health"]

_PORT: Final = "{port}"
_PORTS: Final = range(20_000, 32_768)
"""Below those that systems hand out to whoever asks for any, as clients do all the time."""
_HOSTS: Final = ("127.0.0.1", "::1")
_HEALTHY: Final = range(200, 400)
_ONE_TRY_SECONDS: Final = 5.0
_PAUSE_SECONDS: Final = 0.02
_REST_SECONDS: Final = 15.0
"""How long the guardian may take beyond the application's own time to end."""
_MOST_KEPT_BYTES: Final = 4 * 1024 * 1024
_LAST_LINES: Final = 30
_WAY: Final = guardian.REAPER if sys.platform == "linux" else guardian.WATCHER


class Application:
    """A program that runs. Leaving its `with` block, or `async with`, ends it; so does `stop`.

    `port` is the one that it is to listen on. Made by `Session.start` and `Replay.start`.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        environ: Mapping[str, str],
        env: Mapping[str, str | None] | None = None,
        *,
        cwd: str | Path | None = None,
        grace_seconds: float = 5.0,
    ) -> None:
        """Start it. Of its variables, `environ` are the machine's, and `env` are the test's own."""
        if isinstance(command, str) or not command:
            raise UsageError(f"a command is a list of words, ['python', 'app.py'], not {command!r}")
        self.port = _free_port()
        self.command = tuple(self._filled(os.fspath(word)) for word in command)
        self.status: int | None = None
        """Once it has ended: its exit status, or less than zero for the signal that ended it."""
        self.pid = 0
        self._host = _HOSTS[0]
        self._grace_seconds = grace_seconds
        self._told = b""
        self._failed = ""
        self._size = 0
        self._kept: bytes | None = None
        self._printed = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  # closed by `stop`
        program = [sys.executable, "-I", "-S", guardian.__file__, _WAY, str(grace_seconds)]
        try:
            self._guardian = subprocess.Popen(  # noqa: S603  # what the test starts
                [*program, *self.command],
                cwd=cwd,
                env=self._variables(environ, env or {}),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._printed,
                bufsize=0,
                # What a terminal sends is for the tests, which end this in their own order.
                start_new_session=True,
            )
        except OSError as error:
            self._printed.close()
            raise UsageError(f"{self}: {error}") from error

    def __repr__(self) -> str:
        return f"<{self} on port {self.port}>"

    def __str__(self) -> str:
        return shlex.join(self.command)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await asyncio.to_thread(self.stop)

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`; `http://[::1]:PORT` if it listens there alone."""
        return f"http://{f'[{self._host}]' if ':' in self._host else self._host}:{self.port}"

    @property
    def output(self) -> str:
        """What it has printed so far, on stdout and stderr; of very much, the end."""
        return self.output_from(0)

    def output_from(self, start: int) -> str:
        """What it has printed behind its first `start` bytes."""
        if self._kept is None:
            handle = self._printed.fileno()
            begin = max(start, self.printed_bytes - _MOST_KEPT_BYTES)
            printed = os.pread(handle, _MOST_KEPT_BYTES, begin)
        else:
            printed = self._kept[max(0, start - self.printed_bytes + len(self._kept)) :]
        return printed.decode("utf-8", "replace")

    @property
    def printed_bytes(self) -> int:
        """How much it has printed so far."""
        if self._kept is None:
            self._size = os.fstat(self._printed.fileno()).st_size
        return self._size

    def wait(self, timeout_seconds: float | None = None) -> int:
        """Its exit status, when it has ended by itself. Raises UsageError if that takes longer."""
        deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        while not self.has_ended():
            if deadline is not None and time.monotonic() >= deadline:
                raise self._wrong(f"has not ended within {timeout_seconds:g} s")
            time.sleep(_PAUSE_SECONDS)
        return self.status or 0

    def has_ended(self) -> bool:
        """Whether the command itself has; what it started may live on until `stop`."""
        __tracebackhide__ = True
        self._listen()
        if self._failed:
            raise UsageError(f"{self} cannot be started: {self._failed}")
        return self.status is not None

    def wait_until_healthy(self, health: Health, timeout_seconds: float) -> None:
        """Return once it is: see `Session.start`.

        Raises:
            UsageError: it has ended, or is not healthy by then.
        """
        __tracebackhide__ = True
        deadline = time.monotonic() + timeout_seconds
        while not self.pid and not self.has_ended() and time.monotonic() < deadline:
            time.sleep(_PAUSE_SECONDS)
        while True:
            # In this order: whoever has ended answers no more, another on its port might.
            why = self._ill(health, min(_ONE_TRY_SECONDS, timeout_seconds))
            if callable(health) and not why:
                return
            if self.has_ended():
                raise self._wrong(f"ended with status {self.status} before it was healthy")
            if not why:
                return
            if time.monotonic() >= deadline:
                raise self._wrong(f"was not healthy within {timeout_seconds:g} s: {why}")
            time.sleep(_PAUSE_SECONDS)

    def stop(self) -> None:
        """End it, and all that it has started: first it is asked to (SIGTERM), then made to.

        Raises:
            UsageError: something of it cannot be ended.
        """
        __tracebackhide__ = True
        if self._kept is not None:
            return
        with suppress(OSError):  # it has ended, as there was no such command
            os.write(self._stdin(), b"\n")
        try:
            self._guardian.wait(self._grace_seconds + _REST_SECONDS)
        except subprocess.TimeoutExpired:
            self._guardian.kill()
            self._guardian.wait()
        self._listen()
        if self.pid and self.status is None:
            # Somebody has killed the guardian. What can be reached without it is the group.
            with suppress(OSError):
                os.killpg(self.pid, signal.SIGKILL)
        self._kept = os.pread(
            self._printed.fileno(), _MOST_KEPT_BYTES, max(0, self.printed_bytes - _MOST_KEPT_BYTES)
        )
        for file in (self._guardian.stdin, self._guardian.stdout, self._printed):
            if file is not None:
                file.close()
        if b"left " in self._told:
            left = self._told.rpartition(b"left ")[2].decode().strip()
            raise UsageError(f"{self}: it started processes that cannot be ended: {left}")

    def _filled(self, word: str) -> str:
        return word.replace(_PORT, str(self.port))

    def _variables(
        self, environ: Mapping[str, str], env: Mapping[str, str | None]
    ) -> dict[str, str]:
        # What is printed and held back would be lost when it is ended.
        given = {"PYTHONUNBUFFERED": "1", **environ, "PORT": str(self.port)}
        for name, value in env.items():
            if value is None:
                given.pop(name, None)
            else:
                given[name] = self._filled(value)
        return given | {guardian.MARK: secrets.token_hex(8)}

    def _stdin(self) -> int:
        assert self._guardian.stdin is not None  # noqa: S101  # it is a pipe
        return self._guardian.stdin.fileno()

    def _listen(self) -> None:
        """Take in what the guardian has told."""
        if self._kept is not None:
            return
        assert self._guardian.stdout is not None  # noqa: S101  # it is a pipe
        pipe = self._guardian.stdout.fileno()
        while select.select([pipe], [], [], 0)[0] and (more := os.read(pipe, 4096)):
            self._told += more
        for line in self._told.decode().splitlines():
            word, _, what = line.partition(" ")
            if word == "started":
                self.pid = int(what)
            elif word == "ended":
                self.status = int(what)
            elif word == "failed":
                self._failed = what

    def _ill(self, health: Health, patience_seconds: float) -> str:
        """Why it is not healthy yet; empty if it is."""
        try:
            if callable(health):
                return "" if health(self) else f"{health!r} says no"
            self._host = self._listening_host(patience_seconds)
            return self._ill_by(health, patience_seconds) if health else ""
        except Exception as error:  # noqa: BLE001  # whatever asking somebody who starts may bring
            return f"{type(error).__name__}: {error}"

    def _ill_by(self, path: str, patience_seconds: float) -> str:
        path = f"/{path.removeprefix('/')}"
        shown = f"GET {self.url}{path}"
        connection = http.client.HTTPConnection(self._host, self.port, timeout=patience_seconds)
        try:
            connection.request("GET", path)
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            return f"{shown}: {type(error).__name__}: {error}"
        finally:
            connection.close()
        return "" if status in _HEALTHY else f"{shown}: status {status}"

    def _listening_host(self, patience_seconds: float) -> str:
        for host in _HOSTS:
            with suppress(OSError), socket.create_connection((host, self.port), patience_seconds):
                return host
        raise ConnectionRefusedError(f"nobody listens on port {self.port} of 127.0.0.1")

    def _wrong(self, what: str) -> UsageError:
        lines = self.output.splitlines()
        if not lines:
            return UsageError(f"{self} {what}; it has printed nothing")
        shown = "\n".join(f"  {line}" for line in lines[-_LAST_LINES:])
        told = "it printed" if len(lines) <= _LAST_LINES else f"its last {_LAST_LINES} lines"
        return UsageError(f"{self} {what}; {told}:\n{shown}")


class Applications:
    """What was started in a session, and is ended with it."""

    def __init__(self) -> None:
        self._started: list[Application] = []

    def __iter__(self) -> Iterator[Application]:
        return iter(tuple(self._started))

    def start(self, started: Application, health: Health, timeout_seconds: float) -> Application:
        """The same, once it is healthy. Raises UsageError; then nothing of it is left."""
        __tracebackhide__ = True
        self._started.append(started)
        try:
            started.wait_until_healthy(health, timeout_seconds)
        except BaseException:
            started.stop()
            raise
        return started

    def stop(self) -> None:
        """End them, the last one first. Raises UsageError, once it is done with all."""
        __tracebackhide__ = True
        with ExitStack() as stack:
            for started in self._started:
                stack.callback(started.stop)


def _free_port() -> int:
    """A port that nobody listens on, and that nobody is given unasked."""
    while True:
        port = secrets.choice(_PORTS)
        with suppress(OSError), socket.socket() as probe:
            probe.bind((_HOSTS[0], port))
            return port
