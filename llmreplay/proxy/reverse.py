"""From an aiohttp request to an answer on the wire: reads, asks the session, delivers, tells.

It knows HTTP and nothing of cassettes, matching or providers. `listener` calls it for each
request; `service` builds it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from llmreplay.core.journal import Entry, Outcome
from llmreplay.core.routing import DEFAULT_SESSION
from llmreplay.proxy.deliver import deliver, deliver_live
from llmreplay.proxy.refusal import Refusal
from llmreplay.session import Call, Ready, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp import web

    from llmreplay.core.clock import Clock
    from llmreplay.proxy.connection import Connection
    from llmreplay.proxy.wire import Prepared
    from llmreplay.session import Answerer

__all__ = ["Reverse"]


class Reverse:
    """Answers requests: of clients that have llmreplay as base URL, and as proxy.

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
        target = request.raw_path
        connection = cast("Connection", request.protocol)
        origin, session, _ = connection.came
        if target[:1] != "/":
            aim = connection.aim(target, request.headers.get("proxy-authorization"))
            if isinstance(aim, Refusal):
                return self._told(request, aim)
            target, origin, session = aim
        body = await self._body(request)
        if body is None:
            return self._refuse_body(request)
        started = self._clock.now()
        headers = tuple(request.headers.items())
        call = Call(request.method, target, headers, body, origin, session)
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
        return self._told(request, refusal)

    def _told(self, request: web.BaseRequest, refusal: Refusal) -> Refusal:
        """`refusal`, which the journal has as well."""
        call = Call(request.method, request.raw_path, tuple(request.headers.items()), b"")
        target, _ = shown(call, call.target)
        facts = Entry(DEFAULT_SESSION, Outcome.REFUSED, call.method, target, refusal.status)
        self._tell(facts._replace(detail=refusal.message))
        return refusal
