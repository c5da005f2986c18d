"""Each test has a cassette and a session of its own, by a name that a person can read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmreplay.cassettes.names import parts_of
from llmreplay.core.routing import valid_name
from llmreplay.pytest_plugin.naming import cassette_name, session_name


@pytest.mark.parametrize(
    ("module", "classes", "function", "name"),
    [
        ("test_chat", (), "test_weather", "test_chat/test_weather"),
        ("test_chat", ("TestTools",), "test_weather", "test_chat/TestTools.test_weather"),
        ("test_chat", ("TestA", "TestB"), "test_c", "test_chat/TestA.TestB.test_c"),
        ("test_chat", (), "test_t[gpt-4o]", "test_chat/test_t.gpt-4o"),
        ("test_chat", (), "test_t[a.b_c-1]", "test_chat/test_t.a.b_c-1"),
        ("test_chat", (), "test_t[a/b c]", "test_chat/test_t.a-b-c-82facc22"),
        ("test_chat", (), "test_t[../../x]", "test_chat/test_t...-..-x-3fd204ac"),
    ],
)
def test_a_cassette_is_named_after_its_test(
    module: str, classes: tuple[str, ...], function: str, name: str
) -> None:
    assert name == cassette_name(module, classes, function)


def test_ids_that_look_alike_when_made_valid_stay_apart() -> None:
    names = [cassette_name("t", (), f"test_t[{text}]") for text in ("a b", "a/b", "a-b", "a  b")]
    assert len(set(names)) == 4


def test_a_long_id_is_cut_and_stays_apart() -> None:
    first, second = (cassette_name("t", (), f"test_t[{'x' * 400}{end}]") for end in "ab")
    assert first != second
    assert len(first) == len("t/") + 120 + len("-12345678")


IDENTIFIERS = st.from_regex(r"[^\W\d]\w{0,9}", fullmatch=True)


@given(IDENTIFIERS, st.lists(IDENTIFIERS, max_size=2), IDENTIFIERS, st.none() | st.text())
def test_any_test_has_a_valid_cassette_and_session(
    module: str, classes: list[str], function: str, parameters: str | None
) -> None:
    whole = function if parameters is None else f"{function}[{parameters}]"
    parts_of(cassette_name(module, classes, whole))
    assert valid_name(session_name("::".join((f"tests/{module}.py", *classes, whole))))


def test_a_session_is_told_from_another_with_the_same_last_words() -> None:
    first, second = session_name("a/test_x.py::test_t"), session_name("b/test_x.py::test_t")
    assert first != second
    assert first.startswith("test_t-")
