"""The command after `--`: run it, pass signals on to it, say how it ended as a shell does.

It knows nothing of what is served meanwhile. `service` awaits it while it serves.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from functools import partial
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["run"]

NOT_FOUND: Final = 127
NOT_EXECUTABLE: Final = 126
SIGNALLED: Final = 128
"""To which a shell adds the signal's number."""

_PASSED_ON: Final = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
_FROM_THE_KEYBOARD: Final = (signal.SIGINT, signal.SIGQUIT)
"""A terminal sends these to each process of its foreground group."""
_GRACE_SECONDS: Final = 5.0


def _say(text: str) -> None:
    sys.stderr.write(f"llmreplay: {text}\n")


async def run(
    command: Sequence[str], environ: Mapping[str, str], *, say: Callable[[str], None] = _say
) -> int:
    """Run `command` to its end; the status that a shell would give for it.

    It has our own stdin, stdout and stderr, and is in our process group. `say` is told why a
    command could not be started. Signals are caught from now on, also after the end: what is
    left to do then is not to be cut short. To be called in the main thread.
    """
    child = _Child()
    # Before the start: from then on, a signal is the command's.
    for number in (*_PASSED_ON, *_FROM_THE_KEYBOARD):
        asyncio.get_running_loop().add_signal_handler(number, partial(child.tell, number))
    try:
        process = await asyncio.create_subprocess_exec(*command, env=dict(environ))
    except OSError as error:
        status, why = _not_started(error)
        say(f"{command[0]}: {why}")
        return status
    return await child.ended(process)


class _Child:
    """The command's process, or the signals that it will get once there is one."""

    def __init__(self) -> None:
        self._process: Process | None = None
        self._early: list[signal.Signals] = []

    def tell(self, number: signal.Signals) -> None:
        """Pass a signal on, if the command has not got it already."""
        if number in _FROM_THE_KEYBOARD and _has_the_keyboard():
            return
        if self._process is None:
            self._early.append(number)
        elif self._process.returncode is None:
            self._process.send_signal(number)

    async def ended(self, process: Process) -> int:
        """Wait for the end; if we are to end before, the command is told to."""
        self._process = process
        for number in self._early:
            self.tell(number)
        try:
            status = await process.wait()
        except asyncio.CancelledError:
            await self._stopped(process)
            raise
        return SIGNALLED - status if status < 0 else status

    async def _stopped(self, process: Process) -> None:
        self.tell(signal.SIGTERM)
        try:
            async with asyncio.timeout(_GRACE_SECONDS):
                await process.wait()
        except TimeoutError:
            self.tell(signal.SIGKILL)
            await process.wait()


def _has_the_keyboard() -> bool:
    """Whether we are in the foreground group of a terminal: then ^C reaches the command, too."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)


def _not_started(error: OSError) -> tuple[int, str]:
    """The status, and why: as a shell tells it."""
    if isinstance(error, FileNotFoundError):
        return NOT_FOUND, "there is no such command"
    if isinstance(error, PermissionError):
        return NOT_EXECUTABLE, "this is not executable"
    return NOT_EXECUTABLE, f"this cannot be run: {error.strerror}"
