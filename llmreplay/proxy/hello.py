"""The first thing that a TLS client says: whom it wants to speak to.

Pure; reads only as far as the server's name (RFC 8446 §4.1.2, RFC 6066 §3). TLS itself is
Python's. `greeting` asks, to tell which host a connection is for.
"""

from __future__ import annotations

import struct
from typing import Final

__all__ = ["TLS_HANDSHAKE", "is_whole", "server_name"]

TLS_HANDSHAKE: Final = 0x16
"""The first byte of each TLS connection, and of no HTTP request."""

_RECORD_HEAD_BYTES: Final = 5
_RECORD_BYTES: Final = (1 << 14) + 256
_CLIENT_HELLO: Final = 1
_RANDOM_BYTES: Final = 2 + 32
_SERVER_NAME: Final = 0
_HOST_NAME: Final = 0


def is_whole(data: bytes) -> bool:
    """Whether the first record is here. One that is too long to be is left to TLS to refuse."""
    if len(data) < _RECORD_HEAD_BYTES:
        return False
    size = int.from_bytes(data[3:_RECORD_HEAD_BYTES], "big")
    return size > _RECORD_BYTES or len(data) >= _RECORD_HEAD_BYTES + size


def server_name(data: bytes) -> str | None:
    """The host that the client names, in lower case; None if it names none, or none is found."""
    try:
        return _named(_Bytes(data[_RECORD_HEAD_BYTES:]))
    except (struct.error, UnicodeDecodeError):
        return None


class _Bytes:
    """Bytes that are taken from the front; `struct.error` where there are too few."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def take(self, size: int) -> bytes:
        if self._at + size > len(self._data):
            raise struct.error
        self._at += size
        return self._data[self._at - size : self._at]

    def vector(self, size_of_length: int) -> _Bytes:
        return _Bytes(self.take(self.number(size_of_length)))

    def rest(self) -> bytes:
        return self._data[self._at :]

    def __bool__(self) -> bool:
        return self._at < len(self._data)


def _named(record: _Bytes) -> str | None:
    if record.number(1) != _CLIENT_HELLO:
        return None
    hello = record.vector(3)
    hello.take(_RANDOM_BYTES)
    hello.vector(1)  # session id
    hello.vector(2)  # cipher suites
    hello.vector(1)  # compression methods
    extensions = hello.vector(2)
    while extensions:
        kind, content = extensions.number(2), extensions.vector(2)
        if kind == _SERVER_NAME:
            names = content.vector(2)
            if names.number(1) != _HOST_NAME:
                return None
            return names.vector(2).rest().decode("ascii").lower().removesuffix(".")
    return None
