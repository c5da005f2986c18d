"""Files that change: sound ones are taken, others are told of and passed over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llmreplay.errors import UsageError
from llmreplay.overlays import Watched

if TYPE_CHECKING:
    from pathlib import Path


def test_changes(tmp_path: Path) -> None:
    path = tmp_path / "one.yaml"
    path.write_text("rules:\n- fault: timeout\n")
    watched = Watched([path])
    before = watched.rules
    assert watched.changed() is None

    path.write_text("rules:\n- fault: timeuot\n")
    told = watched.changed()
    assert told is not None
    assert told.startswith("overlays changed and are not sound, the rules before stay: ")
    assert 'did you mean "timeout"?' in told
    assert watched.rules is before
    assert watched.changed() is None

    path.write_text("rules:\n- fault: timeout\n- fault: auth\n")
    assert watched.changed() == "overlays changed: 2 rules"
    assert len(watched.rules) == 2

    path.unlink()
    assert "cannot be read" in str(watched.changed())
    assert len(watched.rules) == 2


def test_at_the_start_mistakes_stop(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        Watched([tmp_path / "gone.yaml"])
