"""AWS event streams (`application/vnd.amazon.eventstream`): binary frames with two CRC-32s.

A frame: total length, headers length, CRC of both; headers; payload; CRC of all before it.
The form is that of the Smithy specification, "Amazon Event Stream". A frame with a wrong
checksum is still a piece, but has no data; where lengths make no sense, the rest is one piece.
"""

from __future__ import annotations

import struct
from binascii import crc32
from dataclasses import dataclass
from enum import StrEnum

from llmreplay.core.streams.event import Event

__all__ = [
    "EventStreamParser",
    "Frame",
    "FrameHeader",
    "HeaderKind",
    "begins_frame",
    "decode_frame",
    "encode_frame",
]

_PRELUDE = struct.Struct(">III")
_CRC = struct.Struct(">I")
_LENGTH = struct.Struct(">H")
_OVERHEAD = _PRELUDE.size + _CRC.size
# 16 MiB of payload and 128 KiB of headers are the specification's limits.
_MAX_HEADERS = 128 * 1024
_MAX_FRAME = 16 * 1024 * 1024 + _MAX_HEADERS + _OVERHEAD


class HeaderKind(StrEnum):
    """The type of a frame header's value."""

    TRUE = "true"
    FALSE = "false"
    BYTE = "byte"
    SHORT = "short"
    INTEGER = "integer"
    LONG = "long"
    BYTES = "bytes"
    STRING = "string"
    TIMESTAMP = "timestamp"
    """Milliseconds since 1970, as an int."""
    UUID = "uuid"
    """Its 16 bytes."""


_CODES = tuple(HeaderKind)  # in the order of their numbers on the wire, 0 to 9
_INTEGERS = {
    HeaderKind.BYTE: struct.Struct(">b"),
    HeaderKind.SHORT: struct.Struct(">h"),
    HeaderKind.INTEGER: struct.Struct(">i"),
    HeaderKind.LONG: struct.Struct(">q"),
    HeaderKind.TIMESTAMP: struct.Struct(">q"),
}
_UUID_BYTES = 16


@dataclass(frozen=True, slots=True)
class FrameHeader:
    """One header: its name, the wire type, and a value of the matching Python type."""

    name: str
    kind: HeaderKind
    value: bool | int | bytes | str


@dataclass(frozen=True, slots=True)
class Frame:
    """One decoded frame."""

    headers: tuple[FrameHeader, ...]
    payload: bytes

    def text(self, name: str) -> str | None:
        """The value of the first string header called `name`."""
        return next(
            (str(h.value) for h in self.headers if h.name == name and h.kind == HeaderKind.STRING),
            None,
        )


class EventStreamParser:
    """A `Parser` of frames."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def feed(self, data: bytes) -> list[Event]:
        """The frames that `data` completes."""
        pending = self._pending
        pending += data
        events: list[Event] = []
        start = 0
        while (length := _frame_length(pending, start)) is not None:
            if len(pending) - start < length:
                break
            events.append(_event(bytes(pending[start : start + length])))
            start += length
        del pending[:start]
        return events

    def finish(self) -> list[Event]:
        """An unfinished frame, or all that follows a senseless length."""
        rest = bytes(self._pending)
        self._pending.clear()
        return [Event(rest)] if rest else []


def begins_frame(data: bytes) -> bool:
    """Whether `data` begins with a frame's prelude, its checksum right."""
    if len(data) < _PRELUDE.size or _frame_length(data, 0) is None:
        return False
    return bool(crc32(data[:8]) == _PRELUDE.unpack_from(data)[2])


def decode_frame(raw: bytes) -> Frame:
    """One whole frame, taken apart; `encode_frame` of the result gives `raw` back.

    Raises:
        ValueError: it is no frame, or a checksum or a header is wrong.
    """
    if _frame_length(raw, 0) != len(raw):
        raise ValueError("not one event-stream frame: the lengths disagree")
    _, headers_length, prelude_crc = _PRELUDE.unpack_from(raw)
    if crc32(raw[:8]) != prelude_crc or crc32(raw[:-4]) != _CRC.unpack(raw[-4:])[0]:
        raise ValueError("event-stream frame with a wrong checksum")
    headers_end = _PRELUDE.size + headers_length
    return Frame(_decode_headers(raw[_PRELUDE.size : headers_end]), raw[headers_end:-4])


def encode_frame(frame: Frame) -> bytes:
    """The frame's bytes, with right lengths and checksums.

    Raises:
        ValueError: a header does not fit its type.
    """
    headers = b"".join(map(_encode_header, frame.headers))
    lengths = struct.pack(">II", _OVERHEAD + len(headers) + len(frame.payload), len(headers))
    message = lengths + _CRC.pack(crc32(lengths)) + headers + frame.payload
    return message + _CRC.pack(crc32(message))


def _frame_length(data: bytes | bytearray, start: int) -> int | None:
    """The length that the frame at `start` claims, or None: not yet known, or senseless."""
    if len(data) - start < _PRELUDE.size:
        return None
    length, headers_length, _ = _PRELUDE.unpack_from(data, start)
    sensible = _OVERHEAD + headers_length <= length <= _MAX_FRAME and headers_length <= _MAX_HEADERS
    return length if sensible else None


def _event(raw: bytes) -> Event:
    try:
        frame = decode_frame(raw)
    except ValueError:
        return Event(raw)
    name = frame.text(":event-type") or frame.text(":exception-type") or ""
    return Event(raw, frame.payload, name)


def _decode_headers(data: bytes) -> tuple[FrameHeader, ...]:
    headers: list[FrameHeader] = []
    at = 0
    try:
        while at < len(data):
            name_end = at + 1 + data[at]
            name = data[at + 1 : name_end].decode()
            kind = _CODES[data[name_end]]
            value, at = _decode_value(kind, data, name_end + 1)
            headers.append(FrameHeader(name, kind, value))
    except (IndexError, struct.error) as error:
        raise ValueError("event-stream frame with a broken header") from error
    return tuple(headers)


def _decode_value(kind: HeaderKind, data: bytes, at: int) -> tuple[bool | int | bytes | str, int]:
    """The value at `at`, and where the next header begins."""
    if kind in (HeaderKind.TRUE, HeaderKind.FALSE):
        return kind is HeaderKind.TRUE, at
    if integer := _INTEGERS.get(kind):
        return integer.unpack_from(data, at)[0], at + integer.size
    if kind is HeaderKind.UUID:
        length = _UUID_BYTES
    else:
        length = _LENGTH.unpack_from(data, at)[0]
        at += _LENGTH.size
    value = data[at : at + length]
    if len(value) < length:
        raise ValueError("event-stream frame with a broken header")
    return value.decode() if kind is HeaderKind.STRING else value, at + length


def _encode_header(header: FrameHeader) -> bytes:
    name = header.name.encode()
    try:
        value = _encode_value(header.kind, header.value)
        return bytes([len(name)]) + name + bytes([_CODES.index(header.kind)]) + value
    except (struct.error, TypeError, ValueError) as error:
        raise ValueError(
            f"event-stream header {header.name!r} does not fit the type {header.kind}"
        ) from error


def _encode_value(kind: HeaderKind, value: object) -> bytes:
    if kind in (HeaderKind.TRUE, HeaderKind.FALSE):
        return b""
    if integer := _INTEGERS.get(kind):
        return integer.pack(value)
    encoded = value.encode() if isinstance(value, str) else value
    if not isinstance(encoded, bytes):
        raise TypeError("text or bytes expected")
    if kind is HeaderKind.UUID:
        if len(encoded) != _UUID_BYTES:
            raise ValueError("a UUID has 16 bytes")
        return encoded
    return _LENGTH.pack(len(encoded)) + encoded
