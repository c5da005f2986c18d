from __future__ import annotations

from copy import deepcopy
from typing import Any

import jsonpath_rfc9535
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmreplay.core.canonical.paths import compiled_path
from llmreplay.errors import UsageError

BODY = {
    "model": "m",
    "größe": 1,
    "a b": {"x": 1},
    "meta": {"user": "u", "tags": ["t", "u"]},
    "messages": [
        {"role": "system", "content": "s"},
        {"role": "user", "content": [{"text": "t", "mark": 1}, {"text": "u", "mark": 2}]},
        "odd",
        ["nested", {"mark": 3}],
    ],
}


def selected(path: str, value: Any) -> list[Any]:  # noqa: ANN401  # any JSON
    return [holder[key] for holder, key in compiled_path(path).select(value)]


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("$.model", ["m"]),
        ("$.größe", [1]),
        ("$['a b'].x", [1]),
        ('$["meta"]["user"]', ["u"]),
        ("$.meta.tags[0]", ["t"]),
        ("$.meta.tags[-1]", ["u"]),
        ("$.meta.tags[2]", []),
        ("$.meta.tags[-3]", []),
        ("$.messages[*].role", ["system", "user"]),
        ("$.messages[1].content[*].mark", [1, 2]),
        ("$.meta.*", ["u", ["t", "u"]]),
        ("$..mark", [1, 2, 3]),
        ("$.messages..mark", [1, 2, 3]),
        ("$..content[0].text", ["t"]),
        ("$.model.name", []),
        ("$.messages.role", []),
        ("$.model[0]", []),
        ("$.meta.tags[1:]", ["u"]),
        ("$.meta['user', 'none']", ["u"]),
        ("$.messages[?@.role == 'user'].role", ["user"]),
        ("$.messages[?match(@.role, 'sys.*')].role", ["system"]),
        ("$.messages[?match(@.role, 'sys')].role", []),
        ("$.messages[?search(@.role, 'ys')].role", ["system"]),
        ("$.messages[?search(@.role, '(')].role", []),
        ("$.messages[?search(@.role, @.none)].role", []),
        ("$", []),
    ],
)
def test_a_path_selects_its_places(path: str, values: list[Any]) -> None:
    assert sorted(map(repr, values)) == sorted(map(repr, selected(path, BODY)))


names = st.sampled_from("ab")
steps = st.one_of(
    names.map(".{}".format),
    names.map("..{}".format),
    names.map("['{}']".format),
    st.sampled_from(["[*]", ".*"]),
    st.integers(-2, 2).map("[{}]".format),
)
values = st.recursive(
    st.integers(0, 9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=2),
    max_leaves=12,
)


@given(st.lists(steps, min_size=1, max_size=4).map(lambda found: f"${''.join(found)}"), values)
def test_the_quick_walk_selects_what_the_library_does(path: str, value: Any) -> None:  # noqa: ANN401  # any JSON
    ours = sorted(map(repr, selected(path, deepcopy(value))))
    theirs = sorted(map(repr, jsonpath_rfc9535.find(path, value).values()))
    # `..` can reach one place in several ways; RFC 9535 lists it each time.
    assert set(ours) == set(theirs)


@pytest.mark.parametrize(
    ("path", "field", "needed"),
    [
        ("$.user", "user", ()),
        ("$.messages[*].content[*].mark", "messages", (b'"content"', b'"mark"')),
        ("$.a['größe']['x y']", "a", ()),
        ("$..mark", None, ()),
        ("$[0].mark", None, (b'"mark"',)),
        ("$.tools[?@.x]", None, ()),
    ],
)
def test_what_must_be_in_a_body_is_known_beforehand(
    path: str, field: str | None, needed: tuple[bytes, ...]
) -> None:
    compiled = compiled_path(path)
    assert (field, needed) == (compiled.field, compiled.names)


@pytest.mark.parametrize("text", ["", "model", "$.a[", "$.a[?(@.b =~ /x/)]", "$.", "@.a"])
def test_what_is_no_json_path_is_said_to_be_none(text: str) -> None:
    with pytest.raises(UsageError, match="is no JSONPath"):
        compiled_path(text)
