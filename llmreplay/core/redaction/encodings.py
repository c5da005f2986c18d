"""How a secret may be spelled: escaped for JSON or a URL at any depth, in hex, in base64.

A spelling is sought by a pattern that allows each character its escapes; base64 is sought by
what a known beginning looks like at each of the three alignments, and then decoded.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode, urlsafe_b64encode
from urllib.parse import unquote_to_bytes

from llmreplay.core.redaction.spans import Wrapped

__all__ = [
    "base64_needles",
    "plain_spelling",
    "spellings",
    "text_in_base64",
    "unwrap",
    "wrap",
]

_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._")
_NAMED_ESCAPES = {"\n": b"n", "\r": b"r", "\t": b"t", "\b": b"b", "\f": b"f"}
_JSON_ESCAPE = re.compile(rb"\\+(?:u([0-9a-fA-F]{4})|([^A-Za-z0-9]))")

# The first characters that no byte before the secret has a part in, by the number of such bytes.
_FIRST_OWN = (0, 2, 3)
_QUAD = 4
_LATIN = 0xFF

_STANDARD = re.compile(rb"[A-Za-z0-9+/]*")
_URL_SAFE = re.compile(rb"[A-Za-z0-9_-]*")
_SAMPLE = 64
_GARBAGE = 9
_BEFORE = 256
"""How far before a needle base64 is decoded, so that what precedes a secret can be judged."""


def spellings(secret: bytes) -> bytes:
    """A pattern, for RE2 and `re` alike, of the plain, JSON-escaped, URL-encoded and hex forms."""
    try:
        characters: list[str | int] = list(secret.decode())
    except UnicodeDecodeError:
        characters = list(secret)
    escaped = b"".join(map(_character, characters))
    return escaped + b"|" + secret.hex().encode() + b"|" + secret.hex().upper().encode()


def base64_needles(secret: bytes) -> list[tuple[bytes, int]]:
    """What base64 text must hold if `secret` is in the bytes, for each alignment and alphabet.

    With each comes the number of characters from the start of its group of four.
    """
    needles: dict[bytes, int] = {}
    for before, first in enumerate(_FIRST_OWN):
        last = (before + len(secret)) * 8 // 6
        padded = bytes(before) + secret
        for encoded in (b64encode(padded), urlsafe_b64encode(padded)):
            needles[encoded[first:last]] = first
    return list(needles.items())


def unwrap(text: bytes, at: int, shift: int, *, limit: int | None = None) -> Wrapped | None:
    """The base64 around a needle at `at`, decoded from shortly before it to its end.

    `limit` bounds how many characters are decoded; a first look needs no more.
    """
    quad = at - shift
    standard, url_safe = (p.match(text, quad) for p in (_STANDARD, _URL_SAFE))
    if quad < 0 or standard is None or url_safe is None:
        return None
    run = url_safe if url_safe.end() > standard.end() else standard
    end = run.end() if limit is None else min(run.end(), quad + limit)
    start = quad
    while start >= max(_QUAD, quad - _BEFORE) and run.re.fullmatch(text, start - _QUAD, start):
        start -= _QUAD
    over = (end - start) % _QUAD
    if over == 1:  # no number of bytes gives this
        end, over = end - 1, 0
    missing = -over % _QUAD
    digits = text[start:end] + b"=" * missing
    padded = missing > 0 and text[end : end + missing] == b"=" * missing
    decoded = b64decode(digits, altchars=b"-_" if run is url_safe else None)
    return Wrapped(start, end + missing * padded, decoded, run is url_safe, padded or not missing)


def text_in_base64(text: bytes, start: int) -> Wrapped | None:
    """The base64 from `start` to its end, decoded, if what it says is text.

    What stands before it may be glued to it and so be garbage, hence the first bytes count for
    nothing.
    """
    sample = unwrap(text, start, 0, limit=_SAMPLE)
    if sample is None or not sample.decoded[_GARBAGE:].isascii():
        return None
    return unwrap(text, start, 0)


def wrap(wrapped: Wrapped, decoded: bytes) -> bytes:
    """`decoded` in the same base64 as `wrapped` was."""
    encoded = urlsafe_b64encode(decoded) if wrapped.url_safe else b64encode(decoded)
    return encoded if wrapped.padded else encoded.rstrip(b"=")


def plain_spelling(found: bytes) -> bytes:
    """`found` without the escapes of JSON and URLs: the secret itself."""
    if b"\\" in found:
        found = _JSON_ESCAPE.sub(_unescape, found)
    return unquote_to_bytes(found) if b"%" in found else found


def _unescape(escape: re.Match[bytes]) -> bytes:
    code, character = escape.groups()
    return chr(int(code, 16)).encode("utf-8", "replace") if code else character


def _character(character: str | int) -> bytes:
    """One character of a secret, with each way of writing it."""
    if isinstance(character, int):
        return b"(?:" + re.escape(bytes([character])) + b"|(?i:%%%02x))" % character
    raw = character.encode()
    if len(raw) == 1 and raw[0] in _UNRESERVED:
        return re.escape(raw)
    utf16 = character.encode("utf-16-be")
    units = [utf16[at : at + 2].hex().encode() for at in range(0, len(utf16), 2)]
    ways = [
        rb"\\*" + re.escape(raw),
        b"(?i:" + b"".join(b"%%%02x" % byte for byte in raw) + b")",
        b"".join(rb"\\+u(?i:" + unit + b")" for unit in units),
    ]
    if ord(character) <= _LATIN:  # as YAML has it
        ways.append(rb"\\+x(?i:%02x)" % ord(character))
    if character in _NAMED_ESCAPES:
        ways.append(rb"\\+" + _NAMED_ESCAPES[character])
    return b"(?:" + b"|".join(ways) + b")"
