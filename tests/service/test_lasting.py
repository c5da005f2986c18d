"""What is made at the start is not looked at again."""

from __future__ import annotations

import gc

import pytest

from llmreplay.service.lasting import lasting


def test_what_is_made_inside_is_out_of_the_collectors_sight() -> None:
    before = gc.get_freeze_count()
    try:
        with lasting():
            assert not gc.isenabled()
            kept = [[] for _ in range(100)]  # type: ignore[var-annotated]  # of anything
        assert gc.get_freeze_count() >= before + len(kept)
    finally:
        gc.unfreeze()
    assert gc.isenabled()


def test_after_a_mistake_all_is_as_it_was() -> None:
    before = gc.get_freeze_count()
    with pytest.raises(ValueError, match="broken"), lasting():
        raise ValueError("broken")
    assert (gc.isenabled(), gc.get_freeze_count()) == (True, before)
