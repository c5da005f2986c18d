from __future__ import annotations

import pytest

from llmreplay.core.redaction.edits import Edit, Joined, applied


@pytest.mark.parametrize(
    ("edits", "changed"),
    [
        ([], [b"abc", b"", b"def"]),
        ([Edit(0, 1, b"X")], [b"Xbc", b"", b"def"]),
        ([Edit(4, 5, b""), Edit(1, 2, b"YY")], [b"aYYc", b"", b"df"]),
        ([Edit(1, 5, b"X")], [b"aX", b"", b"f"]),
        ([Edit(0, 3, b"X"), Edit(3, 6, b"Y")], [b"X", b"", b"Y"]),
        ([Edit(0, 6, b"X")], [b"X", b"", b""]),
    ],
)
def test_places_count_over_all_pieces(edits: list[Edit], changed: list[bytes]) -> None:
    assert changed == applied([b"abc", b"", b"def"], edits)


def test_a_joined_text_knows_where_it_came_from() -> None:
    joined = Joined(b"<ab> <cd> <ef>", [[(1, 3), (6, 8), (11, 13)], [(6, 8), (7, 7), (11, 13)]])
    assert joined.text == b"abcdef\0cdef\0"
    assert joined.places(1, 5) == ((2, 3), (6, 8), (11, 12))
    assert joined.places(2, 4) == ((6, 8),)
    assert joined.places(8, 10) == ((7, 8), (11, 12))
