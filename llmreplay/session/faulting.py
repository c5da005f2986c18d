"""Faults where requests are answered: which rules apply to a call, and what they do to its answer.

What rules mean is `core.faults`' to say. `answering` asks here; a live answer with faults is a
`Faulted`, which `deliver` plays.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

import orjson

from llmreplay.core.faults import Asked, Injection, Ledger, Overlay
from llmreplay.core.faults.stage import End
from llmreplay.dialects.registry import recognise

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from llmreplay.core.clock import Clock
    from llmreplay.core.dialect import Json
    from llmreplay.core.exchange import Headers, Request
    from llmreplay.core.faults import Arrival, AtConnection, Rule
    from llmreplay.core.journal import Entry
    from llmreplay.core.plan import Step
    from llmreplay.session.live import Live

__all__ = ["Applicable", "Faulted", "Faults"]


class Applicable(NamedTuple):
    """The rules whose conditions hold for a request, and what they see of it."""

    rules: tuple[Rule, ...]
    asked: Asked


class Faults:
    """The rules of a run, which may be replaced while it goes on, and what they remember.

    `time_of_day` is in seconds since 1970: some providers say in it when a budget is whole again.
    """

    def __init__(
        self,
        overlay: Overlay | None = None,
        *,
        clock: Clock,
        time_of_day: Callable[[], float] = lambda: 0.0,
    ) -> None:
        # Not `or`: one with rules about connections alone is falsy.
        self.overlay = Overlay() if overlay is None else overlay
        self.ledger = Ledger()
        self._clock = clock
        self._time_of_day = time_of_day

    def beside(self, overlay: Overlay) -> Faults:
        """Other rules with nothing to remember, by the same clocks."""
        return Faults(overlay, clock=self._clock, time_of_day=self._time_of_day)

    def arriving(self, arrival: Arrival) -> tuple[AtConnection, str] | None:
        """What becomes of a connection before it brings a request, and by which rule; counts it."""
        return self.overlay.at_connection(arrival, self.ledger)

    def applicable(
        self,
        request: Request,
        headers: Headers,
        session: str,
        fingerprint: bytes,
        *,
        by_base_url: bool = False,
    ) -> Applicable | None:
        """What may be done to the answer to `request`; None if no rule is about it.

        `request` is redacted, `headers` are as they were sent; `by_base_url` it came to this port.
        """
        asked = Asked(
            session=session,
            upstream=request.upstream,
            method=request.method,
            path=request.parts.path,
            headers=headers,
            body=_json(request.body),
            dialect=recognise(request, None),
            fingerprint=fingerprint.hex(),
            by_base_url=by_base_url,
        )
        rules = self.overlay.candidates(asked)
        return Applicable(rules, asked) if rules else None

    def fire(self, applicable: Applicable | None) -> Injection | None:
        """What is done to the answer this time; counts one more time."""
        if applicable is None:
            return None
        return self.overlay.fire(
            applicable.rules,
            applicable.asked,
            self.ledger,
            now_s=self._clock.now(),
            epoch_s=self._time_of_day(),
        )


class Faulted:
    """A live answer with faults in it.

    It is read and kept at its own pace, as if there were no faults, beside what the client gets.
    `steps()` is to be iterated once; then `end` is known. When `settled()` returns, `entry` is.
    """

    def __init__(
        self, live: Live, injection: Injection, *, clock: Clock, started: float, limit_bytes: int
    ) -> None:
        self._live = live
        self._injection = injection
        self._clock = clock
        self.started = started
        self._injected = injection.live(
            live.status, live.reason, live.headers, live.content_length, limit_bytes
        )
        opening = self._injected.opening
        self.status, self.reason = opening.status, opening.reason
        self.headers: Headers = opening.headers
        self._due: deque[Step] = deque()
        self._more = asyncio.Event()
        self._over = False
        self._reading: asyncio.Task[None] | None = None

    @property
    def end(self) -> End:
        """How the answer ends for the client."""
        return self._injected.end or End()

    @property
    def entry(self) -> Entry:
        """What the journal has of it."""
        return self._live.entry._replace(faults=self._injection.told)

    def client_left(self) -> None:
        """Nobody reads any more: go on for the recording's sake, but not for ever."""
        self._live.client_left()

    async def steps(self) -> AsyncIterator[tuple[Step, bool]]:
        """What the client is to get, each `at_ms` after `started`; and whether it is the last.

        The last of an answer that ends as it arrived is not known to be.
        """
        self._reading = asyncio.create_task(self._read())
        while self._due or not self._over:
            if self._due:
                step = self._due.popleft()
                yield step, self._over and not self._due
            else:
                self._more.clear()
                await self._more.wait()

    def give_up(self) -> None:
        """Read no more: this process ends."""
        if self._reading is not None:
            self._reading.cancel()

    async def settled(self) -> None:
        """Wait until the answer is whole and stored."""
        if self._reading is not None:
            await self._reading

    async def _read(self) -> None:
        injected = self._injected
        try:
            async for raw in self._live.pieces():
                if injected.end is None:
                    self._put(injected.feed(raw, (self._clock.now() - self.started) * 1000))
            if injected.end is None:
                self._put(injected.finish(self._live.ending))
        finally:
            self._over = True
            self._more.set()

    def _put(self, steps: list[Step]) -> None:
        self._due += steps
        self._over = self._injected.end is not None
        self._more.set()


def _json(body: bytes) -> Json:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
