"""A bounded memory: what can be made anew is kept while there is room.

The oldest goes first, not the least used: a look-up stays one dictionary access.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

__all__ = ["Memory"]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Memory(Generic[K, V]):
    """Values by key, up to `max_bytes` of what `put` is told they cost."""

    def __init__(self, *, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._values: dict[K, tuple[V, int]] = {}

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: K) -> V | None:
        """The value, or None if it never was here or had to go."""
        kept = self._values.get(key)
        return None if kept is None else kept[0]

    def put(self, key: K, value: V, cost_bytes: int) -> None:
        """Keep `value`; one that costs more than a quarter of the room is not kept at all."""
        if cost_bytes * 4 > self._max_bytes:
            return
        replaced = self._values.pop(key, None)
        self._bytes += cost_bytes - (replaced[1] if replaced is not None else 0)
        self._values[key] = (value, cost_bytes)
        while self._bytes > self._max_bytes:
            oldest = next(iter(self._values))
            self._bytes -= self._values.pop(oldest)[1]
