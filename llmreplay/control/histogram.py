"""How long things took: counts by size, from which percentiles follow. Never grows.

24 steps a decade, from 10 µs to 16 minutes: a percentile is at most 10 % too long.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Histogram"]

_LEAST_MS = 0.01
_STEPS = 24
_DECADES = 8
_BOUNDS = tuple(_LEAST_MS * 10 ** ((step + 1) / _STEPS) for step in range(_STEPS * _DECADES))
"""The longest duration of each step; the last step has what is longer as well."""
_PROMETHEUS_STEP = 8
_MOST_WAITING = 256


class Histogram:
    """Durations in milliseconds.

    They wait until there are some to be sorted in together, which takes a fifth as long.
    """

    __slots__ = ("_counts", "_most_ms", "_sum_ms", "_waiting")

    def __init__(self) -> None:
        self._counts = array("Q", bytes(8 * len(_BOUNDS)))
        self._waiting = array("d")
        self._sum_ms = 0.0
        self._most_ms = 0.0

    def add(self, duration_ms: float) -> None:
        """One more. Paid for every request."""
        waiting = self._waiting
        waiting.append(duration_ms)
        if len(waiting) == _MOST_WAITING:
            self._sort_in()

    @property
    def count(self) -> int:
        """How many there were."""
        self._sort_in()
        return sum(self._counts)

    @property
    def sum_ms(self) -> float:
        """How long all of them took."""
        self._sort_in()
        return self._sum_ms

    @property
    def most_ms(self) -> float:
        """The longest."""
        self._sort_in()
        return self._most_ms

    def join(self, other: Histogram) -> None:
        """Count what `other` has counted as well."""
        self._sum_ms += other.sum_ms
        self._most_ms = max(self._most_ms, other.most_ms)
        for step, count in enumerate(other._counts):  # its own kind
            self._counts[step] += count

    def percentile(self, share: float) -> float:
        """The duration that this share (0 to 1) of all is not longer than; 0 of none."""
        wanted = share * self.count
        passed = 0
        for bound_ms, count in zip(_BOUNDS, self._counts, strict=True):
            passed += count
            if count and passed >= wanted:
                return min(bound_ms, self._most_ms)
        return self._most_ms

    def buckets(self) -> Iterator[tuple[float, int]]:
        """Upper bounds in ms, three a decade, and how many were not above each; infinity last."""
        self._sort_in()
        sums = [*accumulate(self._counts)]
        every = slice(_PROMETHEUS_STEP - 1, -1, _PROMETHEUS_STEP)
        yield from zip(_BOUNDS[every], sums[every], strict=True)
        yield math.inf, sums[-1]

    def _sort_in(self) -> None:
        """Count those that wait."""
        durations = sorted(self._waiting)
        if not durations:
            return
        del self._waiting[:]
        self._sum_ms += sum(durations)
        self._most_ms = max(self._most_ms, durations[-1])
        done, last = 0, len(_BOUNDS) - 1
        while done < len(durations):
            step = min(bisect_left(_BOUNDS, durations[done]), last)
            upto = bisect_right(durations, _BOUNDS[step]) if step < last else len(durations)
            self._counts[step] += upto - done
            done = upto
