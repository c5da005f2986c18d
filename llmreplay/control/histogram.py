"""How long things took: counts by size, from which percentiles follow. Never grows.

24 steps a decade, from 10 µs to 16 minutes: a percentile is right to within 5 %.
"""

from __future__ import annotations

import math
from array import array
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Histogram"]

_LEAST_MS = 0.01
_STEPS = 24
_DECADES = 8
_SIZE = _STEPS * _DECADES
_PER_E = _STEPS / math.log(10)
_PROMETHEUS_STEP = 8
_log = math.log


class Histogram:
    """Durations in milliseconds."""

    __slots__ = ("_counts", "count", "most_ms", "sum_ms")

    def __init__(self) -> None:
        self.count = 0
        self.sum_ms = 0.0
        self.most_ms = 0.0
        self._counts = array("Q", bytes(8 * _SIZE))

    def add(self, duration_ms: float) -> None:
        """One more. Paid for every request."""
        self.count += 1
        self.sum_ms += duration_ms
        self.most_ms = max(self.most_ms, duration_ms)
        if duration_ms <= _LEAST_MS:
            self._counts[0] += 1
            return
        step = int(_log(duration_ms / _LEAST_MS) * _PER_E)
        self._counts[step if step < _SIZE else _SIZE - 1] += 1

    def join(self, other: Histogram) -> None:
        """Count what `other` has counted as well."""
        self.count += other.count
        self.sum_ms += other.sum_ms
        self.most_ms = max(self.most_ms, other.most_ms)
        for step, count in enumerate(other._counts):  # its own kind
            self._counts[step] += count

    def percentile(self, share: float) -> float:
        """The duration that this share (0 to 1) of all is not longer than; 0 of none."""
        wanted = share * self.count
        passed = 0
        for step, count in enumerate(self._counts):
            passed += count
            if count and passed >= wanted:
                return min(_upper_ms(step), self.most_ms)
        return self.most_ms

    def buckets(self) -> Iterator[tuple[float, int]]:
        """Upper bounds in ms, three a decade, and how many were not above each; infinity last."""
        passed = 0
        for step, count in enumerate(self._counts):
            passed += count
            if (step + 1) % _PROMETHEUS_STEP == 0 and step + 1 < _SIZE:
                yield _upper_ms(step), passed
        yield math.inf, self.count


def _upper_ms(step: int) -> float:
    return float(_LEAST_MS * 10 ** ((step + 1) / _STEPS))
