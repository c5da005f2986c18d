"""The way out: one request to its upstream, as the client sent it but for what is this hop's.

Decides when a failed request is sent again. `service` makes an `Upstream`, `session` calls it
through `core.live`.
"""

from __future__ import annotations

from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING

import aiohttp
import yarl
from aiohttp.http import HttpProcessingError

from llmreplay.core.proxies import Proxies
from llmreplay.errors import UpstreamError
from llmreplay.upstream.answers import LiveAnswer
from llmreplay.upstream.attempt import Attempt
from llmreplay.upstream.failures import Patience, Words
from llmreplay.upstream.head import head_of, parted
from llmreplay.upstream.pool import Addresses, Pool
from llmreplay.upstream.signing import Signer
from llmreplay.upstream.tunnelling import open_tunnel

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from llmreplay.core.exchange import Request
    from llmreplay.core.proxies import Proxy

__all__ = ["Upstream"]


class Upstream:
    """The `Forwarder` that reaches real providers. To be made inside a running event loop.

    `vouched_hosts` are the hosts that the user configured by name. Others (the providers
    known by name) are reached at public addresses only, so that no answer from DNS leads to
    this machine or its network. Where `proxies` lead, names are theirs to resolve.
    """

    def __init__(
        self,
        *,
        patience: Patience | None = None,
        vouched_hosts: frozenset[str] = frozenset(),
        proxies: Proxies | None = None,
    ) -> None:
        self._patience = patience or Patience()
        self._vouched_hosts = frozenset(host.lower() for host in vouched_hosts)
        self.proxies = proxies or Proxies()
        theirs = {proxy.host.lower() for proxy in self.proxies.all}
        self.addresses = Addresses(self._vouched_hosts | theirs)
        self._signer = Signer()
        timeout = aiohttp.ClientTimeout(
            total=None,
            # A proxy may accept a connection and then say nothing to CONNECT.
            connect=2 * self._patience.connect_seconds if self.proxies else None,
            sock_connect=self._patience.connect_seconds,
        )
        self._pool = Pool(self.addresses, timeout)

    async def send(self, request: Request) -> LiveAnswer:
        """The answer to `request`, as soon as its head is here.

        Raises `UpstreamError` when there was none, naming upstream, address, reason and remedy.
        """
        words = Words(request, self._patience)
        try:
            address, target = parted(request.url)
            origin = self._checked(_origin(address))
            host, port, secure = origin.raw_host or "", origin.port or 0, origin.scheme == "https"
            proxy = self.proxies.to(host, port, secure=secure)
            words = Words(request, self._patience, proxy)
            request = await self._signer.signed(request)
            head = head_of(request, origin, target, proxy)
            attempt = await self._ask(request, head, origin, proxy)
        except (aiohttp.ClientError, HttpProcessingError, OSError, ValueError) as error:
            raise UpstreamError(words.no_answer(error)) from error
        status = attempt.message.code
        if status == HTTPStatus.SWITCHING_PROTOCOLS:
            attempt.close()
            raise UpstreamError(words.about("switched to another protocol without being asked"))
        if proxy is not None and status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
            attempt.close()  # the proxy's own words are no answer of the provider's
            raise UpstreamError(words.not_let_through())
        return LiveAnswer(attempt, words)

    async def tunnel(
        self, host: str, port: int, protocol_factory: Callable[[], asyncio.Protocol]
    ) -> asyncio.Transport:
        """A connection to a host that is passed by unread; raises `UpstreamError`."""
        return await open_tunnel(
            host,
            port,
            protocol_factory,
            vouched=host.lower() in self._vouched_hosts,
            connect_seconds=self._patience.connect_seconds,
            proxy=self.proxies.to(host, port, secure=True),
        )

    async def close(self) -> None:
        """Drop all connections."""
        await self._pool.close()

    async def _ask(
        self, request: Request, head: bytes, origin: yarl.URL, proxy: Proxy | None
    ) -> Attempt:
        """Ask once, and once more if all that failed was a connection kept for too long."""
        attempt = await self._try(origin, proxy)
        try:
            await self._hear(attempt, head, request)
        except aiohttp.ClientConnectionError as error:
            if not attempt.was_stale(error):
                raise
            attempt = await self._try(origin, proxy)
            await self._hear(attempt, head, request)
        return attempt

    async def _try(self, origin: yarl.URL, proxy: Proxy | None) -> Attempt:
        connection, reused = await self._pool.lend(origin, proxy)
        return Attempt(connection, reused=reused)

    async def _hear(self, attempt: Attempt, head: bytes, request: Request) -> None:
        wants_head = request.method == "HEAD"
        silence_seconds = self._patience.silence_seconds
        await attempt.ask(
            head, request.body, wants_head=wants_head, silence_seconds=silence_seconds
        )

    def _checked(self, origin: yarl.URL) -> yarl.URL:
        """Names are checked where they are resolved; an address is never resolved."""
        host = origin.raw_host or ""
        self.addresses.check(host, host, origin.port or 0)
        return origin


@lru_cache(maxsize=256)
def _origin(text: str) -> yarl.URL:
    """Scheme, host and port, read."""
    return yarl.URL(text, encoded=True).origin()
