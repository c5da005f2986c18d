"""What an overlay would do, in words; `test_overlay` shows it whole."""

from __future__ import annotations

from llmreplay.cli.explaining import explained
from llmreplay.core.faults import Rule
from llmreplay.core.faults.presets import PRESETS
from tests.cli.shell import HELLO


def test_without_rules_the_answer_is_the_recorded_one() -> None:
    lines = [*explained((), HELLO)]
    assert lines[0] == "rules\n"
    assert lines[1:3] == ["\nwhat the client receives\n", "  200 OK\n"]
    assert lines[-1] == "  the end\n"


def test_a_connection_that_breaks() -> None:
    assert [*explained((Rule("r", (PRESETS["connection_reset"],)),), HELLO)][-1] == (
        "  RST, without a byte of an answer\n"
    )
