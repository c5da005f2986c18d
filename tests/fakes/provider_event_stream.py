"""Writes frames of `application/vnd.amazon.eventstream`, after Amazon's public description.

It shares nothing with llmreplay's own reader, so that one's mistake is not the other's, too.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["frame"]

_STRING = 7
_PRELUDE_BYTES = 12
_CHECKSUM_BYTES = 4


def frame(headers: Mapping[str, str], payload: bytes) -> bytes:
    """One message: lengths and their checksum, headers, payload, checksum of all before it."""
    head = b"".join(_header(name.encode(), value.encode()) for name, value in headers.items())
    length = _PRELUDE_BYTES + len(head) + len(payload) + _CHECKSUM_BYTES
    prelude = struct.pack(">II", length, len(head))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + head + payload
    return message + struct.pack(">I", zlib.crc32(message))


def _header(name: bytes, value: bytes) -> bytes:
    start = struct.pack(">B", len(name)) + name
    return start + struct.pack(">BH", _STRING, len(value)) + value
