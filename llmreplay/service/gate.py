"""Who is let through the proxy, and where to: the hosts, the CA and the way out behind one door.

`serving` makes it of the parts; the listener asks it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Protocol, TypeAlias

from llmreplay.certificates import Flaw
from llmreplay.core.faults import FAULT_HEADER, Arrival, AtConnection
from llmreplay.core.hosts import shown_host
from llmreplay.core.journal import Entry, Outcome
from llmreplay.core.redaction import redact_text
from llmreplay.core.routing import DEFAULT_SESSION
from llmreplay.errors import UpstreamError
from llmreplay.proxy.trouble import Trouble

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from llmreplay.certificates import Authority
    from llmreplay.core.hosts import Hosts, Verdict
    from llmreplay.proxy.destination import Destination

__all__ = ["Arriving", "Gate", "WayOut"]


class WayOut(Protocol):
    """Opens connections to hosts that are passed by unread."""

    async def __call__(
        self, host: str, port: int, protocol_factory: Callable[[], asyncio.Protocol]
    ) -> asyncio.Transport:
        """A connection; raises `UpstreamError`."""
        ...


Arriving: TypeAlias = "Callable[[Arrival], tuple[AtConnection, str] | None]"
"""What rules do to a connection, and by which; counts it."""

_SERVER_ERROR = 500

_FLAWS = {
    AtConnection.EXPIRED_CERTIFICATE: Flaw.EXPIRED,
    AtConnection.WRONG_HOST: Flaw.OTHER_HOST,
}


class Gate:
    """What the proxy asks about a host, and about connections that come.

    Without a `way_out` nobody is passed by. `arriving` asks the rules, `tell` gets what they did.
    """

    def __init__(  # noqa: PLR0913  # the parts behind the door
        self,
        hosts: Hosts,
        authority: Authority,
        way_out: WayOut | None,
        password: str,
        *,
        arriving: Arriving,
        tell: Callable[[Entry], None],
    ) -> None:
        self.password = password
        self._arriving = arriving
        self._tell = tell
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

    async def secure(self, host: str, trouble: AtConnection | None = None) -> ssl.SSLContext:
        """The server side of TLS with a leaf for `host`; raises `UsageError`.

        With `trouble` the leaf is one that clients have to refuse.
        """
        flaw = _FLAWS[trouble] if trouble is not None else None
        # A thread, for a new leaf takes milliseconds and the CA is a file.
        return await asyncio.to_thread(self._authority.context, host, flaw)

    def trouble(
        self, session: str | None, destination: Destination | None, *, secure: bool = True
    ) -> Trouble | None:
        """What becomes of a connection, to this port itself or through it; None if all is well."""
        upstreams = self._hosts.upstreams
        upstream = upstreams.at_host(*destination, secure=secure) if destination else None
        arrival = Arrival(session or DEFAULT_SESSION, upstream.name if upstream else None)
        found = self._arriving(arrival)
        if found is None:
            return None
        at, told = found
        entry = Entry(
            session=arrival.session,
            outcome=Outcome.FAULT,
            method="CONNECT" if destination else "-",
            target=str(destination) if destination else "-",
            status=0,
            upstream=arrival.upstream,
            faults=(told,),
        )
        return Trouble(at, entry, _header(at, told))

    def troubled(self, trouble: Trouble, status: int = 0) -> None:
        """It was done; a tunnel was answered with `status`."""
        self._tell(trouble.entry._replace(status=status))

    def refused(self, session: str | None, destination: Destination, status: int, why: str) -> None:
        """A tunnel was refused, or could not be opened, to whom its client may ask for."""
        host = shown_host(destination.host)
        entry = Entry(
            session=session or DEFAULT_SESSION,
            outcome=Outcome.FAILED if status >= _SERVER_ERROR else Outcome.REFUSED,
            method="CONNECT",
            target=str(destination._replace(host=host)),
            status=status,
            detail=redact_text(why.replace(destination.host, host)),
        )
        self._tell(entry)

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


def _header(at: AtConnection, told: str) -> tuple[str, str]:
    rule = told.removesuffix(f": connection {at}")
    return FAULT_HEADER, f"{rule} (connection)".encode("unicode_escape").decode()
