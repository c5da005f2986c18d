"""Asking the upstream, and keeping what it says where that is wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from llmreplay.core.capture import Capture
from llmreplay.core.decoding import acceptable
from llmreplay.core.exchange import Exchange, Request, Response
from llmreplay.core.routing import DEFAULT_SESSION
from llmreplay.session.calls import Call, Settled, decoded
from llmreplay.session.live import Live, Store

if TYPE_CHECKING:
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
    """The way out. `recorder` is None where nothing is ever stored."""

    def __init__(
        self, forwarder: Forwarder, recorder: Recorder | None, settled: Settled, clock: Clock
    ) -> None:
        self._forwarder = forwarder
        self._recorder = recorder
        self._settled = settled
        self._clock = clock

    async def ask(
        self, call: Call, reading: Reading, dialect: Dialect, facts: Entry, *, record: bool
    ) -> Live:
        """The upstream's answer, as it arrives; stored at its end if `record`.

        `facts` is the entry so far. Raises `UpstreamError` when there is no answer.
        """
        recorder = self._recorder if record else None
        cassette = facts.session if facts.session != DEFAULT_SESSION else self._settled.cassette
        number = recorder.reserve(cassette) if recorder is not None else 0
        started = self._clock.now()
        response = await self._forwarder.send(_outgoing(call, reading))
        capture: Capture | None = None
        store: Store | None = None
        if recorder is not None:
            limit_bytes = self._settled.max_decoded_bytes
            capture = Capture(
                response.status,
                response.headers,
                content_length=response.content_length,
                ends_stream=dialect.ends_stream,
                limit_bytes=limit_bytes,
            )
            request = decoded(call, reading, limit_bytes)
            store = _store(recorder, cassette, number, request, reading)
        return Live(
            response,
            capture,
            store,
            facts,
            clock=self._clock,
            started=started,
            after_client_seconds=self._settled.after_client_seconds,
        )


def _outgoing(call: Call, reading: Reading) -> Request:
    """The client's own request, asking for no coding that could not be taken off again."""
    headers = tuple(
        (name, acceptable(value) or "identity") if name.lower() == "accept-encoding" else pair
        for pair in call.outgoing_headers
        for name, value in (pair,)
    )
    return Request(call.method, reading.url, headers, call.body, reading.upstream)


def _store(
    recorder: Recorder, cassette: str, number: int, request: Request, reading: Reading
) -> Store:
    """What makes an exchange of the response to `request`, and puts it into `cassette`."""

    async def store(response: Response) -> str:
        exchange = Exchange(
            number=number,
            upstream=reading.upstream or DEFAULT_SESSION,
            request=request,
            response=response,
            base_path=reading.base_path,
        )
        return await recorder.append(cassette, exchange)

    return store
