"""What stands under keys; mistakes are noted with their place, and more are looked for."""

from __future__ import annotations

from typing import Any

from llmreplay.cassettes.fields import Fields
from llmreplay.cassettes.mistakes import Mistake


def fields(**values: Any) -> tuple[Fields, list[Mistake]]:  # noqa: ANN401  # what YAML gives
    mistakes: list[Mistake] = []
    return Fields(values, ("top",), mistakes), mistakes


def told(mistakes: list[Mistake]) -> list[tuple[object, str]]:
    return [(mistake.place, mistake.reason) for mistake in mistakes]


def test_what_is_there_is_given() -> None:
    found, mistakes = fields(
        a="text", n="12", ns=["1", "0"], headers={"x": "y"}, section={"b": "c"}
    )

    assert found.text("a") == "text"
    assert found.text("missing", "otherwise") == "otherwise"
    assert found.checked("a", str.upper) == "TEXT"
    assert found.natural("n") == 12
    assert found.naturals("ns") == (1, 0)
    assert found.naturals("missing") is None
    assert found.headers() == (("x", "y"),)
    assert found.section("section", frozenset({"b"})).text("b") == "c"
    assert found.section("missing", frozenset(), required=False).values == {}
    assert mistakes == []


def test_what_is_not_as_it_should_be_is_noted_and_goes_on() -> None:
    def refuse(_text: str) -> str:
        raise Mistake(("a",), "not that")

    found, mistakes = fields(
        a="text", n="-1", big="9" * 19, ns=["1", "x"], list=[], headers=7, section={"b": "c"}
    )

    assert found.text("missing") == ""
    assert found.text("list") == ""
    assert found.checked("a", refuse) == ""
    assert found.checked("missing", refuse) == ""
    assert (found.natural("n"), found.natural("big"), found.natural("list")) == (0, 0, 0)
    assert found.naturals("ns") is None
    assert found.naturals("n") is None
    assert found.headers() == ()
    assert found.section("section", frozenset()).text("d") == ""
    assert found.section("missing", frozenset()).text("never told") == ""
    assert found.section("ns", frozenset()).values == {}
    assert told(mistakes) == [
        (("top", "missing"), "'missing' is missing"),
        (("top", "list"), "'list' is text"),
        (("top", "a"), "not that"),
        (("top", "missing"), "'missing' is missing"),
        (("top", "n"), "'n' is a whole number, not '-1'"),
        (("top", "big"), f"'big' is a whole number, not '{'9' * 19}'"),
        (("top", "list"), "'list' is text"),
        (("top", "ns"), "'ns' is a list of whole numbers"),
        (("top", "n"), "'n' is a list of whole numbers"),
        (
            ("top", "headers"),
            "headers are a mapping of names to values, or a list of [name, value] pairs",
        ),
        (("top", "section", "b"), "unknown key 'b'; known are "),
        (("top", "section", "d"), "'d' is missing"),
        (("top", "missing"), "'missing' is missing"),
        (("top", "ns"), "'ns' is a mapping"),
    ]
