"""What the tests of the proxy share: a CA, which takes a while to make, and two event loops."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING, TypeAlias

import pytest
import uvloop

from llmreplay.certificates import Authority
from tests.proxy.gates import HOSTS

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    Run: TypeAlias = Callable[[Coroutine[None, None, None]], None]

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    folder: Path = tmp_path_factory.mktemp("ca")
    return Authority(folder, HOSTS)


@pytest.fixture(params=LOOPS)
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a test on either event loop, in which nothing may go wrong unnoticed."""

    def run_there(test: Coroutine[None, None, None]) -> None:
        faults: list[object] = []

        async def watched() -> None:
            asyncio.get_running_loop().set_exception_handler(lambda _, fault: faults.append(fault))
            await test
            gc.collect()
            await asyncio.sleep(0)

        with asyncio.Runner(loop_factory=LOOPS[request.param]) as runner:
            runner.run(watched())
        assert faults == []

    return run_there
