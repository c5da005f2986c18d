"""What closing makes of a cassette's bytes; the stories are in `test_take`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmreplay.cassettes import dump
from llmreplay.cassettes.closing import closed
from llmreplay.cassettes.contents import BrokenFileError, read_contents
from llmreplay.cassettes.document import read_exchange
from llmreplay.cassettes.reading import DEFAULT_LIMITS
from tests.cassettes.making import HEADER, an_exchange, asked, index


def close(text: str, *, keep_errors: bool = False, fresh: bool = False) -> str:
    contents = read_contents(text.encode(), DEFAULT_LIMITS)
    data, _ = closed(contents, index, DEFAULT_LIMITS, keep_errors=keep_errors, fresh=fresh)
    return data.decode()


_closed_documents = st.lists(
    st.tuples(
        st.sampled_from(["", "# a comment\n", "\n"]),
        st.sampled_from("abc"),
        st.sampled_from(["fine", "other"]),
    ),
    max_size=4,
)
_open_documents = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.sampled_from(["fine", "other"]),
        st.sampled_from([200, 429]),
        st.sampled_from(["t", "u"]),
    ),
    max_size=4,
)


@given(_closed_documents, _open_documents, st.sampled_from(["", "# the end\n"]))
def test_what_is_closed_is_closed(
    settled: list[tuple[str, str, str]], appended: list[tuple[str, str, int, str]], end: str
) -> None:
    text = HEADER + "".join(
        comment + dump(an_exchange(number, question, answer, take="old"))
        for number, (comment, question, answer) in enumerate(settled, start=1)
    )
    text += end + "".join(
        dump(an_exchange(number, question, answer, status=status, take=take), open_take=True)
        for number, (question, answer, status, take) in enumerate(appended, len(settled) + 1)
    )

    once = close(text)

    assert close(once) == once
    assert "open: true" not in once
    assert once == text or appended
    contents = read_contents(once.encode(), DEFAULT_LIMITS)
    numbers = [exchange.number for exchange in contents.each(read_exchange, DEFAULT_LIMITS)]
    assert numbers == sorted(set(numbers))
    assert once.endswith(end) or not settled


def test_a_cassette_with_windows_line_ends_keeps_them_where_nothing_changed() -> None:
    old = (HEADER + dump(an_exchange(1, "q1")) + dump(an_exchange(2, "q2"))).replace("\n", "\r\n")
    new = dump(an_exchange(3, "q1", "other"), open_take=True)

    text = close(old + new)

    assert dump(an_exchange(2, "q2")).replace("\n", "\r\n") in text
    contents = read_contents(text.encode(), DEFAULT_LIMITS)
    assert [asked(exchange) for exchange in contents.each(read_exchange, DEFAULT_LIMITS)] == [
        (1, "q1", "other"),
        (2, "q2", "fine"),
    ]


def test_a_broken_cassette_is_not_closed() -> None:
    with pytest.raises(BrokenFileError):
        close("---\n{}\n...\n")
