"""What a test runs with: markers, command line and ini file, and who wins."""

from __future__ import annotations

from typing import Any

import pytest

from llmreplay.errors import UsageError
from llmreplay.pytest_plugin.choosing import Choice, Defaults, Mark, choose

NOTHING_SAID = Defaults()


def mark(*args: object, **kwargs: Any) -> Mark:  # noqa: ANN401  # as a marker takes them
    return Mark(args, kwargs)


def test_a_bare_marker_replays_the_test_s_own_cassette() -> None:
    assert Choice("replay", "report") == choose([mark()], NOTHING_SAID)


@pytest.mark.parametrize(
    ("option", "marked", "ini", "mode"),
    [
        (None, None, "replay", "replay"),
        (None, None, "auto", "auto"),
        (None, "auto", "replay", "auto"),
        ("record", "auto", "replay", "record"),
        ("replay", "off", "auto", "replay"),
        ("off", "once", "replay", "off"),
        ("record", "replay", "auto", "replay"),
        (None, "replay", "auto", "replay"),
    ],
)
def test_the_mode(option: str | None, marked: str | None, ini: str, mode: str) -> None:
    said = Defaults(mode=option, ini_mode=ini)
    assert mode == choose([mark(mode=marked)], said).mode


@pytest.mark.parametrize(
    ("option", "marked", "ini", "named", "unused"),
    [
        (None, None, "report", False, "report"),
        (None, None, "fail", False, "fail"),
        (None, "fail", "report", False, "fail"),
        ("ignore", "fail", "report", False, "ignore"),
        ("fail", None, "fail", True, "ignore"),
        ("ignore", "fail", "ignore", True, "fail"),
    ],
)
def test_what_becomes_of_unused_recordings(
    option: str | None, marked: str | None, ini: str, *, named: bool, unused: str
) -> None:
    said = Defaults(unused=option, ini_unused=ini)
    names = ("shared",) if named else ()
    assert unused == choose([mark(*names, unused=marked)], said).unused


@pytest.mark.parametrize(
    ("marks", "cassettes"),
    [
        ([mark("a", "b/*")], ("a", "b/*")),
        ([mark(cassettes="a")], ("a",)),
        ([mark(cassettes=["a", "b"])], ("a", "b")),
        ([mark(), mark("of_the_class")], ("of_the_class",)),
        ([mark("nearest"), mark("of_the_class")], ("nearest",)),
    ],
)
def test_the_nearest_marker_names_the_cassettes(
    marks: list[Mark], cassettes: tuple[str, ...]
) -> None:
    assert cassettes == choose(marks, NOTHING_SAID).cassettes


def test_rules_of_all_markers_hold_the_nearest_first() -> None:
    nearest = mark(fault="rate_limit", when={"first": 2}, rules=[{"fault": "empty"}])
    of_the_class = mark(fault={"delay": "1s"}, match={"model": "gpt*"})
    assert choose([nearest, of_the_class], NOTHING_SAID).rules == (
        {"fault": "rate_limit", "when": {"first": 2}},
        {"fault": "empty"},
        {"fault": {"delay": "1s"}, "match": {"model": "gpt*"}},
    )


def test_settings_of_the_nearest_marker_that_has_them() -> None:
    chosen = choose([mark(seed=0, overlays=False), mark(seed=1, timing="recorded")], NOTHING_SAID)
    assert chosen.settings == {"overlays": False, "seed": 0, "timing": "recorded"}


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (mark(mood="auto"), 'there is no mood=; did you mean "mode"?'),
        (
            mark(xyz=1),
            (
                "there is no xyz=, known are mode, unused, cassettes, rules, fault, match, when, "
                "overlays, seed, timing, after_last"
            ),
        ),
        (mark(mode="rekord"), 'there is no mode="rekord"; did you mean "record"?'),
        (mark(unused="x"), 'there is no unused="x", known are report, fail, ignore'),
        (mark("a", cassettes="b"), "cassettes are named either first or by cassettes=, not both"),
        (mark(3), "cassettes takes one name or a list of them, and got (3,)"),
        (mark(when={"first": 1}), "when= goes with fault=: write fault= as well, or rules=[…]"),
        (
            mark(rules="rate_limit"),
            'rules takes a list of mappings, as rules=[{"fault": "rate_limit"}]',
        ),
    ],
)
def test_what_cannot_be_meant_is_told(wrong: Mark, told: str) -> None:
    with pytest.raises(UsageError) as raised:
        choose([wrong], NOTHING_SAID)
    assert told == str(raised.value)
