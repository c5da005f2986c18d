"""Entries wait for others, and for nobody who reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmreplay.core.journal import Entry, Outcome
from llmreplay.service.telling import Telling

if TYPE_CHECKING:
    from collections.abc import Callable


def entry(number: int) -> Entry:
    return Entry("default", Outcome.HIT, "GET", f"/{number}", 200)


class Clockwork:
    """Functions that are due before long, until the test says that it is time."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []

    def later(self, function: Callable[[], None]) -> None:
        self.waiting.append(function)

    def strike(self) -> None:
        due, self.waiting = self.waiting, []
        for function in due:
            function()


def test_entries_are_told_together_in_order_to_all_who_keep_them() -> None:
    clock, first, second = Clockwork(), list[str](), list[str]()
    telling = Telling(
        clock.later, lambda one: first.append(one.target), lambda one: second.append(one.target)
    )
    telling.add(entry(1))
    telling.add(entry(2))
    assert (first, second, len(clock.waiting)) == ([], [], 1)
    clock.strike()
    assert first == second == ["/1", "/2"]
    telling.add(entry(3))
    clock.strike()
    assert first == second == ["/1", "/2", "/3"]


def test_who_reads_sees_all() -> None:
    clock, kept = Clockwork(), list[str]()
    telling = Telling(clock.later, lambda one: kept.append(one.target))
    telling.add(entry(1))
    telling.settle()
    assert kept == ["/1"]
    telling.add(entry(2))
    clock.strike()
    assert kept == ["/1", "/2"]


def test_not_too_many_wait() -> None:
    clock, kept = Clockwork(), list[str]()
    telling = Telling(clock.later, lambda one: kept.append(one.target))
    for number in range(600):
        telling.add(entry(number))
    assert (len(kept), len(clock.waiting)) == (512, 1)
    clock.strike()
    assert kept == [f"/{number}" for number in range(600)]
