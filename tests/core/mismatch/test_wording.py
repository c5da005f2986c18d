from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmreplay.core.mismatch.wording import change, cut, quoted, shown

WORDS = " ".join(f"word{number}" for number in range(1, 1_001))


@pytest.mark.parametrize(
    ("recorded", "asked", "word", "told"),
    [
        ("It is 18 °C", "It is 19 °C", 3, 'recorded "It is 18 °C", asked "It is 19 °C"'),
        ("", "new", 1, 'recorded "", asked "new"'),
        ("a\nb", "a\tb", 2, r'recorded "a\nb", asked "a\tb"'),
        # In a long text: the word and what is around it.
        (
            WORDS,
            WORDS.replace("word412", "nice"),
            412,
            (
                'recorded "…word410 word411 word412 word413 word414…", '
                'asked "…word410 word411 nice word413 word414…"'
            ),
        ),
        # A word that is new, gone, at the beginning, at the end.
        (
            WORDS,
            WORDS.replace("word412", "really word412"),
            412,
            (
                'recorded "…word410 word411 word412 word413 word414…", '
                'asked "…word410 word411 really word412 word413 word414…"'
            ),
        ),
        (
            WORDS,
            WORDS.replace(" word412", ""),
            412,
            (
                'recorded "…word410 word411 word412 word413 word414 word415…", '
                'asked "…word410 word411 word413 word414 word415…"'
            ),
        ),
        (
            WORDS,
            f"Now {WORDS}",
            1,
            'recorded "word1 word2 word3 word4…", asked "Now word1 word2 word3 word4…"',
        ),
        (
            WORDS,
            f"{WORDS} end",
            1_001,
            'recorded "…word999 word1000", asked "…word999 word1000 end"',
        ),
        # Of several changes the first.
        (
            WORDS,
            WORDS.replace("word412", "nice").replace("word600", "kind"),
            412,
            (
                'recorded "…word410 word411 word412 word413 word414 word415…", '
                'asked "…word410 word411 nice word413 word414 word415…"'
            ),
        ),
        # Nothing in common.
        (
            "x " * 100,
            "y " * 100,
            1,
            f'recorded "{"x " * 30}…", asked "{"y " * 30}…"',
        ),
        # One long word.
        (
            f"{'A' * 1_000}B{'C' * 1_000}",
            f"{'A' * 1_000}X{'C' * 1_000}",
            1,
            f'recorded "…{"A" * 36}B{"C" * 47}…", asked "…{"A" * 36}X{"C" * 47}…"',
        ),
        # Only space.
        (
            WORDS,
            WORDS.replace("word412 ", "word412  "),
            413,
            (
                'recorded "…word411 word412 word413 word414 word415…", '
                'asked "…word411 word412  word413 word414 word415…"'
            ),
        ),
    ],
)
def test_the_first_word_that_differs_is_shown(
    recorded: str, asked: str, word: int, told: str
) -> None:
    differs = change(recorded, asked)
    assert (word, told) == (differs.word, str(differs))


def test_the_region_holds_all_that_differs() -> None:
    recorded = f"{'a ' * 500}2026-01-02{' b' * 500}"
    asked = f"{'a ' * 500}2026-03-04 and so on{' b' * 500}"
    differs = change(recorded, asked)
    assert differs.size == len("3-04 and so on")
    assert differs.region == (
        f"{'a ' * 27}2026-01-02{' b' * 30}",
        f"{'a ' * 27}2026-03-04 and so on{' b' * 30}",
    )


words = st.lists(st.sampled_from(["a", "b", "cc", "\n", "  "]), max_size=60).map(" ".join)


@given(words, words)
def test_both_sides_are_shown_as_they_are(recorded: str, asked: str) -> None:
    if recorded == asked:
        return
    differs = change(recorded, asked)
    for text, excerpt in ((recorded, differs.recorded), (asked, differs.asked)):
        assert excerpt.strip("…") in text
        assert len(excerpt) < 120
    assert differs.recorded != differs.asked
    assert 1 <= differs.word <= len(asked.split()) + 1
    assert 0 < differs.size <= max(len(recorded), len(asked))


@pytest.mark.parametrize("spread", [1, 1_000])
def test_long_texts_are_compared_quickly(spread: int) -> None:
    recorded = "word " * 200_000
    asked = "".join(
        "word " if index % (200_000 // spread) else "other " for index in range(200_000)
    )
    before = time.thread_time()
    change(recorded, asked)
    assert time.thread_time() - before < 0.5


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("plain", '"plain"'),
        ('a "quote"', '"a "quote""'),
        ("two\nlines\tand\rmore\x00\x1b[0m", r'"two\nlines\tand\rmore\x00\x1b[0m"'),
        ("half \ud83d", '"half ?"'),
        ("x" * 241, f'"{"x" * 240}…"'),
    ],
)
def test_a_text_is_quoted_on_one_line(text: str, line: str) -> None:
    assert line == quoted(text)
    assert line[1:-1] == cut(text)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("short", '"short"'),
        ("x" * 61, f'"{"x" * 60}…"'),
        (0.2, "0.2"),
        (None, "null"),
        ([1, {"a": True}], '[1,{"a":true}]'),
        (list(range(9)), "(9 items)"),
        (dict.fromkeys("abcdefghi"), "(9 fields)"),
        (["x" * 100], f'["{"x" * 58}…'),
        (["\ud83d"], "(list)"),
    ],
)
def test_a_value_is_shown_in_short(value: Any, text: str) -> None:  # noqa: ANN401  # any JSON
    assert text == shown(value)
