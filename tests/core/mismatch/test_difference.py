from __future__ import annotations

from llmreplay.core.mismatch import Difference


def test_a_difference_is_a_value() -> None:
    assert Difference("a differs") == Difference("a differs", places=(), ignore=None, texts=None)
    assert {Difference("a differs"): 1}[Difference("a differs", weight=1, size=0)] == 1
