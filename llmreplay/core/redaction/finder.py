"""Finds secrets in bytes: known values first, then formats, then what its context gives away.

Gives places only; what is put there instead, the redactor decides. A finder holds the values of
one exchange. Who calls: the redactor, and the last scan.
"""

from __future__ import annotations

import re
from functools import cached_property, lru_cache
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

    `strong_only` leaves out what is replaced to be on the safe side, but proves no leak; without
    `ids`, those of organisations and AWS accounts are left alone.
    """

    def __init__(
        self,
        values: Iterable[bytes] = (),
        accounts: Iterable[bytes] = (),
        *,
        strong_only: bool = False,
        ids: bool = True,
        depth: int = 0,
    ) -> None:
        # The longest first: one value may begin with another.
        secrets = sorted({*values, *accounts}, key=len, reverse=True)
        self._values = [KnownValue(secret) for secret in secrets]
        self._credentials = tuple(values)
        self._strong_only = strong_only
        self._depth = depth
        self._ids = ids and depth == 0
        self._needles = {
            n: shift for value in self._credentials for n, shift in short_needles(value)
        }
        probes = [value.probe for value in self._values] + list(map(re.escape, self._needles))
        self._maybe_value = latin1(b"|".join(probes)) if probes else None

    @cached_property
    def inner(self) -> Finder | None:
        """The search in what was base64, None where it is deep enough.

        It leaves ids alone, since providers put them into what they encrypt.
        """
        if self._depth == _DEEPEST:
            return None
        return Finder(self._credentials, strong_only=self._strong_only, depth=self._depth + 1)

    def find(self, text: bytes) -> list[Span | Wrapped]:
        """What is secret in `text`, in order of place, none over another or a placeholder."""
        placeholders = (
            [found.span() for found in PLACEHOLDER.finditer(text)] if b"REDACTED-" in text else []
        )
        claims = Claims(placeholders)
        found: list[Span | Wrapped] = []
        for candidates in (self._known(text), self._formed(text)):
            by_length = sorted(candidates, key=lambda span: (span.start - span.end, span.start))
            found += [span for span in by_length if claims.claim(((span.start, span.end),))]
        return sorted(found, key=lambda span: span.start)

    def _known(self, text: bytes) -> Iterator[Span | Wrapped]:
        """Where the values are, in any spelling."""
        at = 0
        while self._maybe_value is not None and (maybe := self._maybe_value.search(text, at)):
            start = at = maybe.start()
            found: Span | Wrapped | None = next(
                (span for value in self._values if (span := value.around(text, start))), None
            )
            if found is None:
                found = self._wrapped(text, start, self._needles.get(maybe[0]))
            if found is not None:
                yield found
                at = found.end
            at = max(at, start + 1)

    def _formed(self, text: bytes) -> Iterator[Span | Wrapped]:
        """Where anything is that has the form of a secret."""
        at = 0
        while (maybe := MAYBE.search(text, at)) is not None:
            start = maybe.start()
            at = start + 1
            if found := format_at(text, start):
                form, span = found
                if form.strong or (not self._strong_only and (self._ids or not form.is_id)):
                    yield span
                    at = max(span.end, at)
                if form.kind == "aws" and not self._strong_only:
                    yield from beside_access_key(text, span)
            elif wrapped := self._wrapped(text, start, INNER.get(maybe[0])):
                yield wrapped
                at = max(wrapped.end, at)
        if not self._strong_only:
            yield from named_secrets(text)
        if self.inner is not None:
            yield from self._in_tokens(text, self.inner)

    def _in_tokens(self, text: bytes, inner: Finder) -> Iterator[Wrapped]:
        """Base64 of text, wherever it begins, that holds anything secret."""
        harmless: set[bytes] = set()
        for token in _TOKEN.finditer(text):
            if token[0] in harmless:
                continue
            wrapped = text_in_base64(text, token.span())
            if wrapped is not None and inner.find(wrapped.decoded):
                yield wrapped
            else:
                harmless.add(token[0])

    def _wrapped(self, text: bytes, at: int, shift: int | None) -> Wrapped | None:
        """The base64 around a needle, if a secret really is in it."""
        if shift is None or self.inner is None:
            return None
        look = unwrap(text, at, shift, limit=_FIRST_LOOK)
        if look is None or not self.inner.find(look.decoded):
            return None
        return unwrap(text, at, shift)


@lru_cache(maxsize=128)
def finder_of(
    values: tuple[bytes, ...],
    accounts: tuple[bytes, ...] = (),
    *,
    strong_only: bool = False,
    ids: bool = True,
) -> Finder:
    """A finder; those of the last exchanges are kept, as making one takes time."""
    return Finder(values, accounts, strong_only=strong_only, ids=ids)
