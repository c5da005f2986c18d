"""Settings of a session as they are written, and every mistake in them."""

from __future__ import annotations

import pytest

from llmreplay.control.answers import Mistake, ProblemError
from llmreplay.control.setups import mode_word, read_rule_list, read_setup
from llmreplay.core.policy import Mode
from llmreplay.core.timing import Pace
from llmreplay.session import Setup


def test_what_is_not_given_is_left_open() -> None:
    assert read_setup({}) == Setup()


def test_values_become_what_they_mean() -> None:
    read = read_setup({"mode": "auto", "cassettes": ["a/*"], "timing": "recorded", "seed": 3})
    assert (read.mode, read.cassettes, read.seed) == (Mode.NEW, ("a/*",), 3)
    assert read.timing is not None
    assert read.timing.pace is Pace.RECORDED


def test_once_is_no_mode_until_it_is_known_whether_there_is_a_cassette() -> None:
    read = read_setup({"mode": "once"})
    assert (read.mode, read.once) == (None, True)


@pytest.mark.parametrize("mode", list(Mode))
def test_every_mode_has_a_word(mode: Mode) -> None:
    assert read_setup({"mode": mode_word(mode)}).mode is mode


@pytest.mark.parametrize(
    ("written", "mistake"),
    [
        ({"sed": 1}, Mistake("sed", 'there is no such setting; did you mean "seed"?')),
        ({"mode": 1}, Mistake("mode", "a mode is one of replay, auto, record, once, forward, off")),
        ({"overlays": 1}, Mistake("overlays", "this is true or false")),
        ({"seed": True}, Mistake("seed", "a seed is a whole number")),
        ({"seed": 2**63}, Mistake("seed", "a seed is a whole number")),
        ({"timing": 1}, Mistake("timing", "a timing is a text, as in recorded*0.1")),
        ({"cassettes": "a"}, Mistake("cassettes", "this is a list of up to 1,000 names")),
        ({"match": "exac"}, Mistake("match", 'this is one of exact, order; did you mean "exact"?')),
        ({"match": []}, Mistake("match", "this is one of exact, order")),
        ({"rules": [{}]}, Mistake("rules[0]", "`fault` is missing: a preset, or what to inject")),
        ({"rules": 1}, Mistake("rules", "`rules` is a list")),
    ],
)  # fmt: skip
def test_mistakes_have_their_field_and_the_nearest_word(written: object, mistake: Mistake) -> None:
    with pytest.raises(ProblemError) as caught:
        read_setup(written)
    assert (caught.value.status, caught.value.mistakes) == (422, (mistake,))


@pytest.mark.parametrize("name", ["../a", "/a", "a/../b", ".a", "a/", "a//b", "", 1, "ä", "~"])
def test_no_cassette_is_outside_its_folder(name: object) -> None:
    for written in ({"cassettes": [name]}, {"record_into": name}):
        with pytest.raises(ProblemError):
            read_setup(written)


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ProblemError) as caught:
        read_setup({"mode": "x", "seed": "x", "rules": [{}, {}]})
    assert [mistake.field for mistake in caught.value.mistakes] == [
        "mode",
        "seed",
        "rules[0]",
        "rules[1]",
    ]


@pytest.mark.parametrize("written", [[], 1, None, "x"])
def test_settings_and_rules_are_objects(written: object) -> None:
    for read in (read_setup, read_rule_list):
        with pytest.raises(ProblemError):
            read(written)
