"""Recording for those who must not wait on a disk: one writer thread for all cassettes.

It decides nothing about files. It keeps redaction, writing and waiting for the disk off the
event loop, and lets exchanges that wait together share one wait. `service` makes it, sessions
append through it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeAlias, TypeVar

from llmreplay.cassettes.take import Closed, Take
from llmreplay.errors import CassetteError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from llmreplay.cassettes.library import Index, Library
    from llmreplay.cassettes.take import Finding
    from llmreplay.core.exchange import Exchange

__all__ = ["MakeRedactor", "Recorder", "Redacts"]

_T = TypeVar("_T")


_MAX_BATCH: Final = 8
"""Exchanges that share one wait for the disk at most: redacting each takes its time, too."""


class Redacts(Protocol):
    """Takes the secrets out of the exchanges of one cassette."""

    def exchange(self, exchange: Exchange) -> Exchange:
        """`exchange` without secrets."""
        ...

    def leaks(self, text: str, exchange: Exchange) -> Sequence[Finding]:
        """What is still secret in `text`, the document made of `exchange`: the last look."""
        ...


MakeRedactor: TypeAlias = "Callable[[str], Redacts]"
"""Makes the one for a cassette from the text that is in it: its placeholders go on counting."""


def _unseen(_text: str) -> Sequence[Finding]:
    raise AssertionError("the recorder writes nothing without a look of the redactor's")


@dataclass(frozen=True, slots=True)
class _Job(Generic[_T]):
    """Something to do on the writer's thread, and who waits for it.

    The result of `work` is given only when what it wrote is durable.
    """

    work: Callable[[], _T]
    future: asyncio.Future[_T]
    loop: asyncio.AbstractEventLoop
    take: str | None = None
    """The cassette that `work` writes to without waiting for the disk."""


class Recorder:
    """The takes of one run, for the event loop.

    Each cassette is opened when it is first needed, or by `open`, and closed by `close`. `warn`
    is called, on another thread, with what a person should know.
    """

    def __init__(
        self,
        library: Library,
        *,
        make_redactor: MakeRedactor,
        index: Index,
        warn: Callable[[str], None] = lambda _text: None,
    ) -> None:
        self._library = library
        self._make_redactor = make_redactor
        self._index = index
        self._warn = warn
        self._arrived: Counter[str] = Counter()
        self._awaited: Counter[str] = Counter()
        """How many numbers are reserved whose exchanges have not come."""
        self._discarded: dict[str, int] = {}
        """Up to which number exchanges that come late are not kept either."""
        self._closed = False
        self._writer = _Writer()
        # Only the writer's thread touches what follows.
        self._takes = self._writer.takes
        self._redactors: dict[str, Redacts] = {}

    async def open(self, cassette: str) -> None:
        """Open a cassette now, so that what is wrong with it shows at the start.

        Raises:
            UsageError, CassetteError: as `Take.open`.
        """
        await self._writer.run(lambda: self._opened(cassette))

    def reserve(self, cassette: str) -> int:
        """The number of a request that has just arrived; waits for nothing."""
        self._arrived[cassette] += 1
        self._awaited[cassette] += 1
        return self._arrived[cassette]

    async def append(self, cassette: str, exchange: Exchange) -> str:
        """Redact and store `exchange` (its `number` was reserved); gives its source.

        When it returns, the exchange is durable. It is stored even if nobody waits any more.

        Raises:
            UsageError, CassetteError: as `Take.open` and `Take.append`.
        """
        if self._closed:
            raise CassetteError(f"{cassette}: not recorded: the recording has ended")
        self._awaited[cassette] -= 1
        if exchange.number <= self._discarded.get(cassette, 0):
            raise CassetteError(f"{cassette}: not recorded: its take was discarded meanwhile")
        return await self._writer.run(lambda: self._write(cassette, exchange), take=cassette)

    async def close_one(
        self, cassette: str, *, keep: bool, keep_errors: bool = False, fresh: bool = False
    ) -> Closed | None:
        """Close the take of one cassette alone; None if nothing is recorded into it.

        Without `keep` all that was appended is taken back, and what is still on its way is not
        stored. The cassette may be recorded into again, in another take.

        Raises:
            CassetteError: as `Take.close` and `Take.discard`.
        """
        if self._closed:
            return None
        if self._awaited[cassette] <= 0:
            for numbers in (self._awaited, self._arrived, self._discarded):
                numbers.pop(cassette, None)
        elif not keep:
            self._discarded[cassette] = self._arrived[cassette]

        def end() -> Closed | None:
            take = self._takes.pop(cassette, None)
            self._redactors.pop(cassette, None)
            if take is None:
                return None
            if not keep:
                return take.discard()
            return take.close(self._index, keep_errors=keep_errors, fresh=fresh)

        return await self._writer.run(end)

    async def close(self, *, keep_errors: bool = False, fresh: bool = False) -> tuple[Closed, ...]:
        """Close all takes, whatever becomes of any one of them. Once; then it does nothing.

        Raises:
            CassetteError: the messages of those that could not be closed.
        """
        if self._closed:
            return ()
        self._closed = True
        try:
            return await self._writer.run(lambda: self._close(keep_errors=keep_errors, fresh=fresh))
        finally:
            await self._writer.stop()

    def _opened(self, cassette: str) -> Take:
        if cassette not in self._takes:
            take = Take.open(self._library, cassette, _unseen)
            if take.torn is not None:
                self._warn(
                    f"{take.path}: its last document was torn off by a crash; it is in {take.torn}"
                )
            self._redactors[cassette] = self._make_redactor(take.existing_text())
            self._takes[cassette] = take
        return self._takes[cassette]

    def _write(self, cassette: str, exchange: Exchange) -> str:
        take = self._opened(cassette)
        redactor = self._redactors[cassette]
        # The last look knows the very values that came with this exchange.
        return take.write(redactor.exchange(exchange), lambda text: redactor.leaks(text, exchange))

    def _close(self, *, keep_errors: bool, fresh: bool) -> tuple[Closed, ...]:
        closed: list[Closed] = []
        problems: list[str] = []
        for take in self._takes.values():
            try:
                closed.append(take.close(self._index, keep_errors=keep_errors, fresh=fresh))
            except CassetteError as error:
                problems.append(str(error))
        self._takes.clear()
        if problems:
            raise CassetteError("\n".join(problems))
        return tuple(closed)


class _Writer:
    """The thread, and the jobs on their way to it."""

    def __init__(self) -> None:
        self.takes: dict[str, Take] = {}
        self._jobs: SimpleQueue[_Job[Any]] = SimpleQueue()
        self._running = True
        # A daemon: a proxy that dies of an error must not hang on its recorder.
        self._thread = Thread(target=self._loop, name="cassette-writer", daemon=True)

    async def run(self, work: Callable[[], _T], take: str | None = None) -> _T:
        """Do `work` on the thread; gives its result when what it wrote to `take` is durable."""
        if not self._thread.is_alive():
            self._thread.start()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[_T] = loop.create_future()
        self._jobs.put(_Job(work, future, loop, take))
        return await future

    async def stop(self) -> None:
        """End the thread when it has done what it was given."""
        await self.run(self._end)
        self._thread.join()

    def _end(self) -> None:
        self._running = False

    def _loop(self) -> None:
        while self._running:
            self._do(self._batch())

    def _batch(self) -> list[_Job[Any]]:
        """The jobs that wait, up to the first that is no write; waits for one."""
        batch = [self._jobs.get()]
        while batch[-1].take is not None and len(batch) < _MAX_BATCH and not self._jobs.empty():
            batch.append(self._jobs.get())
        return batch

    def _do(self, batch: list[_Job[Any]]) -> None:
        """Do the jobs of a batch, make each take durable once, then tell those who wait.

        Only the last job of a batch may be one that is no write, so it comes after the writes.
        """
        written: dict[str, list[tuple[_Job[Any], Any]]] = {}
        for job in batch:
            if job.take is None:
                self._commit(written)
                written = {}
            try:
                result = job.work()
            except Exception as error:  # noqa: BLE001  # it is for whoever waits
                _tell(job, error=error)
            else:
                if job.take is None:
                    _tell(job, result)
                else:
                    written.setdefault(job.take, []).append((job, result))
        self._commit(written)

    def _commit(self, written: dict[str, list[tuple[_Job[Any], Any]]]) -> None:
        for cassette, jobs in written.items():
            error: Exception | None = None
            try:
                self.takes[cassette].sync()
            except Exception as problem:  # noqa: BLE001  # the same
                error = problem
            for job, result in jobs:
                _tell(job, result, error)


def _tell(job: _Job[_T], result: Any = None, error: Exception | None = None) -> None:  # noqa: ANN401
    """Give the result, or the error, to whoever waits: on the event loop, if it still runs."""

    def settle() -> None:
        if job.future.done():  # cancelled: the client has gone
            return
        if error is None:
            job.future.set_result(result)
        else:
            job.future.set_exception(error)

    try:
        job.loop.call_soon_threadsafe(settle)
    except RuntimeError:
        return  # the loop is closed, nobody waits
