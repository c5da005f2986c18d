"""Chance that is not dice: numbers that follow from what they are for.

The same seed, rule, session, request and occurrence give the same number in every run, whatever
the order in which requests arrive. `when` and all that jitters asks here.
"""

from __future__ import annotations

import math
from hashlib import blake2b
from statistics import NormalDist
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["SPREADS", "fraction", "key_of"]

_NORMAL = NormalDist()
_SEPARATOR = b"\0"


def key_of(*parts: object) -> bytes:
    """A key for what `parts` name together."""
    text = _SEPARATOR.join(str(part).encode("utf-8", "surrogateescape") for part in parts)
    return blake2b(text, digest_size=16).digest()


def fraction(key: bytes, place: int = 0) -> float:
    """A number from 0 to below 1, evenly spread over keys and places."""
    digest = blake2b(key + place.to_bytes(8), digest_size=8).digest()
    return (int.from_bytes(digest) >> 11) / 2**53


def _uniform(mean_ms: float, jitter_ms: float, even: float) -> float:
    return mean_ms + (2 * even - 1) * jitter_ms


def _normal(mean_ms: float, jitter_ms: float, even: float) -> float:
    return mean_ms + jitter_ms * _deviations(even)


def _lognormal(mean_ms: float, jitter_ms: float, even: float) -> float:
    if mean_ms <= 0:
        return mean_ms
    return mean_ms * math.exp(math.log1p(jitter_ms / mean_ms) * _deviations(even))


def _deviations(even: float) -> float:
    """How many standard deviations from the mean; a fraction of 0 has none."""
    return _NORMAL.inv_cdf(max(even, 2**-53))


SPREADS: dict[str, Callable[[float, float, float], float]] = {
    "uniform": _uniform,
    "normal": _normal,
    "lognormal": _lognormal,
}
"""(a wait, its jitter, a fraction) → the wait of this time, by name of the distribution.

The jitter is the most by which a uniform wait differs, and one standard deviation of a normal
one; of a lognormal one, whose median is the wait, the upper.
"""
