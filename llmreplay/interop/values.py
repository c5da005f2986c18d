"""How recorders spell headers and bodies in YAML and JSON, read the same way for all of them.

The readers of formats call it. It decides what bytes a stored body stands for; whether those
are what passed on the wire is for `assembly`.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmreplay.core.exchange import Headers
    from llmreplay.interop.field import Field

__all__ = [
    "base64_bytes",
    "body_bytes",
    "headers_of",
    "hex_bytes",
    "json_bytes",
    "text_bytes",
    "whole_ms",
]

_MS_PER_DAY = 86_400_000


def headers_of(headers: Field) -> Headers:
    """A mapping of names to a value or a list of values, as pairs; empty for none."""
    return tuple(
        (name, value.text().strip())
        for name, values in headers.entries()
        for value in _each(values)
        if value.present
    )


def _each(values: Field) -> list[Field]:
    return values.items() if isinstance(values.value, list) else [values]


def body_bytes(body: Field) -> bytes:
    """Nothing, text, bytes, or a JSON value that the recorder has unpacked."""
    if not body.present:
        return b""
    if isinstance(body.value, bytes):
        return body.value
    return json_bytes(body) if isinstance(body.value, dict | list) else text_bytes(body)


def text_bytes(text: Field) -> bytes:
    """Text as UTF-8."""
    try:
        return text.text().encode()
    except UnicodeEncodeError as error:
        raise text.misfit(f"cannot be UTF-8: {error.reason}") from error


def json_bytes(value: Field) -> bytes:
    """A JSON value as compact JSON: its own spelling is lost with whoever unpacked it."""
    try:
        return json.dumps(
            value.value, ensure_ascii=False, allow_nan=False, separators=(",", ":")
        ).encode()
    except (RecursionError, TypeError, ValueError) as error:
        raise value.misfit(f"cannot be written as JSON: {error}") from error


def base64_bytes(text: Field) -> bytes:
    """What base64 text stands for; line breaks are allowed."""
    try:
        return base64.b64decode("".join(text.text().split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise text.misfit(f"is not valid base64: {error}") from error


def hex_bytes(text: Field) -> bytes:
    """What hexadecimal text stands for."""
    try:
        return bytes.fromhex(text.text())
    except ValueError as error:
        raise text.misfit(f"is not valid hexadecimal: {error}") from error


def whole_ms(duration: object) -> int:
    """Milliseconds as a whole number within a day; 0 for what is no duration."""
    if not isinstance(duration, int | float) or not duration > 0:  # NaN is not, either
        return 0
    return round(min(duration, _MS_PER_DAY))
