"""Tests of the program, offline: each with its cassette in cassettes/test_boats/."""

import subprocess
import sys
from pathlib import Path

import pytest
from boats import name_for, name_or_none

from llmreplay.replay import Session

RED = "a small red sailing boat"


@pytest.mark.llmreplay
def test_a_boat_gets_a_name() -> None:
    assert name_for(RED) == "Poppy"


def test_what_was_asked_can_be_seen(llmreplay: Session) -> None:
    name_for(RED)
    asked = llmreplay.last_request
    assert (asked.model, asked.outcome) == ("gpt-4o-mini", "hit")
    assert asked.json["messages"][-1]["content"] == RED


@pytest.mark.llmreplay(fault="rate_limit", when={"first": 1})
def test_a_limit_is_waited_out(llmreplay: Session) -> None:
    assert name_for(RED) == "Poppy"
    assert [asked.status for asked in llmreplay.requests()] == [429, 200]


@pytest.mark.llmreplay(fault="quota")
def test_no_credit_is_no_crash() -> None:
    assert name_or_none(RED) is None


@pytest.mark.llmreplay
class TestEach:
    """Classes and parameters are in the names of cassettes."""

    @pytest.mark.parametrize("colour", ["red", "blue"])
    def test_each_colour_has_its_cassette(self, colour: str) -> None:
        """`TestEach.test_each_colour_has_its_cassette.red.yaml`, and one for blue."""
        names = {"red": "Poppy", "blue": "Heron"}
        assert name_for(f"a small {colour} sailing boat") == names[colour]


@pytest.mark.llmreplay("shared/*")
def test_cassettes_can_be_shared() -> None:
    assert name_for(RED) == "Poppy"
    assert name_for("a small blue sailing boat") == "Heron"


@pytest.mark.llmreplay
def test_a_child_is_answered_too() -> None:
    program = Path(__file__).with_name("boats.py")
    assert subprocess.check_output([sys.executable, program], text=True) == "Poppy\n"
