"""Finds secrets in bytes: known values first, then formats, then what its context gives away.

Gives places only; what is put there instead, the redactor decides. A finder holds the values of
one exchange. Who calls: the redactor, and the last scan.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from llmreplay.core.redaction.context import beside_access_key, named_secrets
from llmreplay.core.redaction.encodings import base64_needles, spellings, text_in_base64, unwrap
from llmreplay.core.redaction.formats import INNER, MAYBE, format_at, latin1
from llmreplay.core.redaction.spans import PLACEHOLDER, Claims, Span, Wrapped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Finder", "finder_of"]

_FIRST_LOOK = 1024
"""Characters of base64 that are decoded to see whether decoding the rest is worth it."""
_TOKEN = latin1(rb"[A-Za-z0-9+/_-]{24,}")
_DEEPEST = 2
"""Base64 in base64 is looked into; deeper, nobody keeps keys."""


class Finder:
    """A search for `values`, and for whatever looks like a secret.

    `strong_only` leaves out what is replaced to be on the safe side, but proves no leak.
    """

    def __init__(self, values: Iterable[bytes] = (), *, strong_only: bool = False) -> None:
        # The longest first: one value may begin with another.
        self._values = tuple(sorted(set(values), key=len, reverse=True))
        self._strong_only = strong_only
        self._needles = {
            needle: shift for value in self._values for needle, shift in base64_needles(value)
        }
        self._spelled = self._pattern() if self._values else None

    def find(self, text: bytes, depth: int = 0) -> list[Span | Wrapped]:
        """What is secret in `text`, in order of place, none over another or a placeholder."""
        placeholders = (
            [found.span() for found in PLACEHOLDER.finditer(text)] if b"REDACTED-" in text else []
        )
        claims = Claims(placeholders)
        found: list[Span | Wrapped] = []
        for candidates in (self._known(text, depth), self._formed(text, depth)):
            by_length = sorted(candidates, key=lambda span: (span.start - span.end, span.start))
            found += [span for span in by_length if claims.claim(((span.start, span.end),))]
        return sorted(found, key=lambda span: span.start)

    def _pattern(self) -> Any:  # noqa: ANN401  # re2 ships no types
        """One pattern for all values, a group each, and for what they look like in base64."""
        plain = [b"(" + spellings(value) + b")" for value in self._values]
        return latin1(b"|".join((*plain, *map(re.escape, self._needles))))

    def _known(self, text: bytes, depth: int) -> Iterator[Span | Wrapped]:
        """Where the values are, in any spelling."""
        at = 0
        while self._spelled is not None and (found := self._spelled.search(text, at)):
            start, end = found.span()
            at = start + 1
            value = next((v for v, g in zip(self._values, found.groups(), strict=True) if g), None)
            if value is not None:
                yield Span(start, end, value)
                at = end
            elif wrapped := self._wrapped(text, start, self._needles[found[0]], depth):
                yield wrapped
                at = max(wrapped.end, at)

    def _formed(self, text: bytes, depth: int) -> Iterator[Span | Wrapped]:
        """Where anything is that has the form of a secret."""
        at = 0
        while (maybe := MAYBE.search(text, at)) is not None:
            start = maybe.start()
            at = start + 1
            if found := format_at(text, start):
                form, span = found
                if form.strong or not self._strong_only:
                    yield span
                    at = max(span.end, at)
                if form.kind == "aws" and not self._strong_only:
                    yield from beside_access_key(text, span)
            elif wrapped := self._wrapped(text, start, INNER.get(maybe[0]), depth):
                yield wrapped
                at = max(wrapped.end, at)
        if not self._strong_only:
            yield from named_secrets(text)
        if depth < _DEEPEST:
            yield from self._in_tokens(text, depth)

    def _in_tokens(self, text: bytes, depth: int) -> Iterator[Wrapped]:
        """Base64 of text, wherever it begins, that holds anything secret."""
        for token in _TOKEN.finditer(text):
            for start in range(token.start(), token.start() + 4):
                wrapped = text_in_base64(text, start)
                if wrapped is not None and self.find(wrapped.decoded, depth + 1):
                    yield wrapped

    def _wrapped(self, text: bytes, at: int, shift: int | None, depth: int) -> Wrapped | None:
        """The base64 around a needle, if a secret really is in it."""
        if shift is None or depth == _DEEPEST:
            return None
        look = unwrap(text, at, shift, limit=_FIRST_LOOK)
        if look is None or not self.find(look.decoded, depth + 1):
            return None
        return unwrap(text, at, shift)


@lru_cache(maxsize=128)
def finder_of(values: tuple[bytes, ...], *, strong_only: bool = False) -> Finder:
    """The finder for `values`; those of the last exchanges are kept, as making one takes time."""
    return Finder(values, strong_only=strong_only)
