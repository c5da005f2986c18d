"""Connections to upstreams: kept, checked, and watched.

Decides which addresses may be connected to, and tells each attempt which connection it got
and how that ended: what aiohttp keeps to itself. `sending` owns the one pool.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import weakref
from contextvars import ContextVar
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import aiohttp

from llmreplay.upstream.failures import OurselvesError, RefusedAddressError

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp.abc import ResolveResult
    from aiohttp.client import ClientTimeout
    from aiohttp.client_reqrep import ClientRequest
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace

__all__ = [
    "Addresses",
    "Attempt",
    "BrokenFramingError",
    "Pool",
    "current_attempt",
    "refused_address",
]

_KEEP_ALIVE_SECONDS: Final = 15.0
_STALE_SECONDS: Final = 1.0


class BrokenFramingError(aiohttp.ClientPayloadError):
    """The answer's chunks made no sense."""


class Attempt:
    """One try to send a request: the connection it went out on, and how that ended."""

    __slots__ = ("_closed", "_content", "_reused", "_started")

    def __init__(self) -> None:
        self._closed: asyncio.Future[None] | None = None
        self._content: aiohttp.StreamReader | None = None
        self._reused = False
        self._started = 0.0

    def connected(self, closed: asyncio.Future[None], *, reused: bool) -> None:
        """A connection was found. `closed` is done when it ends, with an error if it broke."""
        self._closed = closed
        self._reused = reused
        self._started = asyncio.get_running_loop().time()

    def was_stale(self, error: aiohttp.ClientConnectionError) -> bool:
        """Whether `error` only says that a kept connection had been closed in the meantime.

        LLM calls are POSTs, which nobody may repeat lightly (RFC 9110 §9.2.2); aiohttp repeats
        only what is idempotent. It is safe where the server cannot have seen the request: the
        connection had served before, failed at once (one that dies while a model works is not
        stale), and brought not a byte of an answer.
        """
        if not self._reused or isinstance(error, TimeoutError):
            return False
        if isinstance(error, aiohttp.ServerDisconnectedError) and not isinstance(
            error.message, str
        ):  # then it is the head that had begun
            return False
        return asyncio.get_running_loop().time() - self._started < _STALE_SECONDS

    @property
    def broke(self) -> bool:
        """Whether the connection ended with an error: RST, not FIN."""
        closed = self._closed
        return closed is not None and closed.done() and closed.exception() is not None

    def watch(self, content: aiohttp.StreamReader) -> None:
        """See to it that a reader of `content` hears of the connection's end in every case.

        aiohttp 3.14 closes the connection on a chunk that makes no sense, and leaves whoever
        reads the body waiting for ever.
        """
        if self._closed is not None:
            self._content = content
            self._closed.add_done_callback(self._wake)

    def let_go(self) -> None:
        """Watch no more: the connection may go on to serve others."""
        if self._closed is not None:
            self._closed.remove_done_callback(self._wake)

    def _wake(self, _closed: asyncio.Future[None]) -> None:
        content = self._content
        if content is not None and not content.is_eof() and content.exception() is None:
            content.set_exception(BrokenFramingError("the connection was given up"))


current_attempt: ContextVar[Attempt] = ContextVar("current_attempt")
"""Whom the pool tells: aiohttp has no place of its own to pass it along."""


class Addresses:
    """Which addresses may be connected to; `vouched_hosts` may be anywhere but here.

    `leads_here` tells the addresses and ports of this very process, once it listens.
    """

    def __init__(self, vouched_hosts: frozenset[str]) -> None:
        self.leads_here: Callable[[str, int], bool] = _unknown
        self._vouched_hosts = vouched_hosts

    def check(self, name: str, address: str, port: int) -> None:
        """Raise `RefusedAddressError` if `name` must not be reached at `address`."""
        if self.leads_here(address, port):
            raise OurselvesError
        if name.lower() not in self._vouched_hosts and (reason := refused_address(address)):
            raise RefusedAddressError(reason)


def _unknown(address: str, port: int) -> bool:
    del address, port
    return False


class Pool(aiohttp.TCPConnector):
    """Keeps connections, and tells each attempt which one it got.

    Without a limit of its own: each request forwarded is one that the listener let in, and
    hundreds of streams at a time to one provider are the normal case.
    """

    def __init__(self, addresses: Addresses) -> None:
        super().__init__(
            limit=0,
            keepalive_timeout=_KEEP_ALIVE_SECONDS,
            resolver=_CheckedResolver(addresses),
        )
        self._known: weakref.WeakSet[asyncio.Future[None]] = weakref.WeakSet()

    async def connect(
        self,
        req: ClientRequest,
        traces: list[Trace],
        timeout: ClientTimeout,  # noqa: ASYNC109  # aiohttp's signature
    ) -> Connection:
        """A connection for `req`, kept or new."""
        connection = await super().connect(req, traces, timeout)
        protocol = connection.protocol
        closed = protocol.closed if protocol is not None else None
        if closed is not None:
            current_attempt.get().connected(closed, reused=closed in self._known)
            if closed not in self._known:
                self._known.add(closed)
                closed.add_done_callback(_heard)
        return connection


def _heard(closed: asyncio.Future[None]) -> None:
    """Keep asyncio from reporting an error that is read only where it matters."""
    if not closed.cancelled():
        closed.exception()


class _CheckedResolver(aiohttp.ThreadedResolver):
    """Resolves names, and refuses addresses where a provider cannot be."""

    def __init__(self, addresses: Addresses) -> None:
        super().__init__()
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await super().resolve(host, port, family)
        for result in found:
            self._addresses.check(host, result["host"], port)
        return found


@lru_cache(maxsize=1024)
def refused_address(host: str) -> str | None:
    """Why an address that nobody vouched for is not connected to; None for a public one.

    `host` is an IP address, or a name, which is checked when it is resolved.
    """
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if address.is_loopback or address.is_unspecified:
        return f"{address} is this machine"
    if address.is_link_local:
        return f"{address} is a link-local address, where clouds keep their metadata"
    if not address.is_global or address.is_multicast:
        return f"{address} is not a public address"
    return None
