"""What reaches a terminal."""

from __future__ import annotations

import io

import pytest

from llmreplay.cli.terminal import (
    Paint,
    cut,
    cut_front,
    joined_fitting,
    printable,
    terminal_columns,
    wants_colours,
    wrapped,
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")


def test_only_a_terminal_is_coloured() -> None:
    assert wants_colours(Terminal())
    assert not wants_colours(io.StringIO())


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_its_owner_can_decline(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    assert not wants_colours(Terminal())


def test_paint() -> None:
    assert Paint(colours=True)("a", "red", bold=True) == "\x1b[31m\x1b[1ma\x1b[0m"
    assert Paint(colours=True)("") == ""
    assert Paint(colours=True)("a") == "a"
    assert Paint(colours=False)("a", "red") == "a"


def test_control_characters_are_spelled_out() -> None:
    assert printable("\u00e9t\u00e9 \U0001f600 \x1b[2J\x07\u202e\udcff") == (
        "\u00e9t\u00e9 \U0001f600 \\x1b[2J\\x07\\u202e\\udcff"
    )


def test_a_cut_text_ends_in_dots() -> None:
    assert (cut("abcd", 4), cut("abcde", 4)) == ("abcd", "abc\u2026")


def test_a_terminal_has_some_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "3")
    assert terminal_columns() == 40
    monkeypatch.setenv("COLUMNS", "132")
    assert terminal_columns() == 132


def test_of_a_source_the_end_is_kept() -> None:
    assert cut_front("checkout/refund#12", 11) == "…/refund#12"
    assert cut_front("default#1", 11) == "default#1"


def test_a_long_line_breaks_between_words_and_keeps_its_indentation() -> None:
    assert wrapped("  one two three", 10) == ["  one two", "  three"]
    assert wrapped("one two", 10) == ["one two"]


@pytest.mark.parametrize(
    ("columns", "lines"),
    [
        (None, ["one, two, three"]),
        (16, ["one, two, three"]),
        (15, ["one, two,", "  three"]),
        (1, ["one,", "  two,", "  three"]),
    ],
)
def test_facts_are_kept_whole(columns: int | None, lines: list[str]) -> None:
    facts = [(fact, fact) for fact in ("one", "two", "three")]
    assert joined_fitting(facts, ", ", columns) == lines
