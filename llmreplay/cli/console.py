"""What `record` and `serve` say while they run: the address, a line per request, a summary.

`write` is on the way of every request, so it only formats and queues; a thread writes. A reader
that is slow, or gone, costs lines (counted) and never a request. The service calls it.
"""

from __future__ import annotations

import os
import select
from collections import Counter, deque
from threading import Event, Thread
from typing import TYPE_CHECKING, Self

from llmreplay.cli.terminal import printable
from llmreplay.cli.units import counted
from llmreplay.core.journal import Outcome

if TYPE_CHECKING:
    from types import TracebackType

    from llmreplay.cli.lines import Lines
    from llmreplay.core.journal import Entry

__all__ = ["Console"]

FLUSH_INTERVAL_S = 0.05
MAX_QUEUED_CHARS = 4 * 2**20
"""What may wait for a slow reader; one more second of lines at full speed."""
CLOSING_S = 1.0
"""How long the end waits for a reader that has stopped reading."""

MAX_MISSES_LISTED = 20

_WENT_WELL = frozenset({Outcome.HIT, Outcome.RECORDED, Outcome.FORWARDED, Outcome.FAULT})


class Console:
    """The output of one run, as a context manager that ends with the summary.

    `command` is what the lines of our own begin with; `lines` is how lines look. `quiet` leaves
    out requests that went well; `lists_misses` tells at the end which there were, for who has a
    program's own output in between. All methods are called from one thread, and none waits for the
    reader but `listening`, which is the first line and is written at once, and `close`.
    """

    def __init__(
        self,
        command: str,
        descriptor: int,
        lines: Lines,
        *,
        quiet: bool = False,
        lists_misses: bool = False,
    ) -> None:
        self._command = command
        self._descriptor = descriptor
        self._lines = lines
        self._quiet = quiet
        self._misses: Counter[str] | None = Counter() if lists_misses else None
        self._counts = dict.fromkeys(Outcome, 0)
        self._held: list[str] = []
        self._queue: deque[str] = deque()
        # Each counter has one writer (this thread or the writing one), so none needs a lock.
        self._queued_chars = 0
        self._written_chars = 0
        self._dropped = 0
        self._dropped_told = 0
        self._is_listening = False
        self._gone = False
        self._closing = Event()
        self._wake = Event()
        self._thread = Thread(target=self._write_queue, name="console", daemon=True)

    def listening(self, url: str, cassettes: int, exchanges: int) -> None:
        """The first line: where to send requests, and what there is to answer them."""
        held = f" ({counted(cassettes, 'cassette')}, {counted(exchanges, 'exchange')})"
        # A recording that starts from nothing need not say so; a server that has nothing must.
        told = "" if self._command == "record" and not cassettes else held
        first = self._lines.event(
            f"llmreplay {self._command}: {url}{told}",
            {
                "event": "listening",
                "command": self._command,
                "url": url,
                "cassettes": cassettes,
                "exchanges": exchanges,
            },
        )
        self._write(first)
        self._is_listening = True
        for line in self._held:
            self._put(line)
        self._thread.start()

    def write(self, entry: Entry) -> None:
        """One request and what became of it."""
        outcome = entry.outcome
        self._counts[outcome] += 1
        if outcome is Outcome.MISS and self._misses is not None:
            self._misses[_missed(entry)] += 1
        if self._quiet and outcome in _WENT_WELL:
            return
        if self._queued_chars - self._written_chars > MAX_QUEUED_CHARS or self._gone:
            self._dropped += 1
            return
        line = self._lines.request(entry)
        self._queue.append(line)
        self._queued_chars += len(line)
        if not self._wake.is_set():
            self._wake.set()

    def note(self, text: str) -> None:
        """A line that is worth knowing: what was written where at the end of a recording."""
        self._say("note", f"llmreplay {self._command}: {text}", text)

    def warn(self, text: str) -> None:
        """A line about something wrong that does not stop the run: a torn tail, a full disk."""
        self._say("warning", f"llmreplay {self._command}: warning: {text}", text)

    def close(self) -> None:
        """Write what is queued, and the summary if there was a run."""
        if not self._is_listening:
            for line in self._held:
                self._write(line)
            return
        self._closing.set()
        self._wake.set()
        self._thread.join(CLOSING_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _say(self, event: str, text: str, message: str) -> None:
        line = self._lines.event(text, {"event": event, "message": message})
        # The address stays the first line, whatever there is to say before it is known.
        if self._is_listening:
            self._put(line)
        else:
            self._held.append(line)

    def _put(self, line: str) -> None:
        self._queue.append(line)
        self._queued_chars += len(line)
        self._wake.set()

    def _write_queue(self) -> None:
        """The writing thread: what has gathered, each time that something has."""
        while not self._closing.is_set():
            self._wake.wait()
            self._closing.wait(FLUSH_INTERVAL_S)
            self._wake.clear()
            self._write_gathered()
        self._write_gathered()
        if self._misses:
            self._write(self._misses_told(self._misses))
        self._write(self._summary())

    def _write_gathered(self) -> None:
        gathered = "".join(self._queue.popleft() for _ in range(len(self._queue)))
        self._write(gathered)
        self._written_chars += len(gathered)
        lost = self._dropped - self._dropped_told
        if lost:
            text = f"… {counted(lost, 'line')} dropped: the reader of this log is slow"
            self._write(self._lines.event(text, {"event": "dropped", "lines": lost}))
            self._dropped_told += lost

    def _write(self, text: str) -> None:
        data = memoryview(text.encode("utf-8", "backslashreplace"))
        while data and not self._gone:
            try:
                data = data[os.write(self._descriptor, data) :]
            except BlockingIOError:
                # Whoever gave us the descriptor made it non-blocking.
                select.select((), (self._descriptor,), ())
            except OSError:
                # The reader left (`| head -1`), or the log's disk is full: requests go on.
                self._gone = True

    def _misses_told(self, misses: Counter[str]) -> str:
        """Each request that had no recording once, in the order in which they came."""
        told = [f"{what} ({count} times)" if count > 1 else what for what, count in misses.items()]
        more = len(told) - MAX_MISSES_LISTED
        listed = told[:MAX_MISSES_LISTED] + ([f"… and {more:,} more"] if more > 0 else [])
        head = f"llmreplay {self._command}: misses:"
        text = "\n    ".join((head, *listed))
        return self._lines.event(text, {"event": "misses", "misses": listed})

    def _summary(self) -> str:
        counts = {outcome.value: count for outcome, count in self._counts.items()}
        total = sum(counts.values())
        text = f"llmreplay {self._command}: {_told(self._counts)}"
        return self._lines.event(text, {"event": "summary", "requests": total, **counts})


def _missed(entry: Entry) -> str:
    """A request that missed, and why: how its explanation begins."""
    lines = entry.detail.removeprefix("llmreplay: ").splitlines()
    return printable("; ".join(lines[:2]) or f"{entry.method} {entry.target}")


def _told(counts: dict[Outcome, int]) -> str:
    total = counted(sum(counts.values()), "request")
    parts = [_named(outcome, count) for outcome, count in counts.items() if count]
    return f"{total}: {', '.join(parts)}" if parts else total


def _named(outcome: Outcome, count: int) -> str:
    if outcome is Outcome.HIT:
        return counted(count, "hit")
    if outcome is Outcome.FAULT:
        return counted(count, "fault")
    if outcome is Outcome.MISS:
        return "1 miss" if count == 1 else f"{count:,} misses"
    return f"{count:,} {outcome}"
