"""Multipart bodies: parts with a name, a file name, a type and content, whatever the boundary.

The boundary is read from the body's first line and not from the header, which recordings of
other tools blank out or lose.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

__all__ = ["Part", "parts_of"]


@dataclass(frozen=True, slots=True)
class Part:
    """One part. `filename` is None for a plain field; `type` as sent, or ""."""

    name: str
    filename: str | None
    type: str
    content: bytes


_FIRST_LINE = re.compile(rb"\s*--([^\r\n]{1,200}?)[ \t]*(\r?\n)")
_PARAMETER = re.compile(r""";\s*([\w*-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]*))""")


def parts_of(body: bytes) -> tuple[Part, ...] | None:
    """The parts of `body`, or None if it is no multipart body."""
    first = _FIRST_LINE.match(body)
    if first is None:
        return None
    boundary, newline = first[1], first[2]
    delimiter = newline + b"--" + boundary
    pieces = (newline + body[first.start(1) - 2 :]).split(delimiter)
    # Before the first delimiter is nothing, after the last one stand two dashes.
    if len(pieces) < 3 or not pieces[-1].startswith(b"--"):  # noqa: PLR2004  # as said above
        return None
    parts = [_part(piece) for piece in pieces[1:-1]]
    return tuple(part for part in parts if part is not None) if None not in parts else None


def _part(piece: bytes) -> Part | None:
    """A delimiter's rest of line, headers, an empty line, content → a part."""
    lines = re.match(rb"[ \t]*\r?\n((?:[^\r\n]+\r?\n)*)\r?\n", piece)
    if lines is None:
        return None
    headers: dict[str, str] = {}
    for line in lines[1].decode("utf-8", "replace").splitlines():
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    disposition = headers.get("content-disposition")
    if disposition is None:
        return None
    parameters = _parameters(disposition)
    return Part(
        name=parameters.get("name", ""),
        filename=parameters.get("filename"),
        type=headers.get("content-type", ""),
        content=piece[lines.end() :],
    )


def _parameters(disposition: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, quoted, plain in _PARAMETER.findall(disposition):
        if name.endswith("*"):
            # RFC 5987: charset'language'percent-encoded; it wins over the plain spelling.
            found[name[:-1].lower()] = unquote(plain.rpartition("'")[2])
        else:
            found.setdefault(name.lower(), re.sub(r"\\(.)", r"\1", quoted) or plain)
    return found
