"""Asking the upstream, and keeping what it says where that is wanted."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from llmreplay.core.capture import Capture
from llmreplay.core.decoding import acceptable
from llmreplay.core.exchange import Exchange, Recorded, Request, Response
from llmreplay.core.routing import DEFAULT_SESSION
from llmreplay.session.calls import Call, Settled, decoded
from llmreplay.session.live import Live, Store

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmreplay.core.clock import Clock
    from llmreplay.core.dialect import Dialect
    from llmreplay.core.journal import Entry
    from llmreplay.core.live import Forwarder
    from llmreplay.core.routing import Reading

__all__ = ["Forwards", "Recorder"]


class Recorder(Protocol):
    """Stores exchanges, durably."""

    def reserve(self, cassette: str) -> int:
        """The number of a request that has just arrived."""
        ...

    async def append(self, cassette: str, exchange: Exchange) -> str:
        """Redact and store; return when it is on disk, with its source `cassette#number`.

        Raises `CassetteError` when it could not be stored.
        """
        ...


class Forwards:
    """The way out. `recorder` is None where nothing is ever stored.

    `stamp` says when and in which take a request is recorded.
    """

    def __init__(
        self,
        forwarder: Forwarder,
        recorder: Recorder | None,
        settled: Settled,
        clock: Clock,
        stamp: Callable[[], Recorded],
    ) -> None:
        self._forwarder = forwarder
        self._recorder = recorder
        self._settled = settled
        self._clock = clock
        self._stamp = stamp

    async def ask(
        self,
        call: Call,
        reading: Reading,
        dialect: Callable[[], Dialect],
        facts: Callable[[], Entry],
        cassette: str | None,
    ) -> Live:
        """The upstream's answer, as it arrives; at its end stored in `cassette`, if there is one.

        `dialect` and `facts` (the entry so far) are asked for when they are needed. What can be
        done while the upstream works is done then, so that it comes neither before the request
        nor between the answer's head and the client. Raises `UpstreamError` when there is no
        answer.
        """
        started = self._clock.now()
        arriving = asyncio.ensure_future(self._forwarder.send(_outgoing(call, reading)))
        try:
            await asyncio.sleep(0)  # now the request is on its way
            store = self._store_in(cassette, call, reading)
            ends_stream = dialect().ends_stream
            response = await arriving
        except BaseException:
            arriving.cancel()
            raise
        capture = Capture(
            response.status,
            response.headers,
            content_length=response.content_length,
            ends_stream=ends_stream,
            limit_bytes=self._settled.max_decoded_bytes,
        )
        return Live(
            response,
            capture if store is not None else None,
            store,
            facts,
            clock=self._clock,
            started=started,
            after_client_seconds=self._settled.after_client_seconds,
        )

    def _store_in(self, cassette: str | None, call: Call, reading: Reading) -> Store | None:
        """What puts the answer to `call` into `cassette`. Its number is taken now, on arrival."""
        recorder = self._recorder
        if recorder is None or cassette is None:
            return None
        number, stamp = recorder.reserve(cassette), self._stamp()

        async def store(response: Response) -> str:
            exchange = Exchange(
                number=number,
                upstream=reading.upstream or DEFAULT_SESSION,
                request=decoded(call, reading, self._settled.max_decoded_bytes),
                response=response,
                recorded=stamp,
                base_path=reading.base_path,
            )
            return await recorder.append(cassette, exchange)

        return store


def _outgoing(call: Call, reading: Reading) -> Request:
    """The client's own request, asking for no coding that could not be taken off again."""
    headers = tuple(
        (name, acceptable(value) or "identity") if name.lower() == "accept-encoding" else pair
        for pair in call.outgoing_headers
        for name, value in (pair,)
    )
    return Request(call.method, reading.url, headers, call.body, reading.upstream)
