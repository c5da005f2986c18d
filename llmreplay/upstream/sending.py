"""The way out: one request to its upstream, as the client sent it but for what is this hop's.

Decides what of a request is rebuilt and when a failed one is sent again. `service` makes an
`Upstream`, `session` calls it through `core.live`.
"""

from __future__ import annotations

import io
import re
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import aiohttp
import yarl
from multidict import CIMultiDict

from llmreplay.core.proxies import Proxies
from llmreplay.errors import UpstreamError
from llmreplay.upstream.answers import LiveAnswer, end_to_end
from llmreplay.upstream.failures import Patience, Words
from llmreplay.upstream.pool import Addresses, Attempt, Pool, current_attempt
from llmreplay.upstream.signing import Signer
from llmreplay.upstream.tunnelling import open_tunnel

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from llmreplay.core.exchange import Request
    from llmreplay.core.proxies import Proxy

__all__ = ["Upstream"]

_READ_BUFFER_BYTES: Final = 256 * 1024
_HEAD_LINE_BYTES: Final = 64 * 1024
_HEAD_LINES: Final = 512
_LARGE_BODY_BYTES: Final = 512 * 1024

_REBUILT: Final = frozenset({"host", "expect"})
"""Host follows from the URL, unless it is that host however spelled (it may be signed so); and the
body is here whole, so that nobody need ask for it."""

_NOT_UTF_8: Final = re.compile("[\udc80-\udcff]")
"""How bytes that are no UTF-8 look in the text of a head (`surrogateescape`)."""


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
        self._session = aiohttp.ClientSession(
            connector=Pool(self.addresses),
            # The client's headers are the whole truth: aiohttp adds none of its own.
            skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            timeout=aiohttp.ClientTimeout(
                total=None,
                # A proxy may accept a connection and then say nothing to CONNECT.
                connect=2 * self._patience.connect_seconds if self.proxies else None,
                sock_connect=self._patience.connect_seconds,
                sock_read=self._patience.silence_seconds,
            ),
            read_bufsize=_READ_BUFFER_BYTES,
            max_line_size=_HEAD_LINE_BYTES,
            max_field_size=_HEAD_LINE_BYTES,
            max_headers=_HEAD_LINES,
        )

    async def send(self, request: Request) -> LiveAnswer:
        """The answer to `request`, as soon as its head is here.

        Raises `UpstreamError` when there was none, naming upstream, address, reason and remedy.
        """
        words = Words(request, self._patience)
        try:
            url = self._checked(_url(request.url))
            proxy = self.proxies.to(url.raw_host or "", url.port or 0, secure=_is_secure(url))
            words = Words(request, self._patience, proxy)
            request = await self._signer.signed(request)
            headers = _headers(request, url)
            if not _is_secure(url):
                headers.update(_credentials(proxy))
            response, attempt = await self._ask(request, url, headers, proxy)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise UpstreamError(words.no_answer(error)) from error
        if response.status == HTTPStatus.SWITCHING_PROTOCOLS:
            response.close()
            raise UpstreamError(words.about("switched to another protocol without being asked"))
        if proxy is not None and response.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
            response.close()  # the proxy's own words are no answer of the provider's
            raise UpstreamError(words.not_let_through())
        return LiveAnswer(response, attempt, words)

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
        await self._session.close()

    async def _ask(
        self, request: Request, url: yarl.URL, headers: CIMultiDict[str], proxy: Proxy | None
    ) -> tuple[aiohttp.ClientResponse, Attempt]:
        """Ask once, and once more if all that failed was a connection kept for too long."""
        attempt = Attempt()
        try:
            return await self._ask_once(request, url, headers, proxy, attempt), attempt
        except aiohttp.ClientConnectionError as error:
            if not attempt.was_stale(error):
                raise
        attempt = Attempt()
        return await self._ask_once(request, url, headers, proxy, attempt), attempt

    async def _ask_once(
        self,
        request: Request,
        url: yarl.URL,
        headers: CIMultiDict[str],
        proxy: Proxy | None,
        attempt: Attempt,
    ) -> aiohttp.ClientResponse:
        token = current_attempt.set(attempt)
        try:
            return await self._session.request(
                request.method,
                url,
                headers=headers,
                data=_payload(request.body),
                allow_redirects=False,
                proxy=f"http://{proxy}" if proxy is not None else None,
                proxy_headers=_credentials(proxy) if _is_secure(url) else None,
            )
        finally:
            current_attempt.reset(token)

    def _checked(self, url: yarl.URL) -> yarl.URL:
        """Names are checked where they are resolved; an address is never resolved."""
        host = url.raw_host or ""
        self.addresses.check(host, host, url.port or 0)
        return url


def _is_secure(url: yarl.URL) -> bool:
    return url.scheme == "https"


def _credentials(proxy: Proxy | None) -> dict[str, str]:
    """What a proxy wants to be told: with CONNECT, or with a request that it passes on."""
    authorization = proxy.authorization if proxy is not None else ""
    return {"Proxy-Authorization": authorization} if authorization else {}


@lru_cache(maxsize=256)
def _url(text: str) -> yarl.URL:
    """The URL, spelled as given. Bytes that are no UTF-8 are quoted: aiohttp would drop them."""
    spelled = _NOT_UTF_8.sub(lambda byte: f"%{ord(byte[0]) - 0xDC00:02X}", text)
    url = yarl.URL(spelled, encoded=True)
    if url.scheme not in {"http", "https"} or not url.raw_host:
        raise ValueError("its URL has no http:// or https:// address")
    return url


def _headers(request: Request, url: yarl.URL) -> CIMultiDict[str]:
    """The client's headers in their order, with the length of the body as it is sent now."""
    hosts = (url.host_port_subcomponent, f"{url.host_subcomponent}:{url.port}")
    headers: CIMultiDict[str] = CIMultiDict()
    for name, value in end_to_end(request.headers):
        lower = name.lower()
        if not (name + value).isascii() and _NOT_UTF_8.search(name + value):
            raise ValueError(f"its header {name!a} is not UTF-8")
        if lower == "content-length":
            headers[name] = str(len(request.body))
        elif lower == "host" and value.lower() in hosts:
            headers[name] = value
        elif lower not in _REBUILT:
            headers.add(name, value)
    return headers


def _payload(body: bytes) -> bytes | io.BytesIO | None:
    """The body as aiohttp wants it: a large one as a file, which it writes piece by piece."""
    if not body:
        return None
    return body if len(body) < _LARGE_BODY_BYTES else io.BytesIO(body)
