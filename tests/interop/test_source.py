from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from llmreplay.interop import source
from llmreplay.interop.source import UnreadableError, line_of, parse, read_bytes

if TYPE_CHECKING:
    from pathlib import Path

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def refusal(data: bytes) -> tuple[int, str]:
    with pytest.raises(UnreadableError) as caught:
        parse(data)
    return caught.value.line, caught.value.reason


@given(st.lists(JSON_VALUES) | st.dictionaries(st.text(), JSON_VALUES))
def test_json_gives_its_values(value: object) -> None:
    assert parse(json.dumps(value).encode()) == value


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.binary() | st.none(), min_size=1))
def test_yaml_gives_its_values(value: object) -> None:
    assert parse(yaml.safe_dump(value, default_flow_style=False).encode()) == value


def test_dates_and_merge_keys_are_text_as_in_json() -> None:
    text = b"at: 2026-01-02T03:04:05Z\nday: 2026-01-02\n<<: {a: 1}\nis: =\n"

    assert parse(text) == {
        "at": "2026-01-02T03:04:05Z",
        "day": "2026-01-02",
        "<<": {"a": 1},
        "is": "=",
    }


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("!!binary aGVsbG8=", b"hello"),
        ("!binary aGVsbG8=", b"hello"),
        ("!!python/bytes aGVsbG8=", b"hello"),
        ("!!python/str hello", "hello"),
        ("!!python/unicode 'hello'", "hello"),
        ("!!python/tuple [a, 1]", ["a", 1]),
        ("!!python/list [a, 1]", ["a", 1]),
        ("!!python/object/apply:multidict._multidict.istr [Accept]", "Accept"),
        ("!!python/object/new:multidict._multidict.istr [Accept]", "Accept"),
        ("!!python/object/new:_io.BytesIO {state: !!python/tuple [!!binary aGk=, 0, null]}", b"hi"),
    ],
)
def test_harmless_tags_are_read_as_what_they_hold(text: str, value: object) -> None:
    assert parse(f"value: {text}\n".encode()) == {"value": value}


@pytest.mark.parametrize(
    "tag",
    [
        "!!python/object/apply:os.system [echo]",
        "!!python/object/new:subprocess.Popen [echo]",
        "!!python/object:_io.BytesIO {}",
        "!!python/name:os.system ''",
        "!!python/module:os ''",
        "!ruby/object:Gem::Installer {}",
    ],
)
def test_any_other_tag_is_refused_with_its_line(tag: str) -> None:
    line, reason = refusal(f"a: 1\nb: {tag}\n".encode())

    assert line == 2
    assert reason.startswith("not valid YAML: ")


def test_a_recursive_alias_is_refused() -> None:
    assert refusal(b"a: &x\n- 1\n- *x\n") == (3, "its aliases unfold to themselves, or to too much")


def test_aliases_that_unfold_exponentially_are_refused_in_no_time() -> None:
    rows = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]

    line, reason = refusal("\n".join(rows).encode())

    assert (line, reason) == (9, "its aliases unfold to themselves, or to too much")


def test_aliases_as_recorders_write_them_are_read() -> None:
    assert parse(b"a: &x\n- '*'\nb: *x\nc: &y done\nd: *y\n") == {
        "a": ["*"],
        "b": ["*"],
        "c": "done",
        "d": "done",
    }


def test_yaml_that_would_overflow_the_loaders_stack_is_refused() -> None:
    assert refusal(b"a: " + b"[" * 200_000) == (1, "nested more than 64 deep")


def test_json_nested_without_end_is_refused() -> None:
    line, reason = refusal(b"[" * 200_000)

    assert line == 1
    assert reason.startswith("not readable as JSON: ")


@pytest.mark.parametrize(
    ("data", "line", "reason"),
    [
        (b'{"a": 1,\n"b" 2}', 2, "not valid JSON: Expecting ':' delimiter"),
        (b"a: 1\nb: [1\nc: 2\n", 3, "not valid YAML: did not find expected ',' or ']'"),
        (b"a: 1\n---\nb: 2\n", 2, "not valid YAML: but found another document"),
        (b"a: \xff\n", 1, "not readable as YAML: "),
        (b'["\xff\xfe\xff"]', 1, "not readable as JSON: "),
        (b"a: \x00\n", 1, "not readable as YAML: "),
    ],
)
def test_broken_text_is_refused_with_its_line(data: bytes, line: int, reason: str) -> None:
    found_line, found_reason = refusal(data)

    assert found_line == line
    assert found_reason.startswith(reason)


def test_an_empty_file_is_an_empty_document() -> None:
    assert parse(b"") is None


def test_gzip_is_taken_off(tmp_path: Path) -> None:
    path = tmp_path / "any-name"
    path.write_bytes(gzip.compress(b"hello"))

    assert read_bytes(path) == b"hello"


def test_broken_gzip_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "any-name"
    path.write_bytes(gzip.compress(b"hello")[:-3])

    with pytest.raises(UnreadableError, match="begins as gzip, but the gzip body ends"):
        read_bytes(path)


def test_files_are_bounded_before_and_after_gzip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "MAX_FILE_BYTES", 100)
    plain, packed = tmp_path / "plain", tmp_path / "packed"
    plain.write_bytes(b"a" * 101)
    packed.write_bytes(gzip.compress(b"a" * 101))

    with pytest.raises(UnreadableError, match="larger than 100 bytes"):
        read_bytes(plain)
    with pytest.raises(UnreadableError, match="more than the limit of 100 bytes"):
        read_bytes(packed)


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ((), 1),
        (("list",), 3),
        (("list", 1), 4),
        (("list", 1, "key"), 4),
        (("list", 1, "absent"), 4),
        (("list", 7), 3),
        (("name", "below", "a", "scalar"), 1),
    ],
)
def test_a_place_is_found_again_as_a_line(place: tuple[str | int, ...], line: int) -> None:
    assert line_of(b"name: x\nlist:\n- key: 1\n- key: 2\n", place) == line


def test_a_place_in_json_is_found_again_as_a_line() -> None:
    assert line_of(b'{\n "list": [\n  {"key": 1},\n  {"key": 2}\n ]\n}', ("list", 1, "key")) == 4


def test_a_place_in_what_cannot_be_read_is_the_first_line() -> None:
    assert line_of(b"[" * 200_000, (0, 0)) == 1
    assert line_of(b"", ("key",)) == 1
