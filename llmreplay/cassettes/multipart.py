"""Multipart bodies ⇄ their parts (RFC 2046, 5.1), byte for byte or not at all.

It decides only where a body falls into parts; what the parts hold is `bodies`'s to say.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmreplay.core.exchange import header

if TYPE_CHECKING:
    from llmreplay.core.exchange import Headers

__all__ = ["Part", "boundary_of", "join_parts", "split_parts"]

_BOUNDARY = re.compile(r"""boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))""", re.IGNORECASE)
_FIRST_LINE = re.compile(rb"--([0-9A-Za-z'()+_,./:=?-]{1,70})\r\n")
_END = b"--\r\n"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a multipart body."""

    headers: Headers
    body: bytes


def boundary_of(headers: Headers, body: bytes = b"") -> str | None:
    """The boundary that a content type names, or that `body` begins with, or None."""
    content_type = header(headers, "content-type") or ""
    if not content_type.lower().startswith("multipart/"):
        return None
    if named := _BOUNDARY.search(content_type):
        return named[1] or named[2]
    first_line = _FIRST_LINE.match(body)
    return first_line[1].decode() if first_line else None


def split_parts(body: bytes, boundary: str) -> tuple[Part, ...] | None:
    """The parts, or None where `join_parts` would not give `body` back."""
    delimiter = b"--" + boundary.encode()
    pieces = (b"\r\n" + body).split(b"\r\n" + delimiter)
    if len(pieces) < 3 or pieces[0] or pieces[-1] != _END:  # noqa: PLR2004  # begin, part, end
        return None
    parts = [_part(piece) for piece in pieces[1:-1]]
    found = tuple(part for part in parts if part is not None)
    return found if join_parts(found, boundary) == body else None


def join_parts(parts: tuple[Part, ...], boundary: str) -> bytes:
    """The body of `parts`."""
    delimiter = b"--" + boundary.encode()
    written: list[bytes] = []
    for part in parts:
        head = "".join(f"{name}: {value}\r\n" for name, value in part.headers)
        written += [delimiter, b"\r\n", head.encode(), b"\r\n", part.body, b"\r\n"]
    return b"".join([*written, delimiter, _END])


def _part(piece: bytes) -> Part | None:
    piece = piece.removeprefix(b"\r\n")
    head, _, body = (
        (b"", b"", piece[2:]) if piece.startswith(b"\r\n") else piece.partition(b"\r\n\r\n")
    )
    try:
        lines = head.decode().split("\r\n") if head else []
    except UnicodeDecodeError:
        return None
    pairs = (line.partition(": ") for line in lines)
    return Part(tuple((name, value) for name, _, value in pairs), body)
