from __future__ import annotations

import json
from typing import Any

import pytest

from llmreplay.core.redaction.leaves import SEPARATOR, Leaves


def told(*values: Any, name: str = "") -> list[str]:  # noqa: ANN401  # any JSON
    """The texts that these events tell in pieces; found by value and found by place alike."""
    leaves = Leaves()
    source = b""
    for value in values:
        payload = json.dumps(value, ensure_ascii=False).encode()
        span = (len(source), len(source) + len(payload))
        leaves.add(payload, name, lambda span=span: [span])  # type: ignore[misc]  # a default
        source += payload + b"\n"
    texts = leaves.told.decode().split(SEPARATOR.decode())[:-1]
    places = [b"".join(source[a:b] for a, b in group) for group in leaves.groups(source)]
    assert [json.loads(b'"' + text + b'"') for text in places] == texts
    return texts


def test_pieces_at_one_path_are_one_text() -> None:
    assert told(
        {"id": "c1", "choices": [{"delta": {"role": "assistant", "content": "Hé"}}]},
        {"id": "c1", "choices": [{"delta": {"content": 'l"\n'}}]},
        {"id": "c1", "choices": [{"delta": {"content": "lo"}}], "usage": None},
    ) == ['Hél"\nlo']


def test_what_is_always_the_same_or_said_once_is_no_text_in_pieces() -> None:
    assert told({"a": "x", "b": "y"}, {"a": "x"}, "z", [1, 2]) == []


def test_a_string_may_be_all_there_is() -> None:
    assert told("a", "b") == ["ab"]


def test_indexes_tell_texts_apart_wherever_they_stand() -> None:
    assert told(
        {"index": 0, "delta": {"text": "a"}},
        {"index": 1, "delta": {"text": "x"}},
        {"delta": {"text": "b"}, "index": 0},
        {"delta": {"text": "y"}, "index": 1},
    ) == ["ab", "xy", "axby"]


def test_positions_tell_texts_apart() -> None:
    texts = told({"c": [{"t": "a"}, {"t": "x"}]}, {"c": [{"t": "b"}, {"t": "y"}]})
    assert texts == ["ab", "xy", "axby"]


def test_ids_tell_texts_apart() -> None:
    assert told(
        {"item_id": "i1", "delta": "a"},
        {"item_id": "i2", "delta": "x"},
        {"item_id": "i1", "delta": "b"},
        {"item_id": "i2", "delta": "y"},
    ) == ["ab", "xy", "axby", "i1i2i1i2"]


def test_ids_tell_texts_in_lists_apart() -> None:
    texts = told(
        {"id": 1, "parts": [{"t": "a"}, 7]},
        {"id": 2, "parts": [{"t": "x"}]},
        {"id": 1, "parts": [{"t": "b"}]},
        {"id": 2, "parts": [{"t": "y"}]},
    )
    assert texts == ["axby", "ab", "xy"]


def test_the_last_position_alone_tells_the_alternatives_of_tokens_apart() -> None:
    texts = told(
        [
            {"token": "a", "top": [{"token": "a"}, {"token": "p"}]},
            {"token": "b", "top": [{"token": "b"}, {"token": "q"}]},
        ]
    )
    assert "ab" in texts
    assert "pq" in texts


def test_names_tell_texts_apart_or_do_not() -> None:
    leaves = Leaves()
    for name, payload in (("a", b'["x"]'), ("b", b'["1"]'), ("a", b'["y"]'), ("b", b'["2"]')):
        leaves.add(payload, name, list)
    assert leaves.told == b"xy\x0012\0x1y2\0"


def test_keys_and_strings_within_strings_are_no_leaves() -> None:
    assert told({"k\\": '{"a": "b'}, {"k\\": '": 1}'}) == ['{"a": "b": 1}']


def test_a_payload_over_several_lines_is_one_value() -> None:
    source = b'data: {"a":\ndata: "x"}\n\ndata: {"a":"y"}\n\n'
    leaves = Leaves()
    leaves.add(b'{"a":\n"x"}', "", lambda: [(6, 11), (18, 22)])
    leaves.add(b'{"a":"y"}', "", lambda: [(30, 39)])
    assert leaves.told == b"xy\0"
    assert list(leaves.groups(source)) == [[(19, 20), (36, 37)]]


@pytest.mark.parametrize("payload", [b"plain", b"{broken", b"[1", b'"\xff'])
def test_a_payload_that_is_no_json_is_a_leaf_itself(payload: bytes) -> None:
    leaves = Leaves()
    leaves.add(payload, "", lambda: [(0, len(payload))])
    leaves.add(b"and\nmore", "", lambda: [(10, 13), (14, 18)])
    text = payload.decode("utf-8", "surrogateescape") + "andmore"
    assert leaves.told.endswith(text.encode("utf-8", "surrogatepass") + SEPARATOR)
    assert list(leaves.groups(b""))[-1] == [(0, len(payload)), (10, 13), (14, 18)]


def test_json_that_only_python_reads_is_read() -> None:
    leaves = Leaves()
    leaves.add(b'{"a": NaN, "b": "x"}', "", lambda: [(0, 20)])
    leaves.add(b'{"b": "\\ud800"}', "", lambda: [(21, 36)])
    assert leaves.told == b"x\xed\xa0\x80\0"


def test_a_field_said_twice_is_no_trouble() -> None:
    source = b'{"a":"x","a":"y"}'
    leaves = Leaves()
    leaves.add(source, "", lambda: [(0, len(source))])
    leaves.add(b'{"a":"z"}', "", list)
    assert leaves.told == b"yz\0"
    assert len(list(leaves.groups(source))) == 1


def test_deep_nesting_is_no_trouble() -> None:
    deep = b"[" * 900 + b'"a"' + b"]" * 900
    leaves = Leaves()
    leaves.add(deep, "", list)
    leaves.add(deep.replace(b"a", b"b"), "", list)
    leaves.add(b"[" * 100_000, "", list)
    assert leaves.told.startswith(b"ab\0")
