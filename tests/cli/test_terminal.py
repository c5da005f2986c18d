"""What reaches a terminal."""

from __future__ import annotations

import io

import pytest

from llmreplay.cli.terminal import Paint, cut, printable, terminal_columns, wants_colours


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
