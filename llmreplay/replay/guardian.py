"""A process that runs one command, and leaves nothing of it behind when its own parent is gone.

Run as a program by `application`, with nothing but the standard library, so that it starts in no
time and lives on when the process that it serves is killed: then its stdin ends, and it ends all.
It says on stdout what becomes of the command; what the command prints goes to its stderr.

On Linux it is the subreaper of all that the command starts: whoever loses its parent becomes its
own child, in whichever session or process group. Elsewhere it looks who is whose child a few times
a second, and knows who got away in between by a mark in its environment, as far as that is shown.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["MARK", "REAPER", "WATCHER"]

REAPER, WATCHER = "reaper", "watcher"
"""The two ways to know what a command has started."""
MARK = "LLMREPLAY_APPLICATION"
"""The variable that all that the command starts inherits."""

_TURN_SECONDS = 0.25
_LAST_WORDS_SECONDS = 1.0
"""How long what is left has, once the command itself has ended."""
_KILLING_SECONDS = 5.0
"""How long those are killed that nobody may kill, such as a program that is another user's."""
_PR_SET_CHILD_SUBREAPER = 36

_Process = tuple[int, str]
"""A process as no other can be: its number, and when it started."""


class _Reaped:
    """Those below this process, by Linux's own book-keeping."""

    def look(self) -> None:
        """Nobody can get away."""

    def left(self) -> list[int]:
        """Who is there, but for those that have ended."""
        parents = {}
        for name in filter(str.isdigit, os.listdir("/proc")):  # noqa: PTH208  # the same
            with suppress(OSError):
                with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123  # quick to import
                    state, parent = file.read().rpartition(b")")[2].split()[:2]
                if state not in b"ZX":
                    parents[int(name)] = int(parent)
        return _below(os.getpid(), parents)


class _Watched:
    """Those that were ever seen below this process, by `ps`."""

    def __init__(self) -> None:
        self._known: set[_Process] = set()
        self._looks_at_s = 0.0

    def look(self) -> None:
        """Note who is there now."""
        if time.monotonic() >= self._looks_at_s:
            self._below_and({os.getpid()})
            self._looks_at_s = time.monotonic() + _TURN_SECONDS

    def left(self) -> list[int]:
        """Who is there, but for those that have ended; also those that left their parents."""
        return self._below_and({os.getpid(), *self._marked()})

    def _below_and(self, roots: set[int]) -> list[int]:
        """Those among `roots`, those that were ever seen, and all that descend from them."""
        there: dict[int, _Process] = {}
        parents: dict[int, int] = {}
        for line in _ps("-A", "pid=", "ppid=", "state=", "lstart="):
            number, parent, state, since = line.split(None, 3)
            if not state.startswith("Z"):
                there[int(number)] = (int(number), since)
                parents[int(number)] = int(parent)
        roots |= {number for number, process in there.items() if process in self._known}
        found = {one for root in roots for one in _below(root, parents)} | roots
        found = (found & there.keys()) - {os.getpid()}
        self._known |= {there[number] for number in found}
        return sorted(found)

    def _marked(self) -> Iterator[int]:
        shown = "-AEww" if sys.platform == "darwin" else "axeww"
        mark = f"{MARK}={os.environ[MARK]}"
        for line in _ps(shown, "pid=", "command="):
            if mark in line:
                yield int(line.split(None, 1)[0])


def _tree_of(way: str) -> _Reaped | _Watched:
    if way == REAPER:
        import ctypes  # noqa: PLC0415  # not everywhere that this runs

        if ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0:
            return _Reaped()
    return _Watched()


def _ps(options: str, *fields: str) -> list[str]:
    """What `ps` says of all but itself."""
    arguments = [options, *(word for field in fields for word in ("-o", field))]
    # Its own mark would make it one of those that it looks for.
    environ = {name: value for name, value in os.environ.items() if name != MARK}
    try:
        process = subprocess.Popen(  # noqa: S603  # what POSIX has
            ["ps", *arguments],  # noqa: S607  # wherever that is
            env={**environ, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except OSError:
        return []
    lines = process.communicate()[0].decode("utf-8", "replace").splitlines()
    return [line for line in lines if line.split(None, 1)[:1] != [str(process.pid)]]


def _below(root: int, parents: dict[int, int]) -> list[int]:
    """All that descend from `root`."""
    children: dict[int, list[int]] = {}
    for number, parent in parents.items():
        children.setdefault(parent, []).append(number)
    found, ahead = [], [root]
    while ahead:
        ahead += (below := children.pop(ahead.pop(), []))
        found += below
    return found


class _Guardian:
    """One command, from its start until nothing is left of it."""

    def __init__(self, way: str, grace_seconds: float) -> None:
        self._grace_seconds = grace_seconds
        self._tree = _tree_of(way)
        self._parent = os.getppid()
        self._woken, wakes = os.pipe()
        os.set_blocking(wakes, False)
        signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            # What is ignored would be so in the command, too.
            signal.signal(number, self._note)
        self._ends = False
        self._main = 0

    def run(self, command: Sequence[str]) -> None:
        """Start it, wait until the parent wants its end or has ended, end it."""
        try:
            # In a session of its own: a signal to its group reaches no one else.
            self._process = subprocess.Popen(  # noqa: S603  # what this is for
                command, stdin=subprocess.DEVNULL, stdout=2, stderr=2, start_new_session=True
            )
        except FileNotFoundError:
            _say("failed there is no such command")
            return
        except OSError as error:
            _say(f"failed {error.strerror}")
            return
        self._main = self._process.pid
        _say(f"started {self._main}")
        try:
            while not self._is_to_end():
                self._tree.look()
                self._reap()
        finally:
            self._end()

    def _note(self, number: int, frame: object) -> None:
        del frame
        self._ends |= number == signal.SIGTERM

    def _is_to_end(self) -> bool:
        ready = select.select([0, self._woken], [], [], _TURN_SECONDS)[0]
        if self._woken in ready:
            os.read(self._woken, 512)
        # Someone who was forked off the parent may hold the other end of stdin.
        return self._ends or 0 in ready or os.getppid() != self._parent

    def _end(self) -> None:
        """Ask all to end, then make them; tell of those that cannot be made to."""
        left = self._left()
        self._signal(signal.SIGTERM, left)
        left = self._waited(left, self._grace_seconds)
        deadline = time.monotonic() + _KILLING_SECONDS
        while left and time.monotonic() < deadline:
            self._signal(signal.SIGKILL, left)
            time.sleep(0.005)
            self._reap()
            left = self._left()
        if left:
            _say(f"left {' '.join(map(str, left))}")
        # Where nobody takes leave of orphans, as in many containers, they would stay as zombies.
        while not left and self._reap() and time.monotonic() < deadline:
            time.sleep(0.005)

    def _waited(self, left: list[int], seconds: float) -> list[int]:
        """Who is left after a while; once the command itself has ended, that is short."""
        deadline = time.monotonic() + seconds
        had_main = True
        while left and time.monotonic() < deadline:
            time.sleep(0.01)
            self._reap()
            if had_main and not self._main:
                had_main = False
                deadline = min(deadline, time.monotonic() + _LAST_WORDS_SECONDS)
            left = self._left()
        return left

    def _left(self) -> list[int]:
        """Who is there. The command itself is known, whatever the system shows."""
        return sorted({*self._tree.left(), *([self._main] if self._main else [])})

    def _signal(self, number: signal.Signals, left: list[int]) -> None:
        # Each once, for some take a second signal for impatience; the group where none is seen.
        tell = os.killpg if left == [self._main] else os.kill
        for one in left:
            with suppress(OSError):
                tell(one, number)

    def _reap(self) -> bool:
        """Let those go that have ended; tell of the command itself. Whether there are others."""
        with suppress(ChildProcessError):
            while True:
                ended, status = os.waitpid(-1, os.WNOHANG)
                if not ended:
                    return True
                if ended == self._main:
                    self._main = 0
                    _say(f"ended {os.waitstatus_to_exitcode(status)}")
        return False


def _say(text: str) -> None:
    # The parent may be gone.
    with suppress(OSError):
        os.write(1, f"{text}\n".encode())


if __name__ == "__main__":
    _way, _grace, *_command = sys.argv[1:]
    _Guardian(_way, float(_grace)).run(_command)
