"""How a secret may be spelled: escaped for JSON or a URL at any depth, in hex, in base64.

A spelling is sought by a pattern that allows each character its escapes; base64 is sought by
what a known beginning looks like at each of the three alignments, and then decoded.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode, urlsafe_b64encode
from binascii import a2b_base64
from functools import cached_property
from urllib.parse import unquote_to_bytes

from llmreplay.core.redaction.spans import Span, Wrapped

__all__ = [
    "KnownValue",
    "base64_needles",
    "plain_spelling",
    "short_needles",
    "text_in_base64",
    "unwrap",
    "wrap",
]

_UNESCAPED = re.compile(rb"[A-Za-z0-9._-]+")
_SHORTEST_PROBE = 6
_LONGEST_PROBE = 16
_LONGEST_ESCAPE = 16  # a character at three levels of nesting
_NAMED_ESCAPES = dict(  # of JSON, and YAML's besides
    zip("\n\r\t\b\f\0\a\v\x1b\x85\xa0\u2028\u2029", "nrtbf0aveN_LP", strict=True)
)
_JSON_ESCAPE = re.compile(rb"\\+(?:u([0-9a-fA-F]{4})|([^A-Za-z0-9]))")

# The first characters that no byte before the secret has a part in, by the number of such bytes.
_FIRST_OWN = (0, 2, 3)
_QUAD = 4

_STANDARD = re.compile(rb"[A-Za-z0-9+/]*")
_URL_SAFE = re.compile(rb"[A-Za-z0-9_-]*")
_SAMPLE = 64
_GARBAGE = 9
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")
_BEFORE = 256
"""How far before a needle base64 is decoded, so that what precedes a secret can be judged."""


class KnownValue:
    """A value that is sought in all its spellings.

    `probe` is a short pattern (for RE2 as for `re`) of which every spelling but base64 has a
    match.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        longest = max(_UNESCAPED.finditer(secret), key=lambda run: len(run[0]), default=None)
        if longest is None or len(longest[0]) < _SHORTEST_PROBE:
            before, literal, after = b"", b"", secret
            plain = _spelled(secret)
        else:
            start, end = longest.start(), min(longest.end(), longest.start() + _LONGEST_PROBE)
            before, literal, after = secret[:start], secret[start:end], secret[end:]
            plain = re.escape(literal)
        self._literal, self._before, self._after = literal, before, after
        self._hex = secret.hex().encode()
        digits = self._hex[: 2 * _LONGEST_PROBE]
        self.probe = plain + b"|" + digits + b"|" + digits.upper()

    def around(self, text: bytes, probe: int) -> Span | None:
        """The value whose `probe` matched there, if it is whole."""
        for digits in (self._hex, self._hex.upper()):
            if text.startswith(digits, probe):
                return Span(probe, probe + len(digits), self._secret)
        if not text.startswith(self._literal, probe):
            return None
        before, after = self._around
        reach = max(0, probe - _LONGEST_ESCAPE * len(self._before))
        start = before.search(text, reach, probe)
        end = after.match(text, probe + len(self._literal))
        return Span(start.start(), end.end(), self._secret) if start and end else None

    @cached_property
    def _around(self) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
        """What comes before and after the probe. Rarely needed, and slow to make."""
        return re.compile(_spelled(self._before) + rb"\Z"), re.compile(_spelled(self._after))


def _spelled(secret: bytes) -> bytes:
    """A pattern of the plain, JSON-escaped, YAML-escaped and URL-encoded forms."""
    try:
        return b"".join(map(_character, secret.decode()))
    except UnicodeDecodeError:
        return b"".join(b"(?:" + re.escape(bytes([b])) + b"|(?i:%%%02x))" % b for b in secret)


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


def short_needles(secret: bytes) -> list[tuple[bytes, int]]:
    """Beginnings of the needles of a long secret, enough to look closer."""
    return [(needle[:_LONGEST_PROBE], shift) for needle, shift in base64_needles(secret)]


def unwrap(text: bytes, at: int, shift: int, *, limit: int | None = None) -> Wrapped | None:
    """The base64 around a needle at `at`, decoded from shortly before it to its end.

    `limit` bounds how many characters are decoded; a first look needs no more.
    """
    quad = at - shift
    last = len(text) if limit is None else quad + limit
    standard, url_safe = (p.match(text, quad, last) for p in (_STANDARD, _URL_SAFE))
    if quad < 0 or standard is None or url_safe is None:
        return None
    run = url_safe if url_safe.end() > standard.end() else standard
    end = run.end()
    start = quad
    least = max(0, quad - _BEFORE) + _QUAD
    while start >= least and run.re.fullmatch(text, start - _QUAD, start):
        start -= _QUAD
    over = (end - start) % _QUAD
    if over == 1:  # no number of bytes gives this
        end, over = end - 1, 0
    missing = -over % _QUAD
    digits = text[start:end] + b"=" * missing
    padded = missing > 0 and text[end : end + missing] == b"=" * missing
    decoded = b64decode(digits, altchars=b"-_" if run is url_safe else None)
    return Wrapped(start, end + missing * padded, decoded, run is url_safe, padded or not missing)


def text_in_base64(text: bytes, token: tuple[int, int]) -> Wrapped | None:
    """The base64 in a run of its digits, decoded, if what it says is text.

    What is glued to it on the left shifts it and becomes garbage, so each alignment is tried and
    the first bytes count for nothing.
    """
    sample = text[token[0] : min(token[1], token[0] + _SAMPLE)].translate(_TO_STANDARD)
    for shift in range(_QUAD):
        digits = sample[shift : shift + (len(sample) - shift) // _QUAD * _QUAD]
        if a2b_base64(digits)[_GARBAGE:].isascii():
            return unwrap(text, token[0] + shift, 0)
    return None


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


def _character(character: str) -> bytes:
    """One character of a secret, with each way of writing it."""
    raw = character.encode()
    if _UNESCAPED.fullmatch(raw):
        return re.escape(raw)
    utf16 = character.encode("utf-16-be")
    units = [utf16[at : at + 2].hex().encode() for at in range(0, len(utf16), 2)]
    ways = [
        rb"\\*" + re.escape(raw),
        b"(?i:" + b"".join(b"%%%02x" % byte for byte in raw) + b")",
        b"".join(rb"\\+u(?i:" + unit + b")" for unit in units),
    ]
    # As YAML has it.
    ways.append(rb"\\+(?:x(?i:%02x)|U(?i:%08x))" % (ord(character), ord(character)))
    if character in _NAMED_ESCAPES:
        ways.append(rb"\\+" + _NAMED_ESCAPES[character].encode())
    return b"(?:" + b"|".join(ways) + b")"
