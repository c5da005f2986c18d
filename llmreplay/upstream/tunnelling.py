"""The way out for what is passed by unread: a TCP connection to a host that nobody records.

Decides where such a connection may lead: to port 443 of public addresses, and to the hosts that
the user named. Knows nothing of what passes. The proxy asks for one through `Upstream.tunnel`.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Final, TypeAlias

from llmreplay.errors import UpstreamError
from llmreplay.upstream.failures import RefusedAddressError, no_proxy
from llmreplay.upstream.leading import lead_on
from llmreplay.upstream.pool import refused_address

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from llmreplay.core.proxies import Proxy

__all__ = ["open_tunnel"]

_HTTPS: Final = 443
_HEAD_START_SECONDS: Final = 0.25
"""How long one address has before the next is tried beside it (RFC 8305 §5)."""

_Address: TypeAlias = "tuple[socket.AddressFamily, tuple[str, int]]"


async def open_tunnel(  # noqa: PLR0913  # where to, and all that may be decided about it
    host: str,
    port: int,
    protocol_factory: Callable[[], asyncio.Protocol],
    *,
    vouched: bool,
    connect_seconds: float,
    proxy: Proxy | None = None,
) -> asyncio.Transport:
    """A connection to `host`, which may be at any address and port if the user named it.

    With a `proxy` it leads through that, and the proxy resolves the name. Raises `UpstreamError`
    with place, reason and remedy.
    """
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if port != _HTTPS and not vouched:
        raise UpstreamError(
            f"no tunnel to {place}: only port {_HTTPS} of hosts that nobody named is passed by; "
            f"to record and replay it: --allow-host {place}"
        )
    try:
        async with asyncio.timeout(connect_seconds):
            if proxy is not None:
                sock = await _through(proxy, host, place, vouched=vouched)
            else:
                sock = await _connected(await _addresses(host, port, vouched=vouched))
    except (OSError, UnicodeError) as error:
        if proxy is not None and not isinstance(error, RefusedAddressError):
            told = getattr(error, "strerror", None) or str(error) or "it does not answer"
            raise UpstreamError(no_proxy(place, str(proxy), told)) from error
        why = _why(error, connect_seconds).format(place=place)
        raise UpstreamError(why) from error
    try:
        transport, _ = await asyncio.get_running_loop().create_connection(
            protocol_factory, sock=sock
        )
    except BaseException:
        sock.close()
        raise
    return transport


async def _through(proxy: Proxy, host: str, place: str, *, vouched: bool) -> socket.socket:
    """A connection to a proxy, which has been told to lead it on."""
    if not vouched and (reason := refused_address(host)):
        raise RefusedAddressError(reason)
    sock = await _connected(await _addresses(proxy.host, proxy.port, vouched=True))
    try:
        await lead_on(sock, proxy, place)
    except BaseException:
        sock.close()
        raise
    return sock


async def _addresses(host: str, port: int, *, vouched: bool) -> list[_Address]:
    """Where `host` is, in the order to try, one family after the other by turns."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    families: dict[socket.AddressFamily, list[_Address]] = {}
    for family, *_, address in found:
        if not vouched and (reason := refused_address(str(address[0]))):
            raise RefusedAddressError(reason)
        families.setdefault(family, []).append((family, (str(address[0]), port)))
    return [one for one in chain.from_iterable(zip_longest(*families.values())) if one]


async def _connected(addresses: Sequence[_Address]) -> socket.socket:
    """The first to accept. Each is tried when the one before has failed, or takes its time."""
    trying: set[asyncio.Task[socket.socket]] = set()
    failure: OSError = OSError("it has no address")
    waiting = list(addresses)
    try:
        while waiting or trying:
            if waiting:
                trying.add(asyncio.create_task(_tried(*waiting.pop(0))))
            done, trying = await asyncio.wait(
                trying,
                timeout=_HEAD_START_SECONDS if waiting else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            for attempt in done:
                error = attempt.exception()
                if error is None:
                    return attempt.result()
                failure = error if isinstance(error, OSError) else failure
    finally:
        for attempt in trying:
            attempt.add_done_callback(_discard)
            attempt.cancel()
    raise failure


async def _tried(family: socket.AddressFamily, address: tuple[str, int]) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)  # noqa: FBT003  # the standard library's signature
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(sock, address)
    except BaseException:
        sock.close()
        raise
    return sock


def _discard(attempt: asyncio.Task[socket.socket]) -> None:
    """One that came too late."""
    if not attempt.cancelled() and attempt.exception() is None:
        with contextlib.suppress(OSError):
            attempt.result().close()


def _why(error: Exception, connect_seconds: float) -> str:
    """What happened and what to do, about a `{place}`."""
    match error:
        case RefusedAddressError():
            return (
                f"no tunnel to {{place}}, for {error}: if that is right, name it with "
                "--allow-host {place}"
            )
        case TimeoutError():
            return (
                f"{{place}} did not accept a connection within {connect_seconds:g} s: check its "
                "address and the network"
            )
        case socket.gaierror() | UnicodeError():
            return "no address is known for {place}: check its name and the network"
        case ConnectionRefusedError():
            return "nothing listens at {place}: check its address"
    told = getattr(error, "strerror", None) or error
    return f"no connection to {{place}} ({told}): check its address and the network"
