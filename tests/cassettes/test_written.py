"""The fast reader reads what is written, and reads nothing else than YAML would."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmreplay.cassettes import dump
from llmreplay.cassettes.reading import EXCHANGE, PART, UnreadableError, read_yaml
from llmreplay.cassettes.written import UNKNOWN, read_written
from tests.cassettes.strategies import exchanges

if TYPE_CHECKING:
    from llmreplay.core.exchange import Exchange

_SHARDS = [
    *(
        "",
        " ",
        "  ",
        "    ",
        "\n",
        "- ",
        "-",
        ": ",
        ":",
        "#",
        " #",
        "|",
        "|-",
        "|+",
        "|2",
        "'",
        '"',
    ),
    *(
        "[",
        "]",
        "{",
        "}",
        ", ",
        "a",
        "a: b",
        "- a",
        "&a",
        "*a",
        "!!str ",
        "? ",
        "\t",
        "~",
        "1",
        "no",
    ),
    *("...", "---", "\\", "\\ud800", "''", '""', "%", "@", "é", "\x85", "\u2028", "\ufeff", "\x7f"),
]


def agree(text: str) -> bool:
    """Whether the fast reader reads `text`; if it does, YAML must read the same."""
    fast = read_written(text.encode(errors="surrogatepass"), EXCHANGE)
    if fast is UNKNOWN:
        return False
    slow = read_yaml(text.encode(), EXCHANGE)
    assert repr(fast) == repr(slow)
    return True


@given(exchanges())
def test_it_reads_the_same(exchange: Exchange) -> None:
    agree(dump(exchange))


@settings(max_examples=250)
@given(exchanges(), st.data())
def test_it_reads_the_same_of_mutilated_documents(exchange: Exchange, data: st.DataObject) -> None:
    text = dump(exchange)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(4, len(text) - 5))
        length = data.draw(st.sampled_from([0, 0, 1, 2, 5]))
        text = text[:at] + data.draw(st.sampled_from(_SHARDS)) + text[at + length :]
    lines = text.split("\n")
    if data.draw(st.booleans()):
        first, second = (data.draw(st.integers(1, len(lines) - 2)) for _ in range(2))
        lines[first], lines[second] = lines[second], lines[first]

    try:
        agree("\n".join(lines))
    except UnreadableError as error:
        raise AssertionError("\n".join(lines)) from error


_LINES = [
    *(
        "a: b",
        "a:",
        "b: 1",
        "- a",
        "-",
        "- - a",
        "- a: b",
        "- a:",
        "c: |",
        "c: |-",
        "c: |+",
        "c: |2",
    ),
    *("text", "", "'a': b", '"a": b', "a: 'b'", 'a: "b"', "a: [1, 2]", "a: {b: c}", "a: []", "- |"),
    *(
        "- [1]",
        "- {}",
        "# a",
        "a: b # c",
        "a: b: c",
        "a:  b",
        "a: 'b",
        "json:",
        "json: -1",
        "json: ~",
    ),
    *("a: {b: c, b: d}", "a: {'b': \"c\", d: e }", "a: -1", "1: a", "a: 1e999", "json: 1e999"),
]


@settings(max_examples=400)
@given(
    st.lists(
        st.tuples(st.sampled_from(["", "  ", "    ", " "]), st.sampled_from(_LINES)), max_size=6
    )
)
def test_it_reads_the_same_of_any_lines(lines: list[tuple[str, str]]) -> None:
    text = "\n".join(["---", "request:", "  json:", *(pad + line for pad, line in lines), "..."])

    agree(text + "\n")


def test_it_reads_what_cassettes_are_made_of() -> None:
    document = dedent(
        """\
        ---
        exchange: 1
        request:
          url: https://h/?a=b:c
          headers: {content-type: text/plain; charset=utf-8, 'x:y': 'it''s', n: "a\\tb"}
          json:
            $schema: a
            "a\\nb": null
            messages:
            - role: user
              content:
              - type: text
                text: |2-
                   indented

                  text
              - - 1
                - -2.5e-07
              - []
            - [1, -2.5, 3]
            - {}
            text: |+
              ends


        response:
          status: 200
          sse: |
            data: 1

          pace_ms: [1, 2]
          ending: complete
        recorded: {at: 2026-11-21T10:00:00Z, take: 7f3a}
        ...
        """
    )

    assert agree(document)


@pytest.mark.parametrize(
    "text",
    [
        "---\na: b\n",
        "a: b\n...\n",
        "---\n\n...\n",
        "---\na: b\n\n...\n",
        "---\r\na: b\r\n...\r\n",
        "---\na: b # c\n...\n",
        "---\na: b\n  c\n...\n",
        "---\na: [1,\n  2]\n...\n",
        "---\na: &a b\n...\n",
        "---\na: b\na: c\n...\n",
        "---\na: \x01\n...\n",
        '---\na: "\\ud83d\\ude00"\n...\n',
        '---\na: "\\x41"\n...\n',
        "---\nrequest:\n  json: 1e999\n...\n",
        "---\na: " + "b" * (1 << 20) + "\n...\n",
        "---\n" + "".join(f"{'  ' * depth}a:\n" for depth in range(80)) + "...\n",
        "---\na:\n" + "- " * 80 + "b\n...\n",
        "---\na: |3\n   b\n...\n",
        "---\na: |\n\n  b\n...\n",
        "---\na: |\n   b\n  c\n...\n",
        "---\na: |\n...\n",
        "---\na:\n...\n",
        "---\na:\nb: c\n...\n",
        "---\na: '\n...\n",
        "---\na: {b: [c]}\n...\n",
        "---\na: {b: c, b: d}\n...\n",
        "---\na: {b: c }\n...\n",
        "---\na: [b]\n...\n",
        "---\na: 'b'c'\n...\n",
        '---\na: "b" "c"\n...\n',
        "---\n- a\n...\n",
        "---\na: -b\n...\n",
        "---\na: b:\n...\n",
    ],
)  # fmt: skip
def test_all_else_is_for_others(text: str) -> None:
    assert read_written(text.encode(), EXCHANGE) is UNKNOWN


def test_bytes_that_are_no_text_are_for_others() -> None:
    assert read_written(b"---\na: \xff\n...\n", PART) is UNKNOWN
