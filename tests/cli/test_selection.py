"""Names typed after a command."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from llmreplay.cli.selection import chosen_cassettes, chosen_exchanges
from llmreplay.core.exchange import Exchange, Request, Response
from llmreplay.errors import UsageError

if TYPE_CHECKING:
    from llmreplay.cassettes import Library


def exchange(number: int) -> Exchange:
    return Exchange(number, "openai", Request("GET", "http://x/"), Response(200))


class Shelf:
    """A library of cassettes with two exchanges each, of which the second has number 7."""

    folder = "cassettes"

    def __init__(self, *names: str) -> None:
        self._names = names

    def names(self) -> tuple[str, ...]:
        return self._names

    def exchanges(self, name: str) -> tuple[Exchange, ...]:
        return () if name == "empty" else (exchange(1), exchange(7))


def library(*names: str) -> Library:
    return cast("Library", Shelf(*names))


def refusal(choice: str, names: tuple[str, ...] = ("chat/tools", "empty", "weather")) -> str:
    with pytest.raises(UsageError) as raised:
        chosen_exchanges(library(*names), choice)
    return str(raised.value)


def test_no_name_is_all() -> None:
    assert chosen_cassettes(library("a", "b"), ()) == ("a", "b")
    assert chosen_cassettes(library(), ()) == ()


def test_names_are_taken_in_the_order_typed() -> None:
    assert chosen_cassettes(library("a", "b"), ("b", "a")) == ("b", "a")


def test_every_unknown_name_is_told() -> None:
    with pytest.raises(UsageError) as raised:
        chosen_cassettes(library("chat/tools", "weather"), ("weathr", "weather", "x"))
    assert str(raised.value) == (
        'there is no cassette "weathr" in cassettes; did you mean "weather"?\n'
        'there is no cassette "x" in cassettes; llmreplay ls lists them'
    )


def test_the_suffix_is_a_slip() -> None:
    assert refusal("chat/tools.yaml") == (
        'there is no cassette "chat/tools.yaml" in cassettes; did you mean "chat/tools"?'
    )


def test_an_empty_folder_has_none() -> None:
    assert refusal("a", names=()) == 'there is no cassette "a": cassettes is empty'


def test_an_exchange_is_chosen_by_its_number() -> None:
    assert chosen_exchanges(library("a"), "a") == ("a", (exchange(1), exchange(7)))
    assert chosen_exchanges(library("a"), "a#7") == ("a", (exchange(7),))


def test_a_number_that_is_none_is_told_those_that_are() -> None:
    assert refusal("weather#2") == 'there is no exchange "2" in weather; it has 1, 7'
    assert refusal("weather#") == 'there is no exchange "" in weather; it has 1, 7'
    assert refusal("empty#1") == 'there is no exchange "1" in empty; it has none'
