"""What `prove` says of cassettes, good and bad."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from llmreplay.cassettes import check, dump, prove
from llmreplay.errors import CassetteError, UsageError
from tests.cassettes.making import an_exchange, file_of, write

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmreplay.cassettes import Library
    from llmreplay.core.exchange import Exchange


def test_a_good_cassette_has_no_problems(library: Library) -> None:
    write(library, "a", file_of(an_exchange(1, "q1"), an_exchange(2, "q2")))

    assert prove(library, "a") == ()


def test_all_problems_are_given_with_their_line(library: Library) -> None:
    good = dump(an_exchange(1, "q1"))
    path = write(library, "a", f"{good}---\nexchange: 2\n...\n---\n[\n...\n{good}---\n")
    line = good.count("\n")

    problems = prove(library, "a")

    assert [problem.partition(" ")[0] for problem in problems] == [
        f"{path}:{line + 2}:",
        f"{path}:{line + 2}:",
        f"{path}:{line + 6}:",
        f"{path}:{2 * line + 7}:",
    ]
    assert problems[0] == f"{path}:{line + 2}: 'request' is missing"
    assert "the last document has no end" in problems[-1]


def test_a_file_that_is_no_cassette_is_a_problem(library: Library) -> None:
    path = write(library, "a", b"\xff")
    library.path("link").symlink_to(path)

    assert prove(library, "a") == (
        f"{path}:1: not UTF-8; a cassette is text, restore it or record it again",
    )
    assert prove(library, "link") == (
        f"{library.path('link')}:1: a link or device, no file; put the file here",
    )


def test_a_cassette_that_is_not_there_is_a_mistake_of_the_caller(library: Library) -> None:
    library.folder.mkdir()

    with pytest.raises(UsageError, match="there is no such cassette"):
        prove(library, "a")


def never_the_same() -> Callable[[Exchange], str]:
    written: list[str] = []

    def dump_another(exchange: Exchange) -> str:
        written.append(dump(exchange) + "#" * len(written))
        return written[-1]

    return dump_another


def refuse(_exchange: Exchange) -> str:
    raise CassetteError("exchange 1 fits in no cassette")


@pytest.mark.parametrize(
    ("broken_dump", "message"),
    [
        (refuse, "written again it cannot be read: exchange 1 fits in no cassette"),
        (lambda exchange: dump(exchange) + "---\n", "written again it cannot be read: line 1"),
        (lambda _exchange: dump(an_exchange(2, "q")), "written again it is another exchange"),
        (never_the_same(), "written twice it is not the same text"),
    ],
)
def test_what_would_not_come_back_is_a_problem(
    library: Library,
    monkeypatch: pytest.MonkeyPatch,
    broken_dump: Callable[[Exchange], str],
    message: str,
) -> None:
    path = write(library, "a", file_of(an_exchange(1, "q1")))
    monkeypatch.setattr(check, "dump", broken_dump)

    (problem,) = prove(library, "a")

    assert problem.startswith(f"{path}:2: {message}")
    assert problem.endswith("; please report this")
