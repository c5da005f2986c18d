"""Where mistakes are, and what was probably meant."""

from __future__ import annotations

from textwrap import dedent

import pytest

from llmreplay.cassettes.mistakes import Mistake, keys_at, unknown_keys


def test_a_mistake_seen_from_above_has_a_longer_place() -> None:
    mistake = Mistake(("a", 1), "why").below("b", 2)

    assert (mistake.place, mistake.reason, str(mistake)) == (("b", 2, "a", 1), "why", "why")


def test_unknown_keys_come_with_the_nearest_that_is_known() -> None:
    found = list(unknown_keys({"staus": 1, "status": 2, "zzz": 3}, {"status", "headers"}))

    assert [(mistake.place, mistake.reason) for mistake in found] == [
        (("staus",), "unknown key 'staus'; did you mean 'status'?"),
        (("zzz",), "unknown key 'zzz'; known are headers, status"),
    ]


@pytest.mark.parametrize(
    ("mark", "keys"),
    [
        ("ONE", "request.url"),
        ("TWO", "request.headers"),
        ("THREE", "request.json.messages.content"),
        ("FOUR", "request.json.messages.content"),
        ("FIVE", "request.json.tools.function.name"),
        ("SIX", "request.json.stop"),
        ("SEVEN", "response.sse"),
        ("EIGHT", "its text"),
    ],
)
def test_a_position_in_a_document_is_under_keys(mark: str, keys: str) -> None:
    document = dedent(
        """\
        --- EIGHT
        request:
          url: https://h/?key=ONE
          headers: {a: b, c: TWO}
          json:
            messages:
            - role: user
              content: THREE
            - content: |-
                a: b
                FOUR
              role: user
            tools:
            - function:
                name: FIVE
            stop:
            - SIX
        response:
          sse: |
            data: {"a":"SEVEN"}
        ...
        """
    )

    assert keys_at(document, document.index(mark)) == keys
