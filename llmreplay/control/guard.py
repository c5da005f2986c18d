"""Who may use the control API, and how: the protections, as one pure decision.

Any page in a browser on this machine can send requests to a port of it, and a name that an
attacker owns can be made to mean 127.0.0.1. So: the Host is exactly ours, an Origin is our own,
bodies are JSON (which no form can send), and nothing comes in through the proxy.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from llmreplay.control.answers import JSON, ProblemError
from llmreplay.core.routing import address_of

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["HEADERS", "Arrival", "Guard"]

HEADERS = (
    ("cache-control", "no-store"),
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    ("cross-origin-resource-policy", "same-origin"),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
)
"""What every answer says. No header of CORS is among them: other origins may read nothing."""

_READING = frozenset({"GET", "HEAD"})
_OF_FORMS = frozenset({"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"})
"""What pages can send anywhere without asking first; some clients name a type without a body."""
_OWN_SITES = frozenset({"same-origin", "none"})
_ASK = ("www-authenticate", 'Basic realm="llmreplay", charset="UTF-8"')


class Arrival(NamedTuple):
    """What the guard looks at. `hosts`, `origins`: the values of these headers, mostly one or none.

    `local` is whether the client is on this machine, `arrived_at` the address that it reached.
    """

    method: str
    hosts: tuple[str, ...]
    origins: tuple[str, ...] = ()
    fetch_site: str | None = None
    content_type: str | None = None
    has_body: bool = False
    authorization: str | None = None
    proxied: bool = False
    secure: bool = False
    local: bool = True
    arrived_at: tuple[str, int] = ("", 0)


class Guard:
    """`is_here` says whether host and port mean this server; `password` is empty for none."""

    def __init__(self, is_here: Callable[[str, int], bool], password: str = "") -> None:
        self._is_here = is_here
        self._password = password

    def check(self, arrival: Arrival, *, for_all: bool = False) -> None:
        """Raises `ProblemError` for what is refused; `for_all` needs no password."""
        if arrival.proxied:
            raise ProblemError(
                403, "the control API is not for clients of the proxy: ask it by its own address"
            )
        if not for_all:
            self._check_password(arrival)
        self._check_host(arrival)
        self._check_site(arrival)
        self._check_type(arrival)

    def _check_password(self, arrival: Arrival) -> None:
        """As for the proxy: other machines need one, this one only if there is one."""
        if self._password:
            if not hmac.compare_digest(_password(arrival.authorization), self._password.encode()):
                raise ProblemError(
                    401, "give the proxy's password, as that of any user", headers=(_ASK,)
                )
        elif not arrival.local:
            raise ProblemError(
                403, "other machines may use this only with a password: set proxy_password"
            )

    def _check_host(self, arrival: Arrival) -> None:
        named = [address_of_host(host, secure=arrival.secure) for host in arrival.hosts]
        here = [
            one == arrival.arrived_at or self._is_here(*one) for one in named if one is not None
        ]
        if len(named) != 1 or here != [True]:
            raise ProblemError(
                421,
                "the Host of the request is not this server's: ask it by its address, as in "
                "http://127.0.0.1:8787, or let it listen on that name with --host",
            )

    def _check_site(self, arrival: Arrival) -> None:
        scheme = "https" if arrival.secure else "http"
        own = f"{scheme}://{arrival.hosts[0]}".lower()
        foreign = any(origin.lower() != own for origin in arrival.origins)
        if foreign or (arrival.fetch_site or "none") not in _OWN_SITES:
            raise ProblemError(403, "pages of other sites may not use the control API")

    def _check_type(self, arrival: Arrival) -> None:
        if arrival.method in _READING:
            return
        given = (arrival.content_type or "").partition(";")[0].strip().lower()
        if given in _OF_FORMS or (arrival.has_body and given != JSON):
            raise ProblemError(415, f"a body is JSON, sent with content-type: {JSON}")


def address_of_host(host: str, *, secure: bool) -> tuple[str, int] | None:
    """Host and port of a Host header; None for what makes no sense."""
    scheme = "https" if secure else "http"
    url = f"{scheme}://{host}"
    try:
        parts = urlsplit(url)
        if parts.netloc != host or "@" in host:
            return None
        return address_of(url)
    except ValueError:
        return None


def _password(authorization: str | None) -> bytes:
    """What Basic or Bearer brings; empty if nothing."""
    scheme, _, given = (authorization or "").partition(" ")
    given = given.strip()
    if scheme.lower() == "bearer":
        return given.encode("utf-8", "surrogateescape")
    if scheme.lower() != "basic":
        return b""
    try:
        return base64.b64decode(given, validate=True).partition(b":")[2]
    except (binascii.Error, ValueError):
        return b""
