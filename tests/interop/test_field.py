from __future__ import annotations

import pytest

from llmreplay.interop.field import Field, MisfitError

DOCUMENT = Field({"a": {"b": [1, "two", None]}, "flag": True, "raw": b"caf\xc3\xa9", "n": "12"})


def test_a_field_knows_its_value_and_place() -> None:
    field = (DOCUMENT / "a" / "b").items()[1]

    assert (field.value, field.place) == ("two", ("a", "b", 1))


def test_going_down_never_fails() -> None:
    field = DOCUMENT / "a" / "b" / "c" / "d"

    assert not field.present
    assert field.place == ("a", "b", "c", "d")


@pytest.mark.parametrize(("key", "text"), [("flag", "true"), ("raw", "café"), ("n", "12")])
def test_scalars_are_text(key: str, text: str) -> None:
    assert (DOCUMENT / key).text() == text


def test_numbers_may_be_written_as_text() -> None:
    assert (DOCUMENT / "n").number() == 12
    assert (DOCUMENT / "a" / "b").items()[0].number() == 1


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        (DOCUMENT / "a" / "x", "a.x is missing"),
        (DOCUMENT / "a", "a should be text"),
        (Field([]), "the document should be text"),
    ],
)
def test_text_that_is_not_there_is_named(field: Field, reason: str) -> None:
    with pytest.raises(MisfitError) as caught:
        field.text()

    assert (caught.value.reason, caught.value.place) == (reason, field.place)


@pytest.mark.parametrize("key", ["flag", "raw", "a"])
def test_what_is_no_number_is_named(key: str) -> None:
    with pytest.raises(MisfitError, match=f"{key} should be a whole number"):
        (DOCUMENT / key).number()


def test_a_missing_number_is_named() -> None:
    with pytest.raises(MisfitError, match="code is missing"):
        (DOCUMENT / "code").number()


def test_lists_and_mappings_are_asked_for_as_such() -> None:
    with pytest.raises(MisfitError, match="a should be a list"):
        (DOCUMENT / "a").items()
    with pytest.raises(MisfitError, match="n should be a mapping"):
        (DOCUMENT / "n").entries()


def test_entries_are_keys_and_fields() -> None:
    assert Field({"k": 1, 2: "v"}, ("top",)).entries() == [
        ("k", Field(1, ("top", "k"))),
        ("2", Field("v", ("top", 2))),
    ]
    assert Field(None).entries() == []


def test_keys_of_what_has_none_are_none() -> None:
    assert Field([1]).keys == frozenset()
    assert Field({"a": 1}).keys == frozenset({"a"})


@pytest.mark.parametrize(
    ("value", "answer"),
    [
        ([{"a": 1, "b": 2}, {"a": 1}], True),
        ([{"a": 1}, {"b": 2}], False),
        ([{"a": 1}, "a"], False),
        ([], False),
        ({"a": 1}, False),
        (None, False),
    ],
)
def test_lists_of_one_shape_are_recognised(value: object, *, answer: bool) -> None:
    assert Field(value).all_have("a") is answer
