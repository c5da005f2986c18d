"""One client's connection: aiohttp's HTTP/1.1 handler, with defences that it does not have.

Decides when a client is too slow, too greedy or makes no sense, and says so. Knows nothing of
what requests mean. The usual request pays a comparison for it: all else is looked at by
`sweep`, which the listener calls about once a second.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from aiohttp.http import StreamWriter
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import ERROR, RequestHandler, RequestPayloadError, _ErrInfo

from llmreplay.proxy.connect import Aim, Client, aim
from llmreplay.proxy.deliver import Written
from llmreplay.proxy.ourselves import local_peer
from llmreplay.proxy.refusal import BadBodyError, Refusal, malformed, too_many
from llmreplay.proxy.usual import is_all_of, is_usual, wrong_with

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp import web
    from aiohttp.http import RawRequestMessage
    from aiohttp.streams import StreamReader

    from llmreplay.proxy.connect import Came
    from llmreplay.proxy.shared import Begun, Handler, Shared

__all__ = ["Connection"]

_Message: TypeAlias = "RawRequestMessage | _ErrInfo"

_READ_BUFFER_BYTES: Final = 256 * 1024
_MOST_HEADERS: Final = 256
_UNREAD_SECONDS: Final = 300.0
"""How long a client may leave an answer unread."""
_LINGER_SECONDS: Final = 10.0
_LOOK_SECONDS: Final = 0.01
_NOT_AGAIN: Final = ("x-should-retry", "false")
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class Connection(RequestHandler):
    """A connection from its first byte to its last."""

    __slots__ = (
        "_aligned",
        "_begun",
        "_body",
        "_body_bytes",
        "_body_since",
        "_half_closed",
        "_head_bytes",
        "_head_since",
        "_idle_requests",
        "_idle_since",
        "_opened",
        "_shared",
        "_started",
        "_turned_away",
        "_unread_bytes",
        "_unread_since",
        "begun",
        "came",
        "on_over",
        "wire",
    )

    def __init__(
        self,
        server: web.Server,
        shared: Shared,
        *,
        wire: asyncio.Transport,
        came: Came,
        turned_away: bool,
    ) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]  # how aiohttp is told to keep none
            max_line_size=shared.limits.max_header_bytes,
            max_field_size=shared.limits.max_header_bytes,
            max_headers=_MOST_HEADERS,
            read_bufsize=_READ_BUFFER_BYTES,
            auto_decompress=False,
        )
        self.wire = wire
        """The transport, or the one below it, if that is TLS."""
        self.came = came
        self.begun: Begun | None = None
        """What is known already of the request that is about to be handed on."""
        self.on_over: Callable[[], None] | None = None
        """Called when `is_over` may have changed, for an answer that waits."""
        self._shared = shared
        self._request_handler = self._turn_away if turned_away else self._begin
        self._opened = self._idle_since = shared.clock.now()
        self._idle_requests = 0
        self._begun = 0
        self._head_bytes = 0
        self._head_since = 0.0
        self._body: StreamReader | None = None
        self._body_bytes = 0
        self._body_since = 0.0
        self._unread_since: float | None = None
        self._unread_bytes = 0
        self._half_closed = False
        self._turned_away = turned_away
        self._started = False
        self._aligned = not turned_away
        """Whether all that came so far was whole requests, each in one piece."""

    # -- what the transport tells ---------------------------------------------------------------

    def connection_lost(self, exc: BaseException | None) -> None:
        """Forget the client. A request of his that is being answered goes on."""
        shared = self._shared
        task = self._task_handler
        super().connection_lost(exc)
        if task is not None and not task.done():
            shared.finishing.add(task)
            task.add_done_callback(self._finished)
        shared.leave(self)
        self._maybe_over()

    def data_received(self, data: bytes) -> None:
        """Parse what came, unless it came before. Half a head costs more than this."""
        aligned, self._aligned = self._aligned, False
        if not data:  # how aiohttp asks its parser for what it held back
            super().data_received(data)
            return
        requests, waiter = self._request_count, self._waiter
        if aligned and waiter is not None and not waiter.done() and self._answered_again(data):
            self._aligned = True
            return
        self._waiter = None  # so that nobody is woken for what can be answered at once
        super().data_received(data)
        self._waiter = waiter
        if self._request_count == requests:
            self._no_new_request(len(data))
        elif self._head_bytes or self._body is not None:
            self._new_request()
        if aligned and len(self._messages) == 1:
            self._aligned = is_all_of(data, *self._messages[0])
        if waiter is None or waiter.done() or not self._messages:
            return
        if not self._answered_at_once(data):
            waiter.set_result(None)

    def eof_received(self) -> bool:  # type: ignore[override]  # asyncio's signature, not aiohttp's
        """The client has sent all it will. What it asked for is still answered.

        Not so with TLS, which asyncio always ends in both directions.
        """
        body = self._body
        if body is not None and not body.is_eof():
            self._fail_body(body, BadBodyError(400, "llmreplay: the request body ends too early"))
        asked = self._request_in_progress or self._begun < self._request_count
        self._half_closed = asked and not self._over_tls
        self._maybe_over()
        return self._half_closed

    def close(self) -> None:
        """Take no more requests; what is being answered goes on."""
        super().close()
        self._maybe_over()

    def pause_writing(self) -> None:
        """The client does not read as fast as is written."""
        super().pause_writing()
        self._unread_since = self._shared.clock.now()

    def resume_writing(self) -> None:
        """The client has read nearly all."""
        super().resume_writing()
        self._unread_since = None

    def resume_reading(self, resume_parser: bool = True) -> None:  # noqa: FBT001, FBT002  # aiohttp's signature
        """Read on, if reading was paused: aiohttp asks after every body that was read."""
        if self._reading_paused or self._buffer_paused:
            super().resume_reading(resume_parser)

    # -- requests -------------------------------------------------------------------------------

    async def start(self) -> None:
        """Answer one request after the other, for as long as the client stays.

        In place of aiohttp's own, which makes a task of each request: that takes half as long
        as answering one from memory. Idle clients are the sweep's, not a timer's.
        """
        task = asyncio.current_task()
        self._started = True
        try:
            while not self._force_close:
                if not self._messages:
                    self._waiter = self._loop.create_future()
                    try:
                        await self._waiter
                    finally:
                        self._waiter = None
                if not await self._answer(
                    *self._messages.popleft(), cast("asyncio.Task[None]", task)
                ):
                    break
        except asyncio.CancelledError:
            self.force_close()
            raise
        except Exception as error:  # noqa: BLE001  # the last to hear of it
            self.log_exception("unhandled", exc_info=error)
            self.force_close()
        if not self._force_close:
            if self._over_tls:
                await self.all_taken()
            self._task_handler = None
            if self.transport is not None:
                self.transport.close()

    def _answered_again(self, data: bytes) -> bool:
        """Answer a request that came before in these very bytes; whether it was.

        Nothing but its bytes can make it another: between requests a connection has no state.
        """
        transport, early = self.transport, self._shared.early
        if early is None or transport is None or self._paused or self._close or self._force_close:
            return False
        try:
            self.begun = begun = early.again(self.came, data)
            instant = begun.instant if begun is not None else None
        except Exception:  # noqa: BLE001  # met again, and told, where the request is parsed
            self.begun = None
            return False
        if begun is None or instant is None:
            return False
        self._request_count += 1
        self._write_at_once(transport, begun, instant)
        return True

    def _answered_at_once(self, data: bytes) -> bool:
        """Answer a request that is here whole, if that takes no waiting; whether it was.

        Waking the task that waits for requests takes a tenth as long as all the rest.
        """
        message, payload = self._messages[0]
        transport, early = self.transport, self._shared.early
        if (
            early is None
            or transport is None
            or len(self._messages) > 1
            or isinstance(message, _ErrInfo)
            or not is_usual(message, payload)
            or self._turned_away
            or self._close
            or self._paused
        ):
            return False
        try:
            self.begun = begun = self.begun or early.at_once(self.came, message, payload)
            instant = begun.instant if begun is not None else None
        except Exception as error:  # noqa: BLE001  # the last to hear of it
            transport.write(self._fault(message.method, error).wire)
            self.force_close()
            return True
        if begun is None or instant is None:
            return False
        self._messages.popleft()
        if self._parser is not None:
            self._parser.message_consumed()
        self._write_at_once(transport, begun, instant)
        if self._aligned:
            begun.keep(self.came, data)
        return True

    def _write_at_once(
        self, transport: asyncio.WriteTransport, begun: Begun, instant: bytes
    ) -> None:
        self._begun += 1
        self.begun = None
        transport.write(instant)
        begun.told()

    def _fault(self, method: str, error: BaseException | None) -> Refusal:
        """The answer where we failed, and a line that says so."""
        self._shared.counts.failed += 1
        fault = type(error).__name__ if error is not None else "a timeout"
        self._shared.say(f"{method} failed here, with {fault}: {error}; please report it")
        return Refusal(500, f"llmreplay: a fault of its own, {fault}; its log has more", _NOT_AGAIN)

    async def _answer(
        self, message: _Message, payload: StreamReader, task: asyncio.Task[None]
    ) -> bool:
        """Answer one request; whether the connection goes on."""
        if self._parser is not None:
            self._parser.message_consumed()
        if self._buffer_paused and len(self._messages) <= self._msg_queue_resume_size:
            self._resume_reading_if_drained()
        handler = cast("Handler", self._request_handler)
        if isinstance(message, _ErrInfo):
            handler, message = self._make_error_handler(message), ERROR
        make = cast("Callable[..., web.BaseRequest]", self._request_factory)
        request = make(message, payload, self, StreamWriter(self, self._loop), task)
        try:
            answer = await self._answered(request, handler)
        except ConnectionError:  # the client has left
            return False
        if not (payload.is_eof() or self._force_close):
            await self._linger(payload)
        return bool(answer.keep_alive) and not self._close

    async def _answered(self, request: web.BaseRequest, handler: Handler) -> web.StreamResponse:
        """The handler's answer, or that to its failure, on the wire."""
        self._request_in_progress, self._current_request = True, request
        try:
            answer = await handler(request)
        except Exception as error:  # noqa: BLE001  # told apart there
            answer = self.handle_error(request, 500, error)
        finally:
            self._request_in_progress, self._current_request = False, None
        if type(answer) is not Written or self._upgraded:
            _, client_left = await self.finish_response(request, answer, None)
            if client_left:
                raise ConnectionResetError
        return answer

    async def _linger(self, payload: StreamReader) -> None:
        """Read what is left of a body, so that the client gets to reading the answer."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LINGER_SECONDS):
                while not payload.is_eof():
                    await payload.readany()
        if not payload.is_eof():
            self.close()

    async def all_taken(self) -> None:
        """Wait until the client has read: TLS itself would not for long, before it closes."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_UNREAD_SECONDS):
                while self.unsent_bytes:  # noqa: ASYNC110  # nobody tells
                    await asyncio.sleep(_LOOK_SECONDS)

    @property
    def is_over(self) -> bool:
        """Whether nobody waits for an answer any more: the client left, or we are to end."""
        gone = self.transport is None or self.transport.is_closing()
        return gone or self._half_closed or self._close or self._force_close

    @property
    def is_gone(self) -> bool:
        """Whether the client has left. To send no more is no leaving, unless we are to end, too."""
        gone = self.transport is None or self.transport.is_closing()
        return gone or (self._half_closed and self._close)

    def _maybe_over(self) -> None:
        if self.on_over is not None:
            self.on_over()

    @property
    def unsent_bytes(self) -> int:
        """Bytes that were written, and that the system has not taken yet."""
        transport, wire = self.transport, self.wire
        if transport is None:
            return 0
        below = 0 if wire is transport else wire.get_write_buffer_size()
        return transport.get_write_buffer_size() + below

    @property
    def _over_tls(self) -> bool:
        return self.transport is not self.wire

    def _begin(self, request: web.BaseRequest) -> Awaitable[web.StreamResponse]:
        """Hand a request on: at once, if all of it is here and usual, as it mostly is."""
        self._begun += 1
        message = request._message  # noqa: SLF001  # `request.headers` would cost thrice as much
        if request.content.is_eof() and not (message.chunked or message.upgrade):
            return self._shared.handler(request)
        return self._receive(request)

    async def _receive(self, request: web.BaseRequest) -> web.StreamResponse:
        """Hand on a request whose body is still to come, if it may come."""
        refusal = wrong_with(request, self._shared.limits.max_body_bytes, alone=not self._messages)
        if refusal is not None:
            self._shared.counts.refused += 1
            return refusal
        content = request.content
        if not content.is_eof():
            self._body = content
            self._body_bytes = -1
            if "Expect" in request.headers and self.transport is not None:
                self.transport.write(_CONTINUE)
        try:
            return await self._shared.handler(request)
        finally:
            self._body = None
            if not content.is_eof():
                self.close()  # the rest of the body is read, and thrown away

    async def _turn_away(self, request: web.BaseRequest) -> web.StreamResponse:
        del request
        return too_many(self._shared.max_connections)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,  # noqa: ARG002  # aiohttp's signature
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002  # aiohttp's signature; it quotes the request
    ) -> web.StreamResponse:
        """The answer to a request that failed; raises `ConnectionError` where there is none."""
        if isinstance(exc, ConnectionError):
            raise exc
        if request.writer.output_size > 0:
            raise ConnectionError("an answer has begun, and there cannot be two")
        shared = self._shared
        if isinstance(exc, BadBodyError):
            shared.counts.refused += 1
            return Refusal(exc.status, str(exc))
        if isinstance(exc, HttpProcessingError | RequestPayloadError):
            shared.counts.refused += 1
            refusal = malformed(exc, shared.limits.max_header_bytes)
            shared.say(f"refused a request: {refusal.message}")
            return refusal
        return self._fault(request.method, exc)

    def log_exception(self, *args: object, **kw: object) -> None:
        """Take what aiohttp would log with a traceback: one line, and not too many of them."""
        error = kw.get("exc_info")
        if not isinstance(error, BadBodyError):  # of that the client has been told
            self._shared.say(f"a connection failed: {error or args[0]}")

    # -- the proxy ------------------------------------------------------------------------------

    def aim(self, target: str, authorization: str | None) -> Aim | Refusal:
        """What a request is for whose target is no path; or why it goes nowhere."""
        shared = self._shared
        if shared.gate is None or target == "*":
            return Aim(target, *self.came[:2])
        client = Client(local_peer(self.wire), authorization)
        return aim(shared.gate, shared.ourselves, self.came, target, client)

    # -- slow and greedy clients ----------------------------------------------------------------

    def sweep(self, now: float) -> None:
        """Look at how the client has been doing, at `now` on the shared clock."""
        limits = self._shared.limits
        if self._unread_since is not None and self.transport is not None:
            self._sweep_unread(self._unread_since, now)
        elif self._body is not None:
            self._sweep_body(self._body, now)
        elif not self._waiting:
            return
        elif self._head_bytes:
            if now - self._head_since > limits.header_timeout_ms / 1000:
                self._shared.counts.slow += 1
                self._refuse_head(408, "the request's head is too slow; see limits.header_timeout")
        elif self._half_closed or (
            self._turned_away and now - self._opened > limits.header_timeout_ms / 1000
        ):
            self.force_close()
        elif self._idle_requests != self._request_count:
            self._idle_requests = self._request_count
            self._idle_since = now
        elif now - self._idle_since > limits.idle_timeout_ms / 1000:
            self.force_close()

    def retire(self) -> None:
        """Close as soon as what was asked for is answered."""
        if self._waiting:
            self.force_close()
        elif self._body is None:  # else the rest of it would be thrown away
            self.close()

    def cut(self) -> None:
        """Close now, whatever is going on."""
        task, transport = self._task_handler, self.transport
        if task is not None:
            task.cancel()
        self.force_close()
        if transport is not None:
            transport.abort()

    @property
    def _waiting(self) -> bool:
        """Whether no request is known."""
        waiter = self._waiter
        if waiter is None:
            return not (self._started or self._messages)
        return not waiter.done()

    def _sweep_unread(self, since: float, now: float) -> None:
        unread_bytes = self.unsent_bytes
        if self._unread_bytes != unread_bytes:
            self._unread_bytes = unread_bytes
            self._unread_since = now
        elif now - since > _UNREAD_SECONDS:
            self._shared.counts.slow += 1
            self.cut()

    def _sweep_body(self, body: StreamReader, now: float) -> None:
        if body.is_eof():
            self._body = None
        elif self._body_bytes != body.total_bytes or self._reading_paused:
            self._body_bytes = body.total_bytes
            self._body_since = now
        elif now - self._body_since > self._shared.limits.body_timeout_ms / 1000:
            self._shared.counts.slow += 1
            wrong = "the request body stopped coming; see limits.body_timeout in llmreplay.yaml"
            self._fail_body(body, BadBodyError(408, f"llmreplay: {wrong}"))

    def _fail_body(self, body: StreamReader, error: BadBodyError) -> None:
        self._body = None
        body.set_exception(error)

    def _no_new_request(self, size: int) -> None:
        """Some bytes completed no head: a body goes on, or a head has begun."""
        body = self._body
        if body is not None:
            self._body = None if body.is_eof() else body
        elif self._begun + len(self._messages) < self._request_count:
            return  # a request has been taken from the queue and not begun: this is its body
        elif not (self._messages or self._close or self._force_close):
            if not self._head_bytes:
                self._head_since = self._shared.clock.now()
            self._head_bytes += size
            if self._head_bytes > self._shared.limits.max_header_bytes:
                self._shared.counts.refused += 1
                self._refuse_head(431, "the request's head is too large; see limits.max_header")

    def _new_request(self) -> None:
        """A head is complete, or the parser gave up; in mid-body it can only be the latter."""
        self._head_bytes = 0
        body = self._body
        if body is not None and not body.is_eof():
            wrong = "llmreplay: the request body is not valid HTTP/1.1"
            self._fail_body(body, BadBodyError(400, wrong))

    def _refuse_head(self, status: int, wrong: str) -> None:
        """Refuse a request that has no head yet, so that aiohttp knows nothing of it."""
        if not self._waiting or self.transport is None:
            self.close()  # when the request before it is answered
            return
        self.transport.write(Refusal(status, f"llmreplay: {wrong} in llmreplay.yaml").wire)
        self.force_close()

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._shared.finishing.discard(task)
        self._shared.settle()
