"""Tests of the program, offline."""

import openai
import pytest
from app import name_for


def test_a_boat_gets_a_name() -> None:
    assert name_for("a small red sailing boat") == "Poppy"


def test_what_was_never_recorded_fails_at_once_and_says_why() -> None:
    with pytest.raises(openai.APIStatusError) as missed:
        name_for("a small blue sailing boat")
    assert missed.value.status_code == 470
    assert 'recorded "a small red sailing boat", asked "a small blue' in str(missed.value)
