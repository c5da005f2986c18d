"""Where to listen: host and port, as a person gives them, and the sockets that they stand for.

Decides what may be listened on and says what is wrong with the rest. `listener` opens it.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import socket
from dataclasses import dataclass
from typing import Final, TypeAlias

from llmreplay.errors import UsageError

__all__ = ["BACKLOG", "Place"]

BACKLOG: Final = 1024
_PORT_TRIES: Final = 8
_PORTS: Final = 1 << 16

_Address: TypeAlias = tuple[socket.AddressFamily, str]


@dataclass(frozen=True, slots=True)
class Place:
    """A host and a port, with the addresses that the host has; port 0 stands for a free one."""

    host: str
    port: int
    addresses: tuple[_Address, ...]

    @classmethod
    async def named(cls, host: str, port: int) -> Place:
        """Raises `UsageError` for a host that is not known, or a port that cannot be."""
        if not 0 <= port < _PORTS:
            raise UsageError(f"there is no port {port}: take one below {_PORTS}, or 0 for any")
        try:
            found = await asyncio.get_running_loop().getaddrinfo(
                host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )
        except (OSError, UnicodeError) as error:
            raise UsageError(f"{host!r} is not known here: take --host 127.0.0.1") from error
        each_once = dict.fromkeys((family, str(address[0])) for family, *_, address in found)
        return cls(host, port, tuple(each_once))

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return all(
            ipaddress.ip_address(address.partition("%")[0]).is_loopback
            for _, address in self.addresses
        )

    def url(self, port: int) -> str:
        """The URL of the place, once it is known which port it got."""
        return f"http://[{self.host}]:{port}" if ":" in self.host else f"http://{self.host}:{port}"

    def open(self) -> list[socket.socket]:
        """A listening socket for each address, all on one port. Raises `UsageError`."""
        tries_left = 1 if self.port else _PORT_TRIES
        while True:
            tries_left -= 1
            try:
                return self._opened()
            except OSError as error:
                # A port that is free at one address may be taken at the next.
                if error.errno != errno.EADDRINUSE or not tries_left:
                    raise self._not_opened(error) from error

    def _opened(self) -> list[socket.socket]:
        sockets: list[socket.socket] = []
        port = self.port
        try:
            for family, address in self.addresses:
                try:
                    sockets.append(_listening(family, address, port))
                except OSError as error:
                    # `localhost` has an IPv6 address also where the system has no IPv6.
                    absent = error.errno in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}
                    if not (sockets and absent):
                        raise
                port = sockets[0].getsockname()[1]
        except OSError:
            for sock in sockets:
                sock.close()
            raise
        return sockets

    def _not_opened(self, error: OSError) -> UsageError:
        match error.errno:
            case errno.EADDRINUSE:
                return UsageError(
                    f"port {self.port} of {self.host} is taken, perhaps by another llmreplay: "
                    "stop that one, take another port with --port, or any free one with --port 0"
                )
            case errno.EACCES | errno.EPERM:
                return UsageError(
                    f"port {self.port} is for privileged programs only: take one above 1023 with "
                    "--port, or any free one with --port 0"
                )
            case errno.EADDRNOTAVAIL | errno.EAFNOSUPPORT:
                return UsageError(
                    f"{self.host} is no address of this machine: take --host 127.0.0.1"
                )
        return UsageError(f"cannot listen on {self.host}, port {self.port}: {error.strerror}")


def _listening(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((address, port))
        sock.listen(BACKLOG)
        sock.settimeout(0)
    except OSError:
        sock.close()
        raise
    return sock
