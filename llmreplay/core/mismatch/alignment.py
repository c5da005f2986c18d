"""Alignment: which item of one sequence stands for which of another."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

__all__ = ["Alignment", "aligned"]

_MOST = 200
"""Items that are matched with one another; more are taken by their place."""

Item = TypeVar("Item", bound="Hashable")


@dataclass(frozen=True, slots=True)
class Alignment:
    """Indexes of items that differ: `changed` in both sequences, the others in one of them."""

    changed: tuple[tuple[int, int], ...] = ()
    new: tuple[int, ...] = ()
    missing: tuple[int, ...] = ()

    @classmethod
    def of(cls, pairs: Iterable[tuple[int | None, int | None]]) -> Alignment:
        """From pairs of a recorded and an asked index; None where one has no counterpart."""
        listed = list(pairs)
        return cls(
            tuple(
                (here, there) for here, there in listed if here is not None and there is not None
            ),
            tuple(there for here, there in listed if here is None and there is not None),
            tuple(here for here, there in listed if there is None and here is not None),
        )


def aligned(recorded: Sequence[Item], asked: Sequence[Item]) -> Alignment:
    """How `asked` differs from `recorded`; equal items that stand for each other are left out.

    What is equal at both ends is skipped first, so that a long conversation with one edit
    costs next to nothing.
    """
    start, end = _common_ends(recorded, asked)
    ours, theirs = range(start, len(recorded) - end), range(start, len(asked) - end)
    if len(ours) == len(theirs) or max(len(ours), len(theirs)) > _MOST:
        return Alignment.of(zip_longest(ours, theirs))
    matcher = SequenceMatcher(
        None, recorded[ours.start : ours.stop], asked[theirs.start : theirs.stop], autojunk=False
    )
    return Alignment.of(
        pair
        for tag, our_from, our_to, their_from, their_to in matcher.get_opcodes()
        if tag != "equal"
        for pair in zip_longest(ours[our_from:our_to], theirs[their_from:their_to])
    )


def _common_ends(recorded: Sequence[Item], asked: Sequence[Item]) -> tuple[int, int]:
    """How many items are equal at the beginning, and how many of the others at the end."""
    shorter = min(len(recorded), len(asked))
    start = 0
    while start < shorter and recorded[start] == asked[start]:
        start += 1
    end = 0
    while end < shorter - start and recorded[-1 - end] == asked[-1 - end]:
        end += 1
    return start, end
