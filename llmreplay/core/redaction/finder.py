"""Finds secrets in bytes: known values first, then formats, then what its context gives away.

Gives places only; what is put there instead, the redactor decides. A finder holds the values of
one exchange. Who calls: the redactor, and the last scan.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from llmreplay.core.redaction.context import beside_access_key, named_secrets
from llmreplay.core.redaction.encodings import KnownValue, short_needles, text_in_base64, unwrap
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
    """A search for `values` and `accounts`, and for whatever has the form of a secret.

    Accounts are ids, no credentials, and stay where they are in base64: providers put them into
    what they encrypt. `strong_only` leaves out what is replaced to be on the safe side, but
    proves no leak.
    """

    def __init__(
        self,
        values: Iterable[bytes] = (),
        accounts: Iterable[bytes] = (),
        *,
        strong_only: bool = False,
    ) -> None:
        credentials = set(values)
        # The longest first: one value may begin with another.
        secrets = sorted(credentials | set(accounts), key=len, reverse=True)
        self._values = [KnownValue(secret) for secret in secrets]
        self._strong_only = strong_only
        self._needles = {n: shift for value in credentials for n, shift in short_needles(value)}
        probes = [value.probe for value in self._values] + list(map(re.escape, self._needles))
        self._maybe_value = latin1(b"|".join(probes)) if probes else None

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

    def _known(self, text: bytes, depth: int) -> Iterator[Span | Wrapped]:
        """Where the values are, in any spelling."""
        at = 0
        while self._maybe_value is not None and (maybe := self._maybe_value.search(text, at)):
            start = at = maybe.start()
            found: Span | Wrapped | None = next(
                (span for value in self._values if (span := value.around(text, start))), None
            )
            if found is None:
                found = self._wrapped(text, start, self._needles.get(maybe[0]), depth)
            if found is not None:
                yield found
                at = found.end
            at = max(at, start + 1)

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
        looked_at: set[bytes] = set()
        for token in _TOKEN.finditer(text):
            if token[0] in looked_at:
                continue
            looked_at.add(token[0])
            wrapped = text_in_base64(text, token.span())
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
def finder_of(
    values: tuple[bytes, ...], accounts: tuple[bytes, ...] = (), *, strong_only: bool = False
) -> Finder:
    """A finder; those of the last exchanges are kept, as making one takes time."""
    return Finder(values, accounts, strong_only=strong_only)
