"""Where a client wants to go through the proxy: host and port, as requests spell them.

Pure. Reads the authority of a CONNECT (`api.openai.com:443`) and a target in absolute form
(`http://host/path`), and gives the origin that a call carries. `connect` and `connection` use it.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final, NamedTuple, Self

__all__ = ["HTTP", "HTTPS", "Destination", "split"]

HTTP: Final = 80
HTTPS: Final = 443

_PORTS: Final = {"http": HTTP, "https": HTTPS}
_MOST_PORT: Final = (1 << 16) - 1
_LABEL: Final = "[A-Za-z0-9_-]{1,63}"
_NAME: Final = re.compile(rf"(?=.{{1,253}}\Z)(?:{_LABEL}\.)*{_LABEL}\.?")
_AUTHORITY: Final = re.compile(
    r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<name>[^:\[\]]+))(?::(?P<port>[0-9]{0,5}))?"
)
_ABSOLUTE: Final = re.compile(
    r"(?P<scheme>[A-Za-z]+)://(?P<authority>[^/?#]*)(?P<rest>.*)", re.DOTALL
)


class Destination(NamedTuple):
    """A host, as name or address in lower case and without brackets, and a port."""

    host: str
    port: int

    @classmethod
    def parsed(cls, authority: str, port: int | None = None) -> Self | None:
        """`authority` as host and port, `port` where it names none; None if it makes no sense."""
        found = _AUTHORITY.fullmatch(authority)
        if found is None:
            return None
        given = int(found["port"]) if found["port"] else port
        host = _address(found["six"]) if found["six"] else _name(found["name"])
        if host is None or given is None or not 0 < given <= _MOST_PORT:
            return None
        return cls(host, given)

    @property
    def is_address(self) -> bool:
        """Whether the host is an address and no name."""
        return ":" in self.host or _address(self.host) is not None

    def origin(self, *, secure: bool) -> str:
        """`https://host:port`, or `http`, without a port that goes without saying."""
        scheme = "https" if secure else "http"
        usual = self.port == _PORTS[scheme]
        return f"{scheme}://{self._bracketed}" if usual else f"{scheme}://{self}"

    def __str__(self) -> str:
        return f"{self._bracketed}:{self.port}"

    @property
    def _bracketed(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host


def split(target: str) -> tuple[Destination, bool, str] | None:
    """A target in absolute form as destination, whether it is `https`, and the target there.

    None for what is no such URL. A user and password in it go nowhere (RFC 9110 §4.2.4).
    """
    found = _ABSOLUTE.fullmatch(target)
    if found is None or (port := _PORTS.get(found["scheme"].lower())) is None:
        return None
    destination = Destination.parsed(found["authority"].rpartition("@")[2], port)
    if destination is None:
        return None
    rest = found["rest"]
    return destination, port == HTTPS, rest if rest.startswith("/") else f"/{rest}"


def _address(text: str) -> str | None:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None


def _name(text: str) -> str | None:
    return text.lower().removesuffix(".") if _NAME.fullmatch(text) else None
