"""Which rules are in force, as files and the API change them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmreplay.control.rulebook import Rulebook
from tests.control.asking import made

if TYPE_CHECKING:
    from llmreplay.core.faults import Rule

FIRST, SECOND, THIRD = made(
    *({"name": name, "fault": "rate_limit"} for name in ("first", "second", "third"))
)


class Book:
    """A rulebook, and the names it told each time."""

    def __init__(self, *of_files: Rule) -> None:
        self.told: list[list[str]] = []
        self.rules = Rulebook(of_files, self._tell)

    def _tell(self, rules: tuple[Rule, ...]) -> None:
        self.told.append([rule.name for rule in rules])


def test_each_change_is_told() -> None:
    book = Book(FIRST)
    book.rules.add([(SECOND, {"fault": "rate_limit"})])
    book.rules.switch("first", on=False)
    book.rules.switch("first", on=True)
    assert book.rules.remove(["second", "first", "nobody"]) == 1
    assert book.rules.remove(["second"]) == 0
    assert book.told == [["first", "second"], ["second"], ["first", "second"], ["first"]]


def test_files_that_change_keep_what_was_added_and_switched() -> None:
    book = Book(FIRST, SECOND)
    book.rules.add([(THIRD, {})])
    book.rules.switch("second", on=False)
    book.rules.take_files([SECOND])
    assert book.told[-1] == ["third"]
    assert book.rules.added == ("third",)


def test_a_file_goes_before_what_was_added_of_the_same_name() -> None:
    book = Book()
    book.rules.add([(FIRST, {})])
    book.rules.take_files([FIRST])
    assert book.rules.added == ()
    kept = book.rules.find("first")
    assert kept is not None
    assert kept.of_file


def test_a_rule_that_is_added_anew_is_on() -> None:
    book = Book()
    book.rules.add([(FIRST, {})])
    book.rules.switch("first", on=False)
    book.rules.add([(FIRST, {})])
    assert book.told[-1] == ["first"]
    assert book.rules.in_force == (FIRST,)
