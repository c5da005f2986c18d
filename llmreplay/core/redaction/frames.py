"""AWS event streams for redaction: the texts in their frames, and frames made anew of them.

A frame's texts are its string headers, its payload, and what the payload holds in base64 under
`bytes`, where Bedrock puts a model's own events. Who calls: the redactor.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from llmreplay.core.redaction.edits import Edit, applied
from llmreplay.core.redaction.leaves import SEPARATOR, Leaves, Piece
from llmreplay.core.streams import Framing, split
from llmreplay.core.streams.event_stream import Frame, HeaderKind, decode_frame, encode_frame

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["frame_edits"]

_BYTES = re.compile(rb'"bytes"\s*:\s*"([A-Za-z0-9+/]+=*)"')
_NO_BYTES = re.compile(rb'("bytes"\s*:\s*")"')


def frame_edits(body: bytes, find: Callable[[bytes, Leaves], list[Edit]]) -> list[Edit]:
    """The frames of `body` that change, where `find` gives the edits of all their texts."""
    frames: list[tuple[int, bytes, list[bytes]]] = []
    at = 0
    for event in split(Framing.EVENT_STREAM, body):
        if event.data is not None:
            frames.append((at, event.raw, _texts(decode_frame(event.raw))))
        at += len(event.raw)
    separated = [part for _, _, texts in frames for text in texts for part in (text, SEPARATOR)]
    joined = b"".join(separated)
    edits = find(joined, _leaves(frames))
    if not edits:
        return []
    changed = iter(applied(separated, edits)[::2])
    return [
        Edit(at, at + len(raw), _made_anew(decode_frame(raw), new))
        for at, raw, texts in frames
        if (new := [next(changed) for _ in texts]) != texts
    ]


def _texts(frame: Frame) -> list[bytes]:
    """The string headers, the payload less what is in its `bytes`, and that, decoded."""
    headers = [str(h.value).encode() for h in frame.headers if h.kind is HeaderKind.STRING]
    found = _BYTES.search(frame.payload)
    try:
        inner = b64decode(found[1], validate=True) if found else b""
    except Base64Error:
        inner = b""
    if not found or b64encode(inner) != found[1]:
        return [*headers, frame.payload, b""]
    start, end = found.span(1)
    return [*headers, frame.payload[:start] + frame.payload[end:], inner]


def _leaves(frames: list[tuple[int, bytes, list[bytes]]]) -> Leaves:
    leaves = Leaves()
    at = 0
    for _, _, texts in frames:
        for number, text in enumerate(texts, start=1 - len(texts)):
            if text and number >= -1:  # the last two; headers tell nothing in pieces
                name = "inner" if number == 0 else "payload"
                leaves.add(text, name, partial(_whole, at, at + len(text)))
            at += len(text) + len(SEPARATOR)
    return leaves


def _whole(start: int, end: int) -> tuple[Piece, ...]:
    return ((start, end),)


def _made_anew(frame: Frame, texts: list[bytes]) -> bytes:
    *strings, payload, inner = texts
    if inner:
        payload = _NO_BYTES.sub(lambda key: key[1] + b64encode(inner) + b'"', payload, count=1)
    values = iter(strings)
    headers = tuple(
        replace(h, value=next(values).decode()) if h.kind is HeaderKind.STRING else h
        for h in frame.headers
    )
    return encode_frame(Frame(headers, payload))
