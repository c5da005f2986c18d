"""Which proxy leads out of here to a host: a company's, as the variables for it say.

Values and text only. `settings` reads one of its own with it, `service` those of the environment;
`upstream` asks for the way to each host. Clients of ours are another matter: see `environment`.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Proxies", "Proxy", "past_of", "read_proxy"]

_PORT: Final = 80
_HOST_AND_PORT: Final = re.compile(r"(\[[0-9a-f:.]+\]|[^:\[\]]*):(\d{1,5})")


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy that is spoken to in the clear. Its text has no credential in it."""

    host: str
    port: int
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @property
    def authorization(self) -> str:
        """What stands in `Proxy-Authorization`; empty if the proxy asks for nothing."""
        if not (self.user or self.password):
            return ""
        return f"Basic {base64.b64encode(f'{self.user}:{self.password}'.encode()).decode()}"

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def read_proxy(text: str) -> Proxy:
    """`http://proxy.example:3128`, `http://user:password@…`, `proxy.example:3128` → the proxy.

    Raises ValueError, in whose text nothing stands that could be a password.
    """
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host:
        raise ValueError("this is no address of a proxy: write it as http://proxy.example:3128")
    if parts.scheme != "http":
        raise ValueError(
            f"proxies are spoken to as http://, and not {parts.scheme}://: name one of that kind"
        )
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return Proxy(host, _PORT if port is None else port, user, password)


class Proxies:
    """The proxies for https:// and http://; `past` are the entries of NO_PROXY."""

    def __init__(
        self, https: Proxy | None = None, http: Proxy | None = None, past: tuple[str, ...] = ()
    ) -> None:
        self.https = https
        self.http = http
        self.past = past

    def __bool__(self) -> bool:
        """Whether there is any."""
        return self.https is not None or self.http is not None

    @property
    def all(self) -> tuple[Proxy, ...]:
        """Each once."""
        return tuple(dict.fromkeys(one for one in (self.https, self.http) if one is not None))

    def to(self, host: str, port: int, *, secure: bool) -> Proxy | None:
        """The proxy to ask for `host`; None if the way is direct, as it always is to loopback."""
        proxy = self.https if secure else self.http
        if proxy is None or _is_loopback(host):
            return None
        return None if any(_is_past(entry, host.lower(), port) for entry in self.past) else proxy

    def but_for(self, is_here: Callable[[str, int], bool]) -> Proxies:
        """Without those that lead back to this very process."""
        https, http = (
            None if one is None or is_here(one.host, one.port) else one
            for one in (self.https, self.http)
        )
        return Proxies(https, http, self.past)

    @classmethod
    def of_environment(cls, environ: Mapping[str, str]) -> tuple[Proxies, tuple[str, ...]]:
        """Those that the usual variables name, and what is wrong with others."""
        found: list[Proxy | None] = []
        wrong: list[str] = []
        for names in (("https_proxy", "all_proxy"), ("http_proxy", "all_proxy")):
            name, text = _first(names, environ)
            try:
                found.append(read_proxy(text) if text else None)
            except ValueError as error:
                found.append(None)
                wrong.append(f"{name}: {error}")
        https, http = found
        return cls(https, http, past_of(environ)), tuple(dict.fromkeys(wrong))


def past_of(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The entries of NO_PROXY."""
    _, text = _first(("no_proxy",), environ)
    return tuple(filter(None, re.split(r"[\s,]+", text.lower())))


def _first(names: tuple[str, ...], environ: Mapping[str, str]) -> tuple[str, str]:
    """The first of these variables that is set; small letters go before capitals, as in curl."""
    spelled = (one for name in names for one in (name, name.upper()))
    return next(((one, environ[one].strip()) for one in spelled if environ.get(one)), ("", ""))


def _is_past(entry: str, host: str, port: int) -> bool:
    """Whether an entry of NO_PROXY is about a host: a name and all below it, or a network."""
    if "/" in entry:
        return _is_within(host, entry)
    found = _HOST_AND_PORT.fullmatch(entry)
    if found is not None:
        if int(found[2]) != port:
            return False
        entry = found[1]
    name = entry.removeprefix("*").removeprefix(".").strip("[]")
    return entry == "*" or (bool(name) and (host == name or host.endswith(f".{name}")))


def _is_within(host: str, network: str) -> bool:
    try:
        return ip_address(host) in ip_network(network, strict=False)
    except ValueError:
        return False


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower().rstrip(".") == "localhost"
