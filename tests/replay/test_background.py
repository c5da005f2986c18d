"""A loop in a thread: it answers, raises, and ends with all that ran in it."""

from __future__ import annotations

import asyncio
import threading

import pytest

from llmreplay.errors import UsageError
from llmreplay.replay.background import Background


async def thread_name() -> str:
    await asyncio.sleep(0)
    return threading.current_thread().name


async def wrong() -> None:
    raise ValueError("wrong")


def test_work_runs_in_the_thread() -> None:
    background = Background("beside")
    background.start()
    assert background.run(thread_name()) == "beside"
    assert background.ask(lambda: threading.current_thread().name) == "beside"
    with pytest.raises(ValueError, match="wrong"):
        background.run(wrong())
    background.stop()
    assert "beside" not in [thread.name for thread in threading.enumerate()]


def test_what_still_runs_is_cancelled() -> None:
    background, ended = Background("beside"), threading.Event()

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def begun() -> None:
        background_tasks.append(asyncio.create_task(endless()))
        await asyncio.sleep(0)

    background_tasks: list[asyncio.Task[None]] = []
    background.start()
    background.run(begun())
    background.stop()
    background.stop()
    assert ended.is_set()


def test_one_that_does_not_run_says_so() -> None:
    background = Background("beside")
    with pytest.raises(UsageError, match="use it inside its `with`"):
        background.run(thread_name())
    background.start()
    background.stop()
    with pytest.raises(UsageError, match="use it inside its `with`"):
        background.ask(lambda: 1)
