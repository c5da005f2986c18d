"""The environment is as it was, whatever happened to it meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from llmreplay.replay.variables import Variables

if TYPE_CHECKING:
    import pytest


def test_variables_are_set_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMREPLAY_TEST_THERE", "before")
    monkeypatch.delenv("LLMREPLAY_TEST_NEW", raising=False)
    variables = Variables()
    variables.set({"LLMREPLAY_TEST_THERE": "1", "LLMREPLAY_TEST_NEW": "1"})
    variables.set({"LLMREPLAY_TEST_THERE": "2"})
    command = [sys.executable, "-c", "import os; print(os.environ['LLMREPLAY_TEST_THERE'])"]
    assert subprocess.check_output(command, text=True) == "2\n"  # noqa: S603  # our own program
    os.environ.pop("LLMREPLAY_TEST_NEW")
    variables.restore()
    assert os.environ["LLMREPLAY_TEST_THERE"] == "before"
    assert "LLMREPLAY_TEST_NEW" not in os.environ


def test_what_was_not_there_is_gone() -> None:
    variables = Variables()
    variables.set({"LLMREPLAY_TEST_NEW": "1"})
    variables.restore()
    variables.restore()
    assert "LLMREPLAY_TEST_NEW" not in os.environ


def test_what_was_set_can_be_thought_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMREPLAY_TEST_THERE", "before")
    monkeypatch.delenv("LLMREPLAY_TEST_NEW", raising=False)
    variables = Variables()
    variables.set({"LLMREPLAY_TEST_THERE": "1", "LLMREPLAY_TEST_NEW": "1"})
    monkeypatch.setenv("LLMREPLAY_TEST_MORE", "mine")
    undone = variables.undone(os.environ)
    assert undone["LLMREPLAY_TEST_THERE"] == "before"
    assert undone["LLMREPLAY_TEST_MORE"] == "mine"
    assert "LLMREPLAY_TEST_NEW" not in undone
    monkeypatch.setenv("LLMREPLAY_TEST_THERE", "changed by the test")
    assert variables.undone(os.environ)["LLMREPLAY_TEST_THERE"] == "changed by the test"
    variables.restore()
