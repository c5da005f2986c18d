"""YAML as overlays have it: values, lines, and what is refused."""

from __future__ import annotations

import pytest

from llmreplay.overlays.text import MAX_BYTES, UnreadableError, read_text

TEXT = b"""\
# a comment
seed: 7
rules:
- name: first
  fault: {cut: {at: 3}}
- match:
    model: "7"
  fault:
  - rate_limit
"""


def test_values_and_lines() -> None:
    written = read_text(TEXT)
    assert written.value == {
        "seed": 7,
        "rules": [
            {"name": "first", "fault": {"cut": {"at": 3}}},
            {"match": {"model": "7"}, "fault": ["rate_limit"]},
        ],
    }
    places = [
        ("seed",),
        ("rules", 0, "fault", "cut", "at"),
        ("rules", 1),
        ("rules", 1, "match", "model"),
        ("rules", 1, "fault", 0),
        ("rules", 1, "when", "first"),
        ("nothing",),
    ]
    assert [written.line_of(place) for place in places] == [2, 5, 6, 7, 9, 6, 2]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("true", True),
        ("~", None),
        ("1", 1),
        ("-0.5", -0.5),
        ("1e3", 1000.0),
        ("1e999", "1e999"),
        ("007", "007"),
        ("2026-11-21", "2026-11-21"),
        ("'1'", "1"),
        ("! 1", "1"),
        ("", None),
        ("[]", []),
    ],
)
def test_scalars_are_what_json_makes_of_them(text: str, value: object) -> None:
    assert read_text(text.encode()).value == value


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        (b"a: &x 1", 1, "anchors and aliases are not read; write it out"),
        (b"a: 1\nb: *x", 2, "anchors and aliases are not read; write it out"),
        (b"a: !!python/name:os 1", 1, "the tag 'tag:yaml.org,2002:python/name:os' is not read"),
        (b"a: 1\na: 2", 2, '"a" stands here twice'),
        (b"? [a]\n: 1", 1, "a key that is no text"),
        (b"a: 1\n---\nb: 1", 2, "a second document begins here; write another file"),
        (b"a: [", 2, "no YAML: did not find expected node content"),
        (b"a: 1\n\x00b", 2, "no YAML: "),
        (b"a: \xff", 1, "no YAML: "),
        (b"[" * 40, 1, "nested more than 32 deep"),
        (b" " * (MAX_BYTES + 1), 1, "over 1 MiB; is it an overlay?"),
    ],
)
def test_what_is_refused(text: bytes, line: int, reason: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        read_text(text)
    assert caught.value.reason.startswith(reason)
    assert caught.value.line == line
