"""Who is let through the proxy, and where to: the hosts, the CA and the way out behind one door.

`serving` makes it of the parts; the listener asks it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Protocol

from llmreplay.errors import UpstreamError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from llmreplay.certificates import Authority
    from llmreplay.core.hosts import Hosts, Verdict

__all__ = ["Gate", "WayOut"]


class WayOut(Protocol):
    """Opens connections to hosts that are passed by unread."""

    async def __call__(
        self, host: str, port: int, protocol_factory: Callable[[], asyncio.Protocol]
    ) -> asyncio.Transport:
        """A connection; raises `UpstreamError`."""
        ...


class Gate:
    """What the proxy asks about a host. Without a `way_out` nobody is passed by."""

    def __init__(
        self, hosts: Hosts, authority: Authority, way_out: WayOut | None, password: str
    ) -> None:
        self.password = password
        self._hosts = hosts
        self._authority = authority
        self._way_out = way_out
        self._tunnels: Counter[str] = Counter()

    @property
    def tunnels(self) -> dict[str, int]:
        """How many tunnels there were to each host that was passed by, the most first."""
        return dict(self._tunnels.most_common())

    def judge(self, host: str, port: int, *, secure: bool = True) -> Verdict:
        """What becomes of what is sent to a host."""
        return self._hosts.judge(host, port, secure=secure)

    async def secure(self, host: str) -> ssl.SSLContext:
        """The server side of TLS with a leaf for `host`; raises `UsageError`."""
        # A thread, for a new leaf takes milliseconds and the CA is a file.
        return await asyncio.to_thread(self._authority.context, host)

    async def reach(
        self, host: str, port: int, protocol_factory: Callable[[], asyncio.Protocol]
    ) -> asyncio.Transport:
        """A connection to a host that is passed by unread; raises `UpstreamError`."""
        if self._way_out is None:
            raise UpstreamError(f"replay opens no connection, and none to {host}")
        return await self._way_out(host, port, protocol_factory)

    def tunnelled(self, host: str, port: int) -> None:
        """One more was passed by."""
        self._tunnels[f"{host}:{port}"] += 1
