"""Where this process itself can be reached, so that nobody is led from here to here.

Decides by addresses and names that mean this machine; resolves nothing, so that replay asks
no DNS. `connect` and `origins` ask it.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import asyncio

__all__ = ["Ourselves", "local_peer", "loopback"]

_Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Ourselves:
    """The host as it was given, the addresses that are listened on, and the port on all of them."""

    host: str = ""
    addresses: tuple[str, ...] = ()
    port: int = 0

    def named(self, host: str) -> bool:
        """Whether `host` is one of our names: that given, or one of this machine."""
        return host in {"localhost", self.host} or host.endswith(".localhost") or self._at(host)

    def at(self, host: str, port: int) -> bool:
        """Whether a client that asks for `host` and `port` asks for us."""
        return port == self.port and self.named(host)

    def reached(self, peer: tuple[str, int], own: str) -> bool:
        """Whether a connection from the address `own` to `peer` ends here again."""
        host, port = peer
        return port == self.port and (host == own or self._at(host))

    def _at(self, host: str) -> bool:
        address = _address(host)
        if address is None:
            return False
        return address.is_loopback or address.is_unspecified or str(address) in self.addresses


def loopback(host: str) -> bool:
    """Whether an address is of this machine only."""
    address = _address(host)
    return address is not None and address.is_loopback


def local_peer(wire: asyncio.Transport) -> bool:
    """Whether the client at the other end is on this machine."""
    peer = wire.get_extra_info("peername")
    return peer is None or loopback(peer[0])


def _address(host: str) -> _Address | None:
    """`host` as an address, IPv4 also where it is spelled as IPv6; None for a name."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address
