"""What a search gives: places in bytes, and what is there. Their text forms hold no secret."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["PLACEHOLDER", "Claims", "Span", "Wrapped"]

PLACEHOLDER = re.compile(rb"REDACTED-[a-z]+-[0-9]+")
"""What stands where a secret was: `REDACTED-<kind>-<number>`."""


@dataclass(frozen=True, slots=True)
class Span:
    """A secret at `start` to `end`; `secret` is its plain spelling, without escapes."""

    start: int
    end: int
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Wrapped:
    """Base64 at `start` to `end`; `decoded` holds a secret. `padded`: `=` fills it up."""

    start: int
    end: int
    decoded: bytes = field(repr=False)
    url_safe: bool = False
    padded: bool = True


class Claims:
    """Places that are spoken for: no two overlap."""

    def __init__(self, places: Iterable[tuple[int, int]] = ()) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        for place in places:
            self.claim((place,))

    def claim(self, places: tuple[tuple[int, int], ...]) -> bool:
        """Takes all of `places`, unless one of them is taken already; whether it did."""
        if not all(self._free(start, end) for start, end in places):
            return False
        for start, end in places:
            at = bisect_left(self._starts, start)
            self._starts.insert(at, start)
            self._ends.insert(at, end)
        return True

    def _free(self, start: int, end: int) -> bool:
        at = bisect_left(self._starts, end)
        return at == 0 or self._ends[at - 1] <= start
