"""What a client asks a proxy for: CONNECT heads, who may ask, and what becomes of it.

Decides without IO: reads the head, looks at the credentials, and asks the `Gate` about the
host. `greeting` does what comes of it; `connection` asks about requests in absolute form.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from llmreplay.core.hosts import Way
from llmreplay.core.routing import valid_name
from llmreplay.proxy.destination import HTTP, HTTPS, Destination, split
from llmreplay.proxy.ourselves import loopback
from llmreplay.proxy.refusal import Refusal

if TYPE_CHECKING:
    import asyncio
    import ssl
    from collections.abc import Callable

    from llmreplay.core.faults import AtConnection
    from llmreplay.core.hosts import Verdict
    from llmreplay.proxy.ourselves import Ourselves
    from llmreplay.proxy.trouble import Trouble

__all__ = [
    "Aim",
    "Asked",
    "Came",
    "Client",
    "Gate",
    "Opening",
    "admit",
    "aim",
    "meant_here",
    "meant_inside",
    "opening",
    "read_head",
    "refused",
]

_REQUEST_LINE: Final = re.compile(rb"CONNECT ([!-~]{1,300}) HTTP/1\.[01]")
_HEADER: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):([\t -~\x80-\xff]*)")


class Gate(Protocol):
    """Which hosts are intercepted, with what they are vouched for, and the way to others.

    And what rules do to connections: `trouble` is asked once for each, when it is known whom it
    is for.
    """

    @property
    def password(self) -> str:
        """What clients must give; empty where they need not."""
        ...

    def judge(self, host: str, port: int, *, secure: bool = True) -> Verdict:
        """What becomes of what is sent to a host."""
        ...

    async def secure(self, host: str, trouble: AtConnection | None = None) -> ssl.SSLContext:
        """The server side of TLS with a leaf for `host`; raises `UsageError`.

        With `trouble` the leaf is one that clients have to refuse.
        """
        ...

    def trouble(
        self, session: str | None, destination: Destination | None, *, secure: bool = True
    ) -> Trouble | None:
        """What becomes of a connection, to this port itself or through it; None if all is well."""
        ...

    def troubled(self, trouble: Trouble, status: int = 0) -> None:
        """It was done; a tunnel was answered with `status`."""
        ...

    def refused(self, session: str | None, destination: Destination, status: int, why: str) -> None:
        """A tunnel was refused, or could not be opened, to whom its client may ask for."""
        ...

    async def reach(
        self, host: str, port: int, protocol_factory: Callable[[], asyncio.Protocol]
    ) -> asyncio.Transport:
        """A connection to a host that is passed by unread; raises `UpstreamError`."""
        ...

    def tunnelled(self, host: str, port: int) -> None:
        """One more was passed by."""
        ...


class Asked(NamedTuple):
    """A CONNECT head: where to, and what its Proxy-Authorization says."""

    destination: Destination
    authorization: str | None


class Client(NamedTuple):
    """Who asks: whether from this machine, and with what in Proxy-Authorization."""

    local: bool
    authorization: str | None


class Came(NamedTuple):
    """How a connection's requests came here.

    Through a tunnel, with the `origin` that it leads to and perhaps a session; its client was
    `admitted` to the proxy. Or neither: to this port itself.
    """

    origin: str = ""
    session: str | None = None
    admitted: bool = False


class Aim(NamedTuple):
    """What one request is for: its target there, and origin and session as a call has them."""

    target: str
    origin: str
    session: str | None


class Opening(NamedTuple):
    """What becomes of a tunnel. One that is not `secure` is for requests in the clear only."""

    way: Way
    reason: str = ""
    secure: bool = True


def read_head(head: bytes) -> Asked | Refusal:
    """A CONNECT head, with the empty line that ends it."""
    first, *lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    request = _REQUEST_LINE.fullmatch(first)
    headers = [_HEADER.fullmatch(line) for line in lines]
    if request is None or not all(headers):
        return refused(400, "the CONNECT request is not valid HTTP/1.1")
    destination = Destination.parsed(request[1].decode("ascii"))
    if destination is None:
        return refused(400, "CONNECT needs a host and a port, as in api.openai.com:443")
    given = (found[2] for found in headers if found and found[1].lower() == b"proxy-authorization")
    authorization = next(given, b"").strip().decode("latin-1")
    return Asked(destination, authorization or None)


def admit(gate: Gate, client: Client) -> str | Refusal | None:
    """The session that a client of the proxy names, or None; or why he may not use it.

    Other machines need the proxy's password; this one only if there is one.
    """
    user, password = _credentials(client.authorization)
    if gate.password:
        if not hmac.compare_digest(password.encode(), gate.password.encode()):
            wrong = "the proxy's password is missing or wrong: give it in the proxy's URL"
            return refused(
                407,
                f"{wrong}, http://NAME:PASSWORD@HOST:PORT",
                ("proxy-authenticate", 'Basic realm="llmreplay", charset="UTF-8"'),
            )
    elif not client.local:
        return refused(
            403, "other machines may use the proxy only with a password: set proxy_password"
        )
    if user and not valid_name(user):
        return refused(
            400,
            "the user name in the proxy's URL cannot name a session: use letters, digits, '.', "
            "'_' and '-', up to 128, with no dot first",
        )
    return user or None


def opening(gate: Gate, ourselves: Ourselves, destination: Destination) -> Opening:
    """What becomes of a tunnel to `destination`.

    What is inside shows only later. Some clients ask for tunnels for what is in the clear,
    too (undici's ProxyAgent), so a refusal holds only if that would be refused as well.
    """
    host, port = destination
    if ourselves.at(host, port):
        return Opening(
            Way.REFUSE,
            f"{destination} is llmreplay itself: send requests for it to http://{destination} "
            f"and not through the proxy, as NO_PROXY={host} says",
        )
    verdict = gate.judge(host, port)
    if verdict.way is Way.REFUSE and port != HTTPS:
        clear = gate.judge(host, port, secure=False).way
        if clear is Way.INTERCEPT or (clear is Way.TUNNEL and port == HTTP):
            return Opening(Way.INTERCEPT, verdict.reason, secure=False)
    return Opening(verdict.way, verdict.reason)


def meant_inside(gate: Gate, destination: Destination, named: str | None) -> tuple[str, str]:
    """The host to vouch for in a tunnel, and the origin of what comes, where TLS asks for `named`.

    The name in TLS counts only if it is a host that is intercepted: no certificate of ours is
    good for others.
    """
    covered = named is not None and _intercepts(gate, named, destination.port)
    name = named if covered and named is not None else destination.host
    place = Destination(name, destination.port) if destination.is_address else destination
    return name, place.origin(secure=True)


def meant_here(gate: Gate, ourselves: Ourselves, named: str | None, own: str) -> tuple[str, str]:
    """The same for TLS with this port itself, at the address `own`; no origin for itself.

    A client that names another host was led here past its proxy settings, by a hosts file or DNS.
    """
    if named is not None and not ourselves.named(named) and _intercepts(gate, named, HTTPS):
        return named, Destination(named, HTTPS).origin(secure=True)
    return own if named is None and loopback(own) else "localhost", ""


def aim(gate: Gate, ourselves: Ourselves, came: Came, target: str, client: Client) -> Aim | Refusal:
    """What a request in absolute form is for: the way to a proxy without CONNECT.

    One for llmreplay itself means the same as its path alone (RFC 9112 §3.2.2). Whether the
    host may be reached is for whoever answers to judge, request by request.
    """
    found = split(target)
    if found is None:
        return refused(400, "a request's target is a path, or a URL with http:// or https://")
    destination, secure, path = found
    if not came.admitted and ourselves.at(*destination):
        return Aim(path, came.origin, came.session)
    session = came.session
    if not came.admitted:
        admitted = admit(gate, client)
        if isinstance(admitted, Refusal):
            return admitted
        session = admitted
    return Aim(path, destination.origin(secure=secure), session)


def refused(status: int, wrong: str, *headers: tuple[str, str]) -> Refusal:
    """A refusal that also stands in the status line: for CONNECT most clients show only that."""
    return Refusal(status, f"llmreplay: {wrong}", *headers, in_status_line=True)


def _intercepts(gate: Gate, host: str, port: int) -> bool:
    return gate.judge(host, port).way is Way.INTERCEPT


def _credentials(authorization: str | None) -> tuple[str, str]:
    """User and password of Basic; both empty where there are none, or none that can be read."""
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    user, _, password = decoded.partition(":")
    return user, password
