"""What is about a cassette as a whole: encoding, format, conflicts, settings."""

from __future__ import annotations

import pytest

from llmreplay.cassettes.contents import (
    HEADER,
    BrokenFileError,
    read_contents,
    settings_document,
)
from llmreplay.cassettes.document import read_head
from llmreplay.cassettes.reading import DEFAULT_LIMITS, Limits
from llmreplay.core.canonical import Strictness
from tests.cassettes.making import an_exchange, file_of

FILE = file_of(an_exchange(1, "q1"), an_exchange(2, "q2"))


def test_a_cassette_says_how_it_wants_to_be_matched() -> None:
    plain = read_contents(FILE.encode(), DEFAULT_LIMITS)
    ordered = read_contents(
        FILE.replace(HEADER, HEADER + settings_document(Strictness.ORDER)).encode(), DEFAULT_LIMITS
    )
    silent = read_contents(b"---\ncassette: {}\n...\n", DEFAULT_LIMITS)

    assert (plain.strictness, ordered.strictness) == (None, Strictness.ORDER)
    assert len(plain.spans) == len(ordered.spans) == 2
    assert (silent.strictness, silent.spans) == (None, ())


@pytest.mark.parametrize(
    ("data", "mistakes"),
    [
        (b"---\na: \xff\n...\n", [(2, "not UTF-8; ")]),
        (b"---\na: 1\n<<<<<<< ours\n", [(3, "a conflict of git stands here unresolved; ")]),
        (
            b"# llmreplay cassette, format 2\n",
            [(1, "format 2 is newer than this llmreplay knows; ")],
        ),
        (b"\n---\ncassette: {match: odrer}\n...\n", [(3, "'odrer' is not exact or order")]),
        (b"---\ncassette: {match: [order]}\n...\n", [(2, "['order'] is not exact or order")]),
        (
            b"---\ncassette:\n  mtach: order\nother: 1\n...\n",
            [
                (4, "unknown key 'other'; known are cassette"),
                (3, "unknown key 'mtach'; did you mean 'match'?"),
            ],
        ),
        (b"---\ncassette: order\n...\n", [(2, "`cassette` is a mapping with `match`")]),
        (b"x" * 101, [(1, "larger than 100 bytes")]),
    ],
)
def test_mistakes_of_the_file_have_their_line(data: bytes, mistakes: list[tuple[int, str]]) -> None:
    with pytest.raises(BrokenFileError) as caught:
        read_contents(data, Limits(max_file_bytes=100))

    assert [line for line, _ in caught.value.mistakes] == [line for line, _ in mistakes]
    for (_, found), (_, expected) in zip(caught.value.mistakes, mistakes, strict=True):
        assert found.startswith(expected)


def test_mistakes_of_all_documents_are_gathered() -> None:
    data = (FILE + "---\nexchange: 3\nrequest: {}\n...\n---\n[\n...\n").encode()
    first = FILE.count("\n")

    with pytest.raises(BrokenFileError) as caught:
        read_contents(data, DEFAULT_LIMITS).each(read_head, DEFAULT_LIMITS)

    assert [line for line, _ in caught.value.mistakes] == [
        first + 2,
        first + 3,
        first + 3,
        first + 7,
    ]
    assert str(caught.value).startswith(f"line {first + 2}: 'response' is missing; line ")


def test_what_only_mentions_a_cassette_is_an_exchange() -> None:
    contents = read_contents(file_of(an_exchange(1, "cassette: {")).encode(), DEFAULT_LIMITS)
    broken = read_contents(b"---\ncassette: {match: order\n...\n", DEFAULT_LIMITS)

    assert (len(contents.spans), len(broken.spans)) == (1, 1)


@pytest.mark.parametrize("text", ["version: 3\nservices: {}\n", "Dear cassette,\n", "---\na: b\n"])
def test_a_file_that_never_was_a_cassette_is_not_taken_for_a_torn_one(text: str) -> None:
    with pytest.raises(BrokenFileError, match=r"^line 1: no cassette: it does not begin with"):
        read_contents(text.encode(), DEFAULT_LIMITS)


@pytest.mark.parametrize("text", [HEADER + "---\nexcha", "exchange: 1\nupstream: op"])
def test_what_began_as_a_cassette_is_torn(text: str) -> None:
    contents = read_contents(text.encode(), DEFAULT_LIMITS)

    assert contents.spans == ()
    assert contents.torn is not None
