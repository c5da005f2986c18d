from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmreplay.core.mismatch.alignment import Alignment, aligned


@pytest.mark.parametrize(
    ("recorded", "asked", "found"),
    [
        ("", "", Alignment()),
        ("abc", "abc", Alignment()),
        ("abc", "aXc", Alignment(changed=((1, 1),))),
        ("abc", "abcd", Alignment(new=(3,))),
        ("abcd", "abc", Alignment(missing=(3,))),
        ("abc", "XabcY", Alignment(new=(0, 4))),
        ("abcd", "aXcdYZ", Alignment(changed=((1, 1),), new=(4, 5))),
        ("abcdef", "aefZ", Alignment(new=(3,), missing=(1, 2, 3))),
        # As many on both sides are taken by their place.
        ("abcd", "acdZ", Alignment(changed=((1, 1), (2, 2), (3, 3)))),
        ("aa", "a", Alignment(missing=(1,))),
        ("", "ab", Alignment(new=(0, 1))),
    ],
)
def test_items_that_differ_are_paired(recorded: str, asked: str, found: Alignment) -> None:
    assert found == aligned(recorded, asked)


def test_very_many_items_are_taken_by_their_place() -> None:
    found = aligned(range(300), range(1_000, 1_250))
    assert found == Alignment(
        changed=tuple((index, index) for index in range(250)), missing=tuple(range(250, 300))
    )


items = st.text("abc", max_size=8)


@given(items, items)
def test_what_is_in_no_pair_is_equal(recorded: str, asked: str) -> None:
    found = aligned(recorded, asked)
    ours = [*found.missing, *(here for here, _ in found.changed)]
    theirs = [*found.new, *(there for _, there in found.changed)]
    assert len(ours) == len(set(ours))
    assert len(theirs) == len(set(theirs))
    kept = [item for index, item in enumerate(recorded) if index not in ours]
    assert kept == [item for index, item in enumerate(asked) if index not in theirs]
    assert (found == Alignment()) == (recorded == asked)
