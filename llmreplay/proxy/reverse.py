"""From an aiohttp request to an answer on the wire: reads, asks the session, delivers, tells.

It knows HTTP and nothing of cassettes, matching or providers. `listener` calls it for each
request; `service` builds it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol, cast

from llmreplay.core.journal import Entry, Outcome
from llmreplay.core.routing import DEFAULT_SESSION
from llmreplay.proxy.deliver import BIG, deliver, deliver_faulted, deliver_live
from llmreplay.proxy.pacing import Pacer
from llmreplay.proxy.refusal import Refusal
from llmreplay.session import Call, Faulted, Memory, Ready, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp import web
    from aiohttp.http import RawRequestMessage
    from aiohttp.streams import StreamReader

    from llmreplay.core.clock import Clock
    from llmreplay.proxy.connect import Came
    from llmreplay.proxy.connection import Connection
    from llmreplay.proxy.wire import Prepared
    from llmreplay.session import Sessions

__all__ = ["Begun", "Control", "Reverse"]

_OWN = "/_ll"
"""How paths begin that are asked of llmreplay itself; `Control.takes` has the last word."""
_REPEATED_BYTES = 16 * 2**20
_CALL_BYTES = 1_500
"""What a call takes in memory without its body."""


class Begun(NamedTuple):
    """A request that was read, and its answer if that took no waiting."""

    reverse: Reverse
    call: Call
    started: float
    answer: Ready[Prepared] | None = None

    @property
    def instant(self) -> bytes | None:
        """The whole answer, if it may be written at once."""
        instant = self.answer.prepared.instant if self.answer is not None else None
        return instant if instant is not None and len(instant) <= BIG else None

    def told(self) -> None:
        """It was written."""
        if self.answer is not None:
            self.reverse.tell(self.answer, self.started)

    def keep(self, came: Came, data: bytes) -> None:
        """Remember which call these bytes are: to parse them takes longer than all the rest."""
        self.reverse.repeated.put((data, came), self.call, 2 * len(data) + _CALL_BYTES)


class Control(Protocol):
    """Who answers what is asked of llmreplay itself."""

    def takes(self, target: str) -> bool:
        """Whether a request with this target is for it."""
        ...

    async def __call__(self, request: web.BaseRequest, *, proxied: bool) -> web.StreamResponse:
        """The answer; `proxied` requests came through the proxy."""
        ...


class Reverse:
    """Answers requests: of clients that have llmreplay as base URL, and as proxy.

    `tell` gets one `Entry` a request, after its answer is out.
    """

    def __init__(
        self,
        answerer: Sessions[Prepared],
        *,
        clock: Clock,
        tell: Callable[[Entry], None],
        max_body_bytes: int,
        control: Control | None = None,
    ) -> None:
        self._answerer = answerer
        self._clock = clock
        self._pacer = Pacer(clock)
        self._tell = tell
        self._max_body_bytes = max_body_bytes
        self._control = control
        self.repeated: Memory[tuple[bytes, Came], Call] = Memory(max_bytes=_REPEATED_BYTES)
        """Calls by the bytes that they were, and how the connection came that brought them."""

    def at_once(
        self, came: Came, message: RawRequestMessage, payload: StreamReader
    ) -> Begun | None:
        """Read a request that is here whole, and answer it if its answer is in memory."""
        target = message.path
        if target[:1] != "/" or target[:4] == _OWN or payload.total_bytes > self._max_body_bytes:
            return None
        started = self._clock.now()
        headers = tuple(message.headers.items())
        body = payload.read_nowait(-1)
        call = Call(message.method, target, headers, body, came.origin, came.session)
        return Begun(self, call, started, self._answerer.at_once(call))

    def again(self, came: Came, data: bytes) -> Begun | None:
        """The call that these bytes were before, and its answer if that is in memory."""
        call = self.repeated.get((data, came))
        if call is None:
            return None
        return Begun(self, call, self._clock.now(), self._answerer.at_once(call))

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """One request, from its head to the end of its answer."""
        connection = cast("Connection", request.protocol)
        taken, connection.begun = connection.begun, None
        control = self._control
        if taken is None and control is not None and control.takes(request.raw_path):
            origin, _, admitted = connection.came
            proxied = bool(origin) or admitted or request.raw_path[:1] != "/"
            return await control(request, proxied=proxied)
        begun = cast("Begun | None", taken) or await self._begun(request, connection)
        if isinstance(begun, Refusal):
            return self._told(request, begun)
        answer = begun.answer or await self._answerer.answer(begun.call)
        if isinstance(answer, Ready):
            written = await deliver(request, answer.prepared, self._pacer)
            self.tell(answer, begun.started)
            return written
        if isinstance(answer, Faulted):
            written = await deliver_faulted(request, answer, self._pacer)
        else:
            written = await deliver_live(request, answer)
        self._tell(answer.entry)
        return written

    def tell(self, answer: Ready[Prepared], started: float) -> None:
        """Report an answer that is out."""
        self._tell(answer.entry(elapsed_ms=(self._clock.now() - started) * 1000))

    async def _begun(self, request: web.BaseRequest, connection: Connection) -> Begun | Refusal:
        """The request, read whole; or why it is not."""
        target = request.raw_path
        origin, session, _ = connection.came
        if target[:1] != "/":
            aim = connection.aim(target, request.headers.get("proxy-authorization"))
            if isinstance(aim, Refusal):
                return aim
            target, origin, session = aim
        body = await self._body(request)
        if body is None:
            return self._too_large()
        headers = tuple(request.headers.items())
        call = Call(request.method, target, headers, body, origin, session)
        return Begun(self, call, self._clock.now())

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

    def _too_large(self) -> Refusal:
        limit = f"the limit of {self._max_body_bytes:,} bytes"
        wrong = f"the request body is larger than {limit}; raise limits.max_body in llmreplay.yaml"
        return Refusal(413, f"llmreplay: {wrong}", ("x-should-retry", "false"))

    def _told(self, request: web.BaseRequest, refusal: Refusal) -> Refusal:
        """`refusal`, which the journal has as well."""
        call = Call(request.method, request.raw_path, tuple(request.headers.items()), b"")
        target, _ = shown(call, call.target)
        facts = Entry(DEFAULT_SESSION, Outcome.REFUSED, call.method, target, refusal.status)
        self._tell(facts._replace(detail=refusal.message))
        return refusal
