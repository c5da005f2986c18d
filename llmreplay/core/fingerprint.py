"""Fingerprints: a canonical form → 16 bytes, and → small ints that tell which forms are near.

Neither depends on hash seed, locale, time zone, platform or process. Fingerprints are what
recordings are found by; features are what the explanation of a miss finds the nearest by.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from llmreplay.core.canonical import Canonical
    from llmreplay.core.dialect import Dialect

__all__ = ["Fingerprint", "features", "fingerprint"]

Fingerprint: TypeAlias = bytes
"""16 bytes."""


def fingerprint(canonical: Canonical) -> Fingerprint:
    """The hash of all that takes part in a match."""
    raise NotImplementedError


def features(canonical: Canonical, dialect: Dialect) -> tuple[int, ...]:
    """Hashes (64 bits) of the parts of a request: turns, beginnings of the conversation, fields.

    Two requests are the nearer, the more of these they share.
    """
    raise NotImplementedError
