"""Where documents begin and end, and what of a file is torn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmreplay.cassettes import dump
from llmreplay.cassettes.splitting import find_conflict, split_documents
from tests.cassettes.making import an_exchange, file_of
from tests.cassettes.strategies import exchanges

if TYPE_CHECKING:
    from llmreplay.core.exchange import Exchange


def pieces(text: str) -> tuple[list[tuple[int, str]], tuple[int, str] | None]:
    """The documents and the torn one, each with its line."""
    data = text.encode()
    spans = split_documents(data)
    found = [(span.line, data[span.start : span.end].decode()) for span in spans.documents]
    if spans.torn is None:
        return found, None
    return found, (spans.torn.line, data[spans.torn.start : spans.torn.end].decode())


@pytest.mark.parametrize(
    ("text", "documents", "torn"),
    [
        ("", [], None),
        ("# only\n\n  # comments\n", [], None),
        ("---\na\n...\n", [(1, "---\na\n...\n")], None),
        (
            "# c\n---\na\n...\n# d\n--- b\n... # e\n# f",
            [(2, "---\na\n...\n"), (6, "--- b\n... # e\n")],
            None,
        ),
        ("---\na\n---\nb\n...", [(1, "---\na\n"), (3, "---\nb\n...")], None),
        ("a\n---\nb\n...\n", [(1, "a\n"), (2, "---\nb\n...\n")], None),
        (
            "---\r\na\r\n...\r\n---\r\nb\r\n...\r\n",
            [(1, "---\r\na\r\n...\r\n"), (4, "---\r\nb\r\n...\r\n")],
            None,
        ),
        ("\ufeff---\na\n...\n", [(1, "---\na\n...\n")], None),
        ("---\n...\n...\n", [(1, "---\n...\n")], None),
        (
            "---\na: |\n  ---\n  ...\nb: ...x\n---y\n...\n",
            [(1, "---\na: |\n  ---\n  ...\nb: ...x\n---y\n...\n")],
            None,
        ),
        ("---\na\n...\n# c\n---\nb\n..", [(1, "---\na\n...\n")], (5, "---\nb\n..")),
        ("---\na\n...\n-", [(1, "---\na\n...\n")], (4, "-")),
        ("a\n\n b", [], (1, "a\n\n b")),
    ],
)
def test_documents_and_what_is_torn(
    text: str, documents: list[tuple[int, str]], torn: tuple[int, str] | None
) -> None:
    assert pieces(text) == (documents, torn)


def test_a_tail_torn_anywhere_leaves_all_that_came_before() -> None:
    before = file_of(an_exchange(1, "q1"), an_exchange(2, "---\n...\n"))
    last = dump(an_exchange(3, "q3"))
    whole = len(last) - 1  # all but the last line break

    for length in range(len(last) + 1):
        documents, torn = pieces(before + last[:length])
        assert len(documents) == (3 if length >= whole else 2)
        assert (torn[1] if torn else "") == ("" if length >= whole else last[:length])


@settings(max_examples=40)
@given(st.lists(exchanges(), max_size=2), st.sampled_from(["\n", "\r\n"]))
def test_no_body_can_part_a_document(found: list[Exchange], line_end: str) -> None:
    written = [dump(exchange).replace("\n", line_end) for exchange in found]

    documents, torn = pieces("".join(written))

    assert [text for _, text in documents] == written
    assert torn is None


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("<<<<<<< ours\na\n=======\nb\n>>>>>>> theirs\n", 1),
        ("a\nb\n>>>>>>> theirs\n", 3),
        ("a: |\n  <<<<<<< no\n<<<<<<<\n", None),
        ("", None),
    ],
)
def test_conflicts_of_git_are_found(text: str, line: int | None) -> None:
    assert find_conflict(text.encode()) == line
