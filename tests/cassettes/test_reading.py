"""What is read as what, and everything that is refused before it can hurt."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmreplay.cassettes.reading import (
    JSON,
    PART,
    TEXT,
    Limits,
    UnreadableError,
    line_of,
    read_yaml,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("json: [1, 1.5, -0, 1e3, -1.5E-3]", [1, 1.5, 0, 1e3, -0.0015]),
        ("json: [true, False, ~, null, ]", [True, False, None, None]),
        ("json: {a: , b: ''}", {"a": None, "b": ""}),
        ("json: [yes, No, on, 2001-01-01, <<, =]", ["yes", "No", "on", "2001-01-01", "<<", "="]),
        ("json: [010, 0x1, 1_0, +1, .5, 1:30]", ["010", "0x1", "1_0", "+1", ".5", "1:30"]),
        ("json: ['1', \"true\", !!str 1, ! 2]", ["1", "true", "1", "2"]),
        ("json: {1: a, true: b, null: c}", {"1": "a", "true": "b", "null": "c"}),
        ("json: !!map {a: !!seq [!!int 1]}", {"a": [1]}),
        ("text: 1.10", "1.10"),
        ("headers: {a: 1.10, b: no, c: }", {"a": "1.10", "b": "no", "c": ""}),
        ("multipart: [{json: 1, text: 1}]", [{"json": 1, "text": "1"}]),
        ("json: {json: 1, text: 1, headers: {a: 1}}", {"json": 1, "text": 1, "headers": {"a": 1}}),
        ("text: >\n  folded\n  text\n", "folded text\n"),
    ],
)  # fmt: skip
def test_scalars_are_what_their_place_says(text: str, value: object) -> None:
    ((_, found),) = read_yaml(text.encode(), PART).items()

    assert found == value
    assert repr(found) == repr(value)


@pytest.mark.parametrize(
    ("data", "line", "reason"),
    [
        (b"a: &x 1", 1, "anchors and aliases are not read; write the value out"),
        (b"a: 1\n&x b: 1", 2, "anchors and aliases are not read; write the value out"),
        (b"a: *x", 1, "anchors and aliases are not read; write the value out"),
        (b"*x : 1", 1, "a key that is no text"),
        (b"a:\n  &x [1]", 2, "anchors and aliases are not read; write the value out"),
        (b"a: !!python/object:os.system {}", 1, "the tag 'tag:yaml.org,2002:python/object:os"),
        (b"a: !mine 1", 1, "the tag '!mine' is not read; take it out"),
        (b"a: !!binary aGk=", 1, "the tag 'tag:yaml.org,2002:binary' is not read; take it out"),
        (b"a: 1\nb: 2\na: 3", 3, "the key 'a' stands here twice"),
        (b"? " * 99, 1, "a key that is no text"),
        (b"? [1]\n: 2", 1, "a key that is no text"),
        (b"a: 1\n--- b", 2, "a second document begins without a line of `---`"),
        (b"# nothing", 1, "nothing stands in this document"),
        (b"a: 1\n b: 2", 2, "not valid YAML: mapping values are not allowed in this context"),
        (b"a: 1\nb: [\n\n", 4, "not valid YAML: "),
        (b"a: 1\nb: \x07", 2, "not valid YAML: "),
        (b"json: 1e999", 1, "a number too large to be read"),
        (b"json: " + b"9" * 5000, 1, "a number too large to be read"),
        (b"x" * 1001, 1, "larger than 1,000 bytes"),
        (b"a: [" + b"1," * 30 + b"]", 1, "too many values"),
        (b"{" + b"b: {" * 9 + b"}" * 10, 1, "nested more than 8 deep"),
    ],
)  # fmt: skip
def test_what_is_refused(data: bytes, line: int, reason: str) -> None:
    limits = Limits(
        max_document_bytes=6000 if len(data) > 5000 else 1000, max_depth=8, max_values=20
    )

    with pytest.raises(UnreadableError) as caught:
        read_yaml(data, PART, limits)

    assert caught.value.line == line
    assert caught.value.reason.startswith(reason)


@pytest.mark.parametrize("opener", ["[", "{a: ", "- ", "a: {"])
def test_nesting_without_end_kills_nobody(opener: str) -> None:
    """In a process of its own: libyaml's loader dies of this with a segmentation fault."""
    script = (
        "from llmreplay.cassettes.reading import *\n"
        f"try: read_yaml({opener!r}.encode() * 200_000, JSON)\n"
        "except UnreadableError as error: print(error.line, error)\n"
    )

    found = subprocess.run(  # noqa: S603  # the script is ours
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )

    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout.startswith("1 n")


def test_a_bomb_of_aliases_is_refused_at_its_first_anchor() -> None:
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 40)]

    with pytest.raises(UnreadableError, match="anchors and aliases"):
        read_yaml("\n".join(lines).encode(), JSON)


_SHARDS = [
    "a",
    ": ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    "  ",
    "'",
    '"',
    "#",
    "&a",
    "*a",
    "!!x",
    "? ",
    ",",
    "---",
    "...",
    "%",
]


@given(st.lists(st.sampled_from([*_SHARDS, "|", "\n", "\t", "\x00"]), max_size=30).map("".join))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(UnreadableError):
        read_yaml(text.encode(), JSON)


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ((), 2),
        (("a",), 2),
        (("b",), 4),
        (("b", 0), 4),
        (("b", 1), 5),
        (("b", 1, "d"), 6),
        (("b", 1, "e"), 5),
        (("b", 7), 4),
        (("c",), 7),
        (("c", "f"), 7),
        (("missing", "x"), 2),
    ],
)
def test_places_have_their_line(place: tuple[str | int, ...], line: int) -> None:
    data = b"---\na: 1\nb:\n- 1\n- c: 2\n  d: 3\nc: {f: g}\n"

    assert line_of(data, place) == line


def test_a_scalar_has_no_children() -> None:
    value: Any = read_yaml(b"just text", TEXT)

    assert value == "just text"
    assert line_of(b"just text", ("a",)) == 1
