"""Connections to upstreams: made, kept, and lent.

Decides which addresses may be connected to. `sending` owns the one pool, and each `Attempt` has
a connection of it.
"""

from __future__ import annotations

import ipaddress
import socket
import weakref
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import aiohttp
import yarl

from llmreplay.upstream.failures import OurselvesError, RefusedAddressError
from llmreplay.upstream.head import credentials

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from aiohttp.abc import ResolveResult
    from aiohttp.connector import Connection

    from llmreplay.core.proxies import Proxy

__all__ = ["Addresses", "Pool", "refused_address"]

_KEEP_ALIVE_SECONDS: Final = 15.0


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


class Pool:
    """Keeps connections, and says of each that it lends whether it has served before.

    Without a limit of its own: each request forwarded is one that the listener let in, and
    hundreds of streams at a time to one provider are the normal case.
    """

    def __init__(self, addresses: Addresses, timeout: aiohttp.ClientTimeout) -> None:
        self._timeout = timeout
        self._connector = aiohttp.TCPConnector(
            limit=0,
            keepalive_timeout=_KEEP_ALIVE_SECONDS,
            resolver=_CheckedResolver(addresses),
        )
        self._direct = lru_cache(maxsize=256)(_way)
        self._known: weakref.WeakSet[asyncio.Future[None]] = weakref.WeakSet()

    async def lend(self, origin: yarl.URL, proxy: Proxy | None) -> tuple[Connection, bool]:
        """A connection to `origin`, and whether it was kept.

        Raises aiohttp's errors, of which `ConnectionTimeoutError` says that it took too long.
        """
        way = self._direct(origin) if proxy is None else _way(origin, proxy)
        try:
            connection = await self._connector.connect(way, [], self._timeout)
        except TimeoutError as error:
            raise aiohttp.ConnectionTimeoutError from error
        protocol = connection.protocol
        closed = protocol.closed if protocol is not None else None
        if closed is None or closed in self._known:
            return connection, closed is not None
        self._known.add(closed)
        closed.add_done_callback(_heard)
        return connection, False

    async def close(self) -> None:
        """Drop all connections."""
        await self._connector.close()


def _way(origin: yarl.URL, proxy: Proxy | None = None) -> aiohttp.ClientRequest:
    """What the connector needs to know of requests to `origin`: where it is, and which way."""
    return aiohttp.ClientRequest(
        "GET",
        origin,
        proxy=yarl.URL(f"http://{proxy}") if proxy is not None else None,
        proxy_headers=credentials(proxy) if origin.scheme == "https" else None,
    )


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
