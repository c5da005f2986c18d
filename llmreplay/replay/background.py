"""An event loop in a thread of its own, for those who have none: a test asks, and waits."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, TypeVar

from llmreplay.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

__all__ = ["Background"]

T = TypeVar("T")

_PASSES = 10
"""Turns of the loop in which an answer that its client has already read is told to the journal."""


class Background:
    """Runs coroutines in a thread. From `start` to `stop`; a daemon, if nobody stops it."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin to run."""
        self._thread.start()

    def run(self, work: Coroutine[object, object, T]) -> T:
        """What `work` gives, or raises; waits for it."""
        if not self._thread.is_alive() or threading.current_thread() is self._thread:
            work.close()
            raise UsageError("this llmreplay is not running: use it inside its `with`")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def ask(self, question: Callable[[], T]) -> T:
        """What `question` gives, asked in the thread once all that has happened is told."""

        async def asked() -> T:
            for _ in range(_PASSES):
                await asyncio.sleep(0)
            return question()

        return self.run(asked())

    def stop(self) -> None:
        """End the thread; what still runs in it is cancelled."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
            self._end()
        finally:
            self._loop.close()

    def _end(self) -> None:
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
