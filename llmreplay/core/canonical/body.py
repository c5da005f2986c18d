"""Bodies: what one is by its bytes, and its value.

Whatever a content type says, bytes are believed: JSON and multipart bodies are recognised by
themselves, and only a form needs its name.
"""

from __future__ import annotations

import json
import re
from enum import StrEnum
from hashlib import blake2b
from math import isfinite
from operator import itemgetter
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import orjson

from llmreplay.core.canonical.multipart import parts_of
from llmreplay.core.exchange import header

if TYPE_CHECKING:
    from llmreplay.core.canonical.multipart import Part
    from llmreplay.core.dialect import Json
    from llmreplay.core.exchange import Request

__all__ = ["BodyKind", "read_body"]


class BodyKind(StrEnum):
    """What a body turned out to be, by its bytes."""

    NONE = "none"
    JSON = "json"
    MULTIPART = "multipart"
    FORM = "form"
    TEXT = "text"
    BINARY = "binary"


_BEGINS_JSON = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?=[\[{])")
_DEEPEST = 100
"""Levels of JSON. Deeper bodies are compared as texts: no recursion may depend on its caller."""


def read_body(request: Request) -> tuple[BodyKind, Json]:
    """What the body is, and its value: parts and fields by name, bytes as their digest."""
    body = request.body
    if not body:
        return BodyKind.NONE, None
    beginning = _BEGINS_JSON.match(body)
    if beginning is not None:
        value = _json(body[beginning.end() :])
        if value is not None:
            return BodyKind.JSON, value
    parts = parts_of(body)
    if parts is not None:
        return BodyKind.MULTIPART, sorted(map(_part, parts), key=itemgetter("name"))
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return BodyKind.BINARY, _digest(body)
    if "x-www-form-urlencoded" in (header(request.headers, "content-type") or "").lower():
        fields = sorted(parse_qsl(text, keep_blank_values=True), key=itemgetter(0))
        return BodyKind.FORM, [{"name": name, "value": value} for name, value in fields]
    return BodyKind.TEXT, text


def _json(body: bytes) -> Json | None:
    """The value of a JSON text, or None for one that is none or too deep."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        value = _lenient_json(body)
    brackets = body.count(b"[") + body.count(b"{")
    return value if brackets <= _DEEPEST or _is_within(value, _DEEPEST) else None


def _lenient_json(body: bytes) -> Json | None:
    r"""Half an emoji (`"\ud83d"`, which JavaScript sends after a careless cut) is JSON too."""
    if re.search(rb"\\u[dD]", body) is None:
        return None
    try:
        return json.loads(body, parse_constant=_refuse, parse_float=_finite, parse_int=_in_range)
    except (ValueError, RecursionError):
        return None


def _refuse(text: str) -> float:
    raise ValueError(f"{text} is no JSON")


def _finite(text: str) -> float:
    value = float(text)
    return value if isfinite(value) else _refuse(text)


def _in_range(text: str) -> int | float:
    """As orjson reads them: integers in 64 bits, others as floats."""
    value = int(text)
    return value if -(2**63) <= value < 2**64 else _finite(text)


def _is_within(value: Json, levels: int) -> bool:
    level = [value] if value is not None else []
    for _ in range(levels):
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, dict | list)
        ]
        if not level:
            return True
    return False


def _part(part: Part) -> dict[str, str]:
    """A part as a JSON value. Its type is text/plain unless it says otherwise (RFC 7578)."""
    told = {"name": part.name}
    if part.filename is not None:
        told["filename"] = part.filename
    kind = part.type.lower().replace(" ", "").removesuffix(";charset=utf-8")
    told["type"] = kind or "text/plain"
    try:
        told["text"] = part.content.decode()
    except UnicodeDecodeError:
        told["data"] = _digest(part.content)
    return told


def _digest(data: bytes) -> str:
    return f"{len(data)} bytes, blake2b {blake2b(data, digest_size=16).hexdigest()}"
