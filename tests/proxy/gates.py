"""A gate for tests, and what a client does to come through it."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from llmreplay.certificates import Flaw
from llmreplay.core.faults import AtConnection
from llmreplay.core.hosts import Verdict, Way
from llmreplay.core.journal import Entry, Outcome
from llmreplay.errors import UpstreamError
from llmreplay.proxy.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmreplay.certificates import Authority
    from llmreplay.proxy.destination import Destination

__all__ = ["HOSTS", "FakeGate", "HandTls", "Judge", "connect", "trusting"]

HOSTS = ("api.openai.com", "api.anthropic.com", "192.0.2.1", "2001:db8::1")
"""Those that are intercepted, at ports 443 and 8443."""

NO = Verdict(Way.REFUSE)

FLAWS = {
    AtConnection.EXPIRED_CERTIFICATE: Flaw.EXPIRED,
    AtConnection.WRONG_HOST: Flaw.OTHER_HOST,
}


@dataclass(frozen=True)
class Judge:
    """A gate that only judges: with one verdict for TLS and one for what is in the clear."""

    secured: Verdict = NO
    clear: Verdict = NO
    password: str = ""

    def judge(self, host: str, port: int, *, secure: bool = True) -> Verdict:
        del host, port
        return self.secured if secure else self.clear

    async def secure(self, host: str, trouble: AtConnection | None = None) -> ssl.SSLContext:
        raise AssertionError(host, trouble)

    def trouble(
        self, session: str | None, destination: Destination | None, *, secure: bool = True
    ) -> Trouble | None:
        raise AssertionError(session, destination, secure)

    def troubled(self, trouble: Trouble, status: int = 0) -> None:
        raise AssertionError(trouble, status)

    def refused(self, session: str | None, destination: Destination, status: int, why: str) -> None:
        raise AssertionError(session, destination, status, why)

    async def reach(
        self, host: str, port: int, protocol_factory: Callable[[], asyncio.Protocol]
    ) -> asyncio.Transport:
        raise AssertionError(host, port, protocol_factory)

    def tunnelled(self, host: str, port: int) -> None:
        raise AssertionError(host, port)


class HandTls:
    """A TLS client whose bytes a test carries by hand."""

    def __init__(self, context: ssl.SSLContext, host: str | None) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)

    def said(self, heard: bytes = b"") -> bytes:
        """What it says next in the handshake, after it has `heard` something; or its alert."""
        self._incoming.write(heard)
        with suppress(ssl.SSLWantReadError, ssl.SSLCertVerificationError):
            self._tls.do_handshake()
        return self._outgoing.read()

    def sealed(self, data: bytes) -> bytes:
        """`data`, as it sends it."""
        self._tls.write(data)
        return self._outgoing.read()

    def opened(self, heard: bytes) -> bytes:
        """What it understands of what it has `heard`."""
        self._incoming.write(heard)
        with suppress(ssl.SSLWantReadError):
            return self._tls.read(1 << 16)
        return b""


@dataclass
class FakeGate:
    """Intercepts `HOSTS`, refuses `*.refused.test`, tunnels the rest to `far`.

    Connections get the `troubles`, one after the other; `arrived` are those that were asked about,
    `done` the troubles that were carried out, `refusals` the tunnels that were not opened.
    """

    authority: Authority
    password: str = ""
    far: tuple[str, int] | None = None
    tunnels: list[tuple[str, int]] = field(default_factory=list)
    clear: frozenset[str] = frozenset({"plain.test"})
    troubles: list[AtConnection | None] = field(default_factory=list)
    arrived: list[tuple[str | None, str | None, bool]] = field(default_factory=list)
    done: list[AtConnection] = field(default_factory=list)
    refusals: list[tuple[str | None, str, int, str]] = field(default_factory=list)

    def judge(self, host: str, port: int, *, secure: bool = True) -> Verdict:
        if host in HOSTS and port in {80, 443, 8443}:
            return Verdict(Way.INTERCEPT)
        if host in self.clear and not secure:
            return Verdict(Way.INTERCEPT)
        if self.far is None or host.endswith("refused.test") or host in self.clear:
            return Verdict(Way.REFUSE, f"{host} is not known here; say --allow-host {host}")
        return Verdict(Way.TUNNEL)

    async def secure(self, host: str, trouble: AtConnection | None = None) -> ssl.SSLContext:
        flaw = FLAWS[trouble] if trouble else None
        return await asyncio.to_thread(self.authority.context, host, flaw)

    def trouble(
        self, session: str | None, destination: Destination | None, *, secure: bool = True
    ) -> Trouble | None:
        self.arrived.append((session, str(destination) if destination else None, secure))
        at = self.troubles.pop(0) if self.troubles else None
        if at is None:
            return None
        entry = Entry(
            session or "default", Outcome.FAULT, "-", "-", 0, faults=(f"rule: connection {at}",)
        )
        return Trouble(at, entry, ("x-llmreplay-fault", "rule (connection)"))

    def troubled(self, trouble: Trouble, status: int = 0) -> None:
        del status
        self.done.append(trouble.at)

    def refused(self, session: str | None, destination: Destination, status: int, why: str) -> None:
        self.refusals.append((session, str(destination), status, why.removeprefix("llmreplay: ")))

    async def reach(
        self, host: str, port: int, protocol_factory: Callable[[], asyncio.Protocol]
    ) -> asyncio.Transport:
        if self.far is None:
            raise UpstreamError(f"nothing listens at {host}:{port}: start it")
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_connection(protocol_factory, *self.far)
        return transport

    def tunnelled(self, host: str, port: int) -> None:
        self.tunnels.append((host, port))


def trusting(
    authority: Authority, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
) -> ssl.SSLContext:
    """What a client has that trusts the CA, and speaks one version of TLS."""
    context = ssl.create_default_context(cadata=authority.pem)
    context.minimum_version = context.maximum_version = version
    context.set_alpn_protocols(["http/1.1"])
    return context


def connect(place: str, *headers: str) -> bytes:
    """A CONNECT head."""
    lines = (f"CONNECT {place} HTTP/1.1", f"Host: {place}", *headers, "", "")
    return "\r\n".join(lines).encode()
