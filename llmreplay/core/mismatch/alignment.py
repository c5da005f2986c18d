"""Alignment: which item of one sequence stands for which of another."""

from __future__ import annotations

from difflib import SequenceMatcher
from itertools import zip_longest
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

__all__ = ["aligned"]

_MOST = 200
"""Items that are matched with one another; more are taken by their place."""

Item = TypeVar("Item", bound="Hashable")


def aligned(ours: Sequence[Item], theirs: Sequence[Item]) -> list[tuple[int | None, int | None]]:
    """Pairs of indexes of items that differ; None where one side has nothing in its place.

    Equal items are in no pair. What is equal at both ends is skipped first, so that a long
    conversation with one edit costs next to nothing.
    """
    start = 0
    while start < min(len(ours), len(theirs)) and ours[start] == theirs[start]:
        start += 1
    end = 0
    while end < min(len(ours), len(theirs)) - start and ours[-1 - end] == theirs[-1 - end]:
        end += 1
    our_range, their_range = range(start, len(ours) - end), range(start, len(theirs) - end)
    if len(our_range) == len(their_range) or max(len(our_range), len(their_range)) > _MOST:
        return list(zip_longest(our_range, their_range))
    matcher = SequenceMatcher(
        None, ours[start : len(ours) - end], theirs[start : len(theirs) - end], autojunk=False
    )
    return [
        pair
        for tag, our_from, our_to, their_from, their_to in matcher.get_opcodes()
        if tag != "equal"
        for pair in zip_longest(our_range[our_from:our_to], their_range[their_from:their_to])
    ]
