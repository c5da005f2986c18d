"""A small proxy that answers what comes through it: which clients ask it, and for what.

It takes CONNECT, speaks TLS inside where the client does, and answers every request with where it
was for; requests that name their whole URL, too. A host called `refused.test` it refuses. It
forwards nothing.
"""

from __future__ import annotations

import socketserver
import threading
from contextlib import contextmanager, suppress
from socket import MSG_PEEK
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Callable, Iterator

__all__ = ["Intercepting", "intercepting"]

TLS_HANDSHAKE = b"\x16"
REFUSAL = b"never recorded"


class Intercepting(socketserver.ThreadingTCPServer):
    """`heads` are those of the requests that came to the proxy itself, in order."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, context: Callable[[str], ssl.SSLContext]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.context = context
        self.heads: list[str] = []

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    @property
    def asked_for(self) -> list[str]:
        """The authorities of the CONNECT requests, and the URLs of others."""
        return [head.split()[1] for head in self.heads]


class _Handler(socketserver.BaseRequestHandler):
    server: Intercepting
    request: socket.socket

    def handle(self) -> None:
        with suppress(OSError):  # clients leave as they like
            self._converse()

    def _converse(self) -> None:
        head = _head(self.request).decode("latin-1")
        self.server.heads.append(head)
        method, target, _ = head.split(maxsplit=2)
        if method != "CONNECT":
            _say(self.request, target)
            return
        host = target.rpartition(":")[0]
        if host == "refused.test":
            length = len(REFUSAL)
            self.request.sendall(
                b"HTTP/1.1 470 No Recording\r\nContent-Length: %d\r\n\r\n" % length
            )
            self.request.sendall(REFUSAL)
            return
        self.request.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        if self.request.recv(1, MSG_PEEK) != TLS_HANDSHAKE:
            _answer(self.request, f"http://{host}")
            return
        context = self.server.context(host)
        with context.wrap_socket(self.request, server_side=True) as inside:
            _answer(inside, f"https://{host}")


def _answer(connection: socket.socket, origin: str) -> None:
    """Say to every request what it asked for."""
    while asked := _head(connection):
        path = asked.split()[1].decode()
        _say(connection, f"{origin}{path}")


def _say(connection: socket.socket, text: str) -> None:
    length = b"Content-Length: %d\r\n\r\n" % len(text)
    connection.sendall(b"HTTP/1.1 200 OK\r\n" + length + text.encode())


def _head(connection: socket.socket) -> bytes:
    """One head, byte by byte, so that nothing behind it is taken; empty at the end."""
    came = b""
    while not came.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        if not byte:
            return b""
        came += byte
    return came


@contextmanager
def intercepting(context: Callable[[str], ssl.SSLContext]) -> Iterator[Intercepting]:
    """The proxy, running."""
    with Intercepting(context) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
