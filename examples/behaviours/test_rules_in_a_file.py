"""Faults for a whole run, from a file of rules. There are more such files in ../overlays.

Without pytest: `llmreplay serve --overlay ../overlays/failover.yaml -- python fallback.py`.
"""

from pathlib import Path

import pytest
from fallback import ask_anyone

from llmreplay import Replay

HERE = Path(__file__).parent


def test_rules_in_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    with Replay(HERE / "cassettes", overlay=[HERE / "../overlays/failover.yaml"]) as replay:
        for name, value in replay.env().items():
            monkeypatch.setenv(name, value)
        assert ask_anyone("Is anyone there?") == "Groq is."
