"""The control API on the wire: an aiohttp request in, checked and routed, its answer out.

`proxy.reverse` hands on what is for `/_llmreplay/`; `service` builds it. What operations do they
know themselves.
"""

from __future__ import annotations

import asyncio
import ipaddress
from typing import TYPE_CHECKING, Final

from aiohttp import web

from llmreplay.control.about import about_operations
from llmreplay.control.answers import Answer, ProblemError, Streamed
from llmreplay.control.guard import HEADERS, Arrival, Guard
from llmreplay.control.journal import journal_operations
from llmreplay.control.openapi import document
from llmreplay.control.operations import PREFIX, Operation, Operations
from llmreplay.control.rules import rule_operations
from llmreplay.control.sessions import session_operations

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from llmreplay.control.ports import Run
    from llmreplay.control.rulebook import Rulebook
    from llmreplay.control.stats import Stats
    from llmreplay.session import Journal, Sessions

__all__ = ["Control", "operations"]

_MOST_BODY_BYTES: Final = 2**20
_TURNS: Final = 10
"""Turns of the loop in which an answer that its client has read is told to the journal: whoever
asks what became of a request is not to be faster than that."""
_BEAT_SECONDS: Final = 15.0
"""How often a stream says that it is still there."""


def operations(
    sessions: Sessions[Any], journal: Journal, rules: Rulebook, stats: Stats, run: Run
) -> tuple[Operation, ...]:
    """All operations there are."""
    table: tuple[Operation, ...] = ()
    made = lambda: document(table)  # noqa: E731  # the document tells of itself as well
    table = (
        *about_operations(run, stats, lambda: len(sessions.names()), made),
        *session_operations(sessions),
        *journal_operations(journal),
        *rule_operations(rules),
    )
    return table


class Control:
    """Answers requests to the control API.

    `settle` has what happened told to those who keep it; `is_here` says whether host and port mean
    this server. `password` is what clients must give; empty for none.
    """

    def __init__(
        self,
        table: tuple[Operation, ...],
        *,
        settle: Callable[[], None] = lambda: None,
        is_here: Callable[[str, int], bool],
        password: str = "",
    ) -> None:
        self.operations = Operations(table)
        self._settle = settle
        self._guard = Guard(is_here, password)
        self._closed = False

    def takes(self, target: str) -> bool:
        """Whether a request is for the control API, by its target; also in absolute form."""
        if target[:1] != "/":
            target = target.partition("://")[2]
            target = target[target.find("/") :]
        return target.startswith(PREFIX) and target[len(PREFIX) :][:1] in {"", "/", "?"}

    def close(self) -> None:
        """End all streams, soon."""
        self._closed = True

    async def __call__(self, request: web.BaseRequest, *, proxied: bool) -> web.StreamResponse:
        """The answer to a request; `proxied` ones came through the proxy."""
        try:
            answer = await self._answer(request, proxied=proxied)
        except ProblemError as error:
            answer = error.answer
        if isinstance(answer, Streamed):
            return await self._stream(request, answer)
        headers = dict((*_OWN_HEADERS, *HEADERS, *answer.headers))
        headers["content-type"] = answer.media_type
        return web.Response(status=answer.status, body=answer.body, headers=headers)

    async def _answer(self, request: web.BaseRequest, *, proxied: bool) -> Answer | Streamed:
        path, _, query = request.raw_path.partition("?")
        arrival = _arrival(request, proxied=proxied)
        try:
            operation, steps = self.operations.find(request.method, path[len(PREFIX) :])
        except ProblemError:
            self._guard.check(arrival)
            raise
        self._guard.check(arrival, for_all=operation.for_all)
        headers = {name.lower(): value for name, value in request.headers.items()}
        asked = operation.asked(steps, query, await _body(request), headers)
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        self._settle()
        return await operation.handle(asked)

    async def _stream(self, request: web.BaseRequest, answer: Streamed) -> web.StreamResponse:
        """Pass on what comes, until the client leaves or the run ends."""
        headers = dict((*_OWN_HEADERS, *HEADERS))
        headers["content-type"] = answer.media_type
        response = web.StreamResponse(status=200, headers=headers)
        await response.prepare(request)
        loop = asyncio.get_running_loop()
        beat_at = 0.0
        try:
            async for piece in answer.pieces:
                if self._closed or request.transport is None or request.transport.is_closing():
                    break
                if piece is not None:
                    await response.write(piece)
                elif loop.time() >= beat_at:
                    await response.write(b": still here\n\n")
                else:
                    continue
                beat_at = loop.time() + _BEAT_SECONDS
        finally:
            await answer.pieces.aclose()
        await response.write_eof()
        return response


_OWN_HEADERS: Final = (("server", "llmreplay"),)


async def _body(request: web.BaseRequest) -> bytes:
    """The body, if it is not too large."""
    pieces, size = list[bytes](), 0
    while piece := await request.content.readany():
        pieces.append(piece)
        size += len(piece)
        if size > _MOST_BODY_BYTES:
            raise ProblemError(413, f"the body is larger than {_MOST_BODY_BYTES:,} bytes")
    return b"".join(pieces)


def _arrival(request: web.BaseRequest, *, proxied: bool) -> Arrival:
    headers, transport = request.headers, request.transport
    told = transport.get_extra_info if transport is not None else lambda _name: None
    peer, own = told("peername"), told("sockname")
    return Arrival(
        method=request.method,
        hosts=tuple(headers.getall("host", ())),
        origins=tuple(headers.getall("origin", ())),
        fetch_site=headers.get("sec-fetch-site"),
        content_type=headers.get("content-type"),
        has_body=request.body_exists,
        authorization=headers.get("authorization"),
        proxied=proxied,
        secure=told("sslcontext") is not None,
        local=peer is None or _loopback(peer[0]),
        arrived_at=(own[0], own[1]) if own else ("", 0),
    )


def _loopback(host: str) -> bool:
    address = ipaddress.ip_address(host.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)
