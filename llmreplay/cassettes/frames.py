"""AWS event-stream bodies ⇄ what a person reads of them: headers and payload, frame by frame.

Checksums and lengths are not stored: they come back when a frame is encoded again. A frame for
which they would not is stored as its bytes. What the payloads hold is `bodies`'s to say.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any, Final, TypeAlias

from llmreplay.core.streams import Framing, split
from llmreplay.core.streams.event_stream import (
    Frame,
    FrameHeader,
    HeaderKind,
    decode_frame,
    encode_frame,
)

__all__ = ["Stored", "frame_headers", "split_frames", "stored_frame_headers"]

Stored: TypeAlias = "dict[str, Any]"
"""Frame headers as they stand in a cassette: a string, or `{type: value}`."""

_INTEGERS: Final = frozenset(
    {
        HeaderKind.BYTE,
        HeaderKind.SHORT,
        HeaderKind.INTEGER,
        HeaderKind.LONG,
        HeaderKind.TIMESTAMP,
    }
)


def split_frames(body: bytes) -> tuple[Frame | bytes, ...]:
    """The frames of `body`, in order; bytes where they would not come back from a frame."""
    return tuple(_frame(event.raw) for event in split(Framing.EVENT_STREAM, body))


def _frame(raw: bytes) -> Frame | bytes:
    try:
        frame = decode_frame(raw)
        names = {header.name for header in frame.headers}
        if len(names) == len(frame.headers) and encode_frame(frame) == raw:
            return frame
    except ValueError:
        pass
    return raw


def stored_frame_headers(headers: tuple[FrameHeader, ...]) -> Stored:
    """Frame headers as they are stored; their names must differ."""
    return {header.name: _stored(header) for header in headers}


def _stored(header: FrameHeader) -> str | dict[str, Any]:
    value = header.value
    if isinstance(value, bool):
        return {"bool": value}
    if isinstance(value, bytes):
        is_uuid = header.kind is HeaderKind.UUID
        return {header.kind.value: value.hex() if is_uuid else base64.b64encode(value).decode()}
    return value if isinstance(value, str) else {header.kind.value: value}


def frame_headers(stored: object) -> tuple[FrameHeader, ...]:
    """The headers that are stored.

    Raises:
        ValueError: naming the header and what is wrong with it.
    """
    if not isinstance(stored, dict):
        raise ValueError("headers of a frame are a mapping")  # noqa: TRY004  # of the document
    return tuple(_header(name, value) for name, value in stored.items())


def _header(name: str, stored: object) -> FrameHeader:
    if isinstance(stored, str):
        return FrameHeader(name, HeaderKind.STRING, stored)
    if isinstance(stored, dict) and len(stored) == 1:
        ((kind, text),) = stored.items()
        if isinstance(text, str):
            return _typed(name, kind, text)
    raise ValueError(f"the frame header {name!r} must be text or one `type: value`")


def _typed(name: str, kind: str, text: str) -> FrameHeader:
    try:
        if kind == "bool":
            return FrameHeader(name, HeaderKind(text), text == "true")
        if kind == HeaderKind.BYTES:
            return FrameHeader(name, HeaderKind.BYTES, base64.b64decode(text, validate=True))
        if kind == HeaderKind.UUID:
            return FrameHeader(name, HeaderKind.UUID, bytes.fromhex(text))
        if kind in _INTEGERS:
            return FrameHeader(name, HeaderKind(kind), int(text))
    except (ValueError, binascii.Error) as error:
        raise ValueError(f"the frame header {name!r} is no {kind}: {text!r}") from error
    kinds = ", ".join(["bool", "bytes", "uuid", *sorted(_INTEGERS)])
    raise ValueError(f"the frame header {name!r} has a type {kind!r} that is none of {kinds}")
