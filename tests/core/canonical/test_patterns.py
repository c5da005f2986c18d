from __future__ import annotations

import pytest

from llmreplay.core.canonical.patterns import replacing
from llmreplay.errors import UsageError


def test_what_a_pattern_matches_is_replaced() -> None:
    replace = replacing(((r"\d{4}-\d{2}-\d{2}", "DATE"), (r"/home/\w+", "HOME")))
    assert replace("on DATE in HOME/x") == replace("on 2026-01-02 in /home/me/x")
    assert replace("nothing here") == "nothing here"


def test_the_replacement_is_taken_as_it_stands() -> None:
    assert replacing((("(a)(b)", r"\2\1 $1"),))("ab") == r"\2\1 $1"


def test_patterns_apply_one_after_the_other() -> None:
    assert replacing((("a", "b"), ("b", "c")))("ab") == "cc"


def test_texts_that_are_no_unicode_are_replaced_in_as_well() -> None:
    assert replacing(((r"\d+", "N"),))("emoji \ud83d 12 ü") == "emoji ? N ü"


def test_a_catastrophic_pattern_is_harmless() -> None:
    assert replacing(((r"(a+)+$", "x"),))("a" * 50_000 + "b") == "a" * 50_000 + "b"


def test_a_wrong_pattern_is_named_alone(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError) as error:
        replacing((("fine", ""), ("a)|(b", "")))
    assert str(error.value) == 'match.replace: "a)|(b" is no RE2 pattern: unexpected ): a)|(b'
    assert capfd.readouterr().err == ""
