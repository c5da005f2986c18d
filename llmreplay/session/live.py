"""One live answer: passed on as it arrives, kept as it passes, stored before its end is let go.

Nothing is held back but the very end, so that no client has an answer whole that could still
be lost: the last byte of a body of known length, the last chunk of any other, and from the
provider's own end marker on. `answering` makes these; `deliver` plays them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING

from llmreplay.core.exchange import Ending, Headers, Response
from llmreplay.core.journal import Entry, Outcome
from llmreplay.core.streams import Framing, framing_of
from llmreplay.errors import LlmreplayError

if TYPE_CHECKING:
    from llmreplay.core.capture import Capture
    from llmreplay.core.clock import Clock
    from llmreplay.core.live import LiveResponse

__all__ = ["Live", "Store"]

Store = Callable[[Response], Awaitable[str]]
"""Makes an exchange of a response and stores it; gives its source, `cassette#number`."""

_AFTER_END_MARKER_SECONDS = 1.0
"""How long an upstream may take to close after its end marker; SDKs do not wait for it at all."""


class Live:
    """A response that is arriving.

    `pieces()` gives the bytes to send, to be iterated once and to its end even if the client
    leaves: the recording goes on. Then `ending` and `entry` are known. `facts` gives what the
    entry holds besides; it is asked for at the end.
    """

    entry: Entry

    def __init__(  # noqa: PLR0913  # a response, what is to become of it, and its limits
        self,
        response: LiveResponse,
        capture: Capture | None,
        store: Store | None,
        facts: Callable[[], Entry],
        *,
        clock: Clock,
        started: float,
        after_client_seconds: float,
    ) -> None:
        self.status = response.status
        self.reason = response.reason
        self.headers: Headers = response.headers
        self.content_length = response.content_length
        self.ending = Ending.COMPLETE
        self._facts = facts
        self._first_byte_ms = (clock.now() - started) * 1000
        self._response = response
        self._capture = capture
        self._store = store
        self._clock = clock
        self._started = started
        self._after_client_seconds = after_client_seconds
        self._give_up_at: float | None = None
        self._settled = False
        self._start = b""

    @property
    def has_begun(self) -> bool:
        """Whether some of the body is here already, so that the head need not go before it."""
        return self._response.has_begun

    def client_left(self) -> None:
        """Nobody reads any more: go on for the recording's sake, but not for ever."""
        if self._give_up_at is None:
            self._give_up_at = self._clock.now() + self._after_client_seconds

    async def settle(self) -> None:
        """Take an answer without a body to its end, before its head is sent: that is all of it."""
        async for _ in self.pieces():
            pass
        self._settled = True

    async def pieces(self) -> AsyncIterator[bytes]:
        """The bytes to send, as soon as they may be sent; the end, when the rest is stored."""
        if self._settled:
            return
        held = b""
        passed = 0
        async for raw in self._arriving():
            self._start = self._start or raw
            passed += len(raw)
            held += raw
            free = self._free(passed - len(held), passed)
            if free:
                yield held[:free]
                held = held[free:]
        await self._finish()
        if held:
            yield held

    def _free(self, sent: int, passed: int) -> int:
        """How many bytes more than the `sent` ones may go, of the `passed` that are here."""
        held_from = passed
        if self._store is not None and self._capture is not None:
            if self._capture.end_at is not None:
                held_from = self._capture.end_at
            elif passed == self.content_length:
                held_from = passed - 1
        return max(0, held_from - sent)

    async def _arriving(self) -> AsyncIterator[bytes]:
        """What the upstream sends, captured, until it ends or has no more to say."""
        chunks = self._response.chunks()
        while True:
            patience_s = self._patience()
            try:
                if patience_s is None:
                    raw = await anext(chunks, None)
                else:
                    async with asyncio.timeout(patience_s):
                        raw = await anext(chunks, None)
            except TimeoutError:
                break
            if raw is None:
                self.ending = self._response.ending
                break
            if self._capture is not None:
                self._capture.feed(raw, (self._clock.now() - self._started) * 1000)
            yield raw
        await self._response.close()

    def _patience(self) -> float | None:
        """Seconds to wait for the next piece: for ever, while the answer goes on."""
        if self._capture is not None and self._capture.end_at is not None:
            return _AFTER_END_MARKER_SECONDS
        if self._give_up_at is not None:
            return max(0.0, self._give_up_at - self._clock.now())
        return None

    async def _finish(self) -> None:
        """Store what came, and say how it went."""
        outcome, source, detail = Outcome.FORWARDED, None, self._response.problem
        if self._store is not None and self._capture is not None:
            outcome, source, detail = await self._stored(self._store, self._capture)
        self.entry = self._facts()._replace(
            outcome=outcome,
            status=self.status,
            source=source,
            detail=detail,
            streamed=self._streamed(),
            first_byte_ms=self._first_byte_ms,
            elapsed_ms=(self._clock.now() - self._started) * 1000,
        )

    def _streamed(self) -> bool:
        """Whether it came in events. Of a coded body the label tells, not its beginning."""
        if not self._start:
            return False
        length_known = self.content_length is not None
        return framing_of(self.headers, self._start, length_known=length_known) is not Framing.NONE

    async def _stored(self, store: Store, capture: Capture) -> tuple[Outcome, str | None, str]:
        if capture.problem is not None:
            return Outcome.FAILED, None, f"not recorded: {capture.problem}"
        if self._give_up_at is not None and self._clock.now() >= self._give_up_at:
            return Outcome.FAILED, None, "not recorded: the client left and the answer went on"
        try:
            source = await store(capture.response(self.ending))
        except LlmreplayError as error:
            return Outcome.FAILED, None, f"not recorded: {error}"
        return Outcome.RECORDED, source, self._response.problem
