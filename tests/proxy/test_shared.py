"""All is quiet when nobody is there, and nothing is being finished."""

from __future__ import annotations

import asyncio

from llmreplay.proxy.shared import Shared
from tests.fakes.hand_clock import HandClock
from tests.proxy.guests import Rules, echo


class Someone:
    def sweep(self, now: float) -> None: ...

    def retire(self) -> None: ...

    def cut(self) -> None: ...


async def test_it_is_quiet_when_nobody_is_there() -> None:
    shared = Shared(echo, Rules(), 10, HandClock(), print)
    first, second = Someone(), Someone()
    shared.settle()
    heard = [shared.quiet.is_set()]
    shared.enter(first)
    heard.append(shared.quiet.is_set())
    shared.replace(first, by=second)
    shared.leave(first)
    heard.append(shared.quiet.is_set())
    shared.finishing.add(asyncio.create_task(asyncio.sleep(0)))
    shared.leave(second)
    heard.append(shared.quiet.is_set())
    await asyncio.wait({shared.finishing.pop()})
    shared.leave(second)
    heard.append(shared.quiet.is_set())
    assert heard == [True, False, False, False, True]
