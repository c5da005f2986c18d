"""From an aiohttp request to an answer on the wire: reads, asks the session, delivers, tells.

It knows HTTP and nothing of cassettes, matching or providers. `listener` calls it for each
request; `service` builds it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmreplay.core.journal import Entry, Outcome
from llmreplay.core.routing import DEFAULT_SESSION
from llmreplay.proxy.deliver import deliver, deliver_live
from llmreplay.proxy.refusal import Refusal
from llmreplay.session import Call, Ready, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp import web

    from llmreplay.core.clock import Clock
    from llmreplay.proxy.wire import Prepared
    from llmreplay.session import Answerer

__all__ = ["Reverse"]


class Reverse:
    """Answers requests that name llmreplay as their base URL.

    `tell` gets one `Entry` a request, after its answer is out.
    """

    def __init__(
        self,
        answerer: Answerer[Prepared],
        *,
        clock: Clock,
        tell: Callable[[Entry], None],
        max_body_bytes: int,
    ) -> None:
        self._answerer = answerer
        self._clock = clock
        self._tell = tell
        self._max_body_bytes = max_body_bytes

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """One request, from its head to the end of its answer."""
        body = await self._body(request)
        if body is None:
            return self._refuse_body(request)
        started = self._clock.now()
        call = Call(request.method, request.raw_path, tuple(request.headers.items()), body)
        answer = await self._answerer.answer(call)
        if isinstance(answer, Ready):
            written = await deliver(request, answer.prepared, self._clock)
            elapsed_ms = (self._clock.now() - started) * 1000
            self._tell(answer.entry(elapsed_ms=elapsed_ms))
            return written
        written = await deliver_live(request, answer)
        self._tell(answer.entry)
        return written

    async def _body(self, request: web.BaseRequest) -> bytes | None:
        """The body as sent, or None if it is larger than the limit."""
        if not request.body_exists:
            return b""
        content = request.content
        if content.is_eof():  # all of it is here, as it mostly is: nothing to wait for
            whole = content.read_nowait(-1)
            return whole if len(whole) <= self._max_body_bytes else None
        pieces, size = list[bytes](), 0
        while size <= self._max_body_bytes:
            piece = await content.readany()
            if not piece:
                return b"".join(pieces)
            pieces.append(piece)
            size += len(piece)
        return None

    def _refuse_body(self, request: web.BaseRequest) -> Refusal:
        limit = f"the limit of {self._max_body_bytes:,} bytes"
        wrong = f"the request body is larger than {limit}; raise limits.max_body in llmreplay.yaml"
        refusal = Refusal(413, f"llmreplay: {wrong}", ("x-should-retry", "false"))
        call = Call(request.method, request.raw_path, tuple(request.headers.items()), b"")
        target, _ = shown(call, call.target)
        facts = Entry(DEFAULT_SESSION, Outcome.REFUSED, call.method, target, 413)
        self._tell(facts._replace(detail=refusal.message))
        return refusal
