from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmreplay.core.canonical import BodyKind, Canonical, MatchSettings, canonical
from llmreplay.core.exchange import Headers, Request
from tests.fakes.dialects import CHAT

if TYPE_CHECKING:
    import random

URL = "https://api.example.com/v1/chat"
PLAIN = MatchSettings()


def request(
    body: Any = b"",  # noqa: ANN401  # bytes as they are, anything else as JSON
    *,
    url: str = URL,
    method: str = "POST",
    headers: Headers = (),
) -> Request:
    sent = body if isinstance(body, bytes) else orjson.dumps(body)
    return Request(method, url, headers, sent)


def form(body: Any, settings: MatchSettings = PLAIN, **rest: Any) -> Canonical:  # noqa: ANN401  # as above
    return canonical(request(body, **rest), CHAT, settings)


def typed(content_type: str) -> Headers:
    return (("Content-Type", content_type),)


SAME = [
    ("key order", b'{"a": 1, "b": {"c": 2, "d": 3}}', b'{"b":{"d":3,"c":2},"a":1}'),
    ("float spelling", b'{"a": 1.0, "b": 1e2}', b'{"a": 1, "b": 100}'),
    ("escapes", rb'{"a": "\u00fc\/"}', '{"a": "ü/"}'.encode()),
    ("a byte order mark", b'\xef\xbb\xbf {"a": 1}', b'{"a": 1}'),
    ("a default of the dialect", b'{"n": 1, "a": 2}', b'{"a": 2}'),
    ("a volatile field", b'{"user": "me", "a": 2}', b'{"user": "you", "a": 2}'),
    (
        "ids renamed",
        b'{"messages": [{"calls": [{"id": "call_a"}]}, {"result_of": "call_a"}]}',
        b'{"messages": [{"calls": [{"id": "call_x"}]}, {"result_of": "call_x"}]}',
    ),
    ("placeholders renumbered", b'{"a": "REDACTED-k-1"}', b'{"a": "REDACTED-k-12"}'),
    ("half an emoji, by value", rb'{"b": 1, "a": "\ud83d"}', rb'{"a":"\uD83D","b":1.0}'),
    (
        "long numbers",
        rb'{"a": 123456789012345678901234567890, "b": "\ud83d"}',
        rb'{"b": "\ud83d", "a": 1.2345678901234568e29}',
    ),
]

DIFFERENT = [
    ("message order", b'{"messages": [{"a": 1}, {"a": 2}]}', b'{"messages": [{"a": 2}, {"a": 1}]}'),
    ("null and nothing", b'{"a": 1, "b": null}', b'{"a": 1}'),
    ("a number and a text", b'{"a": 1}', b'{"a": "1"}'),
    ("true and one", b'{"a": true}', b'{"a": 1}'),
    (
        "ids confused",
        b'{"messages": [{"id": "x"}, {"id": "y"}, {"result_of": "x"}]}',
        b'{"messages": [{"id": "x"}, {"id": "y"}, {"result_of": "y"}]}',
    ),
    ("a tool's own ids", b'{"input": {"id": "42"}}', b'{"input": {"id": "43"}}'),
    (
        "secrets confused",
        b'{"a": "REDACTED-k-1 REDACTED-k-1"}',
        b'{"a": "REDACTED-k-1 REDACTED-k-2"}',
    ),
    ("kinds of secrets", b'{"a": "REDACTED-k-1"}', b'{"a": "REDACTED-l-1"}'),
    ("a list and nothing", b"[]", b""),
    ("halves of emoji", rb'{"a": "\ud83d"}', rb'{"a": "\ud83c"}'),
    ("broken JSON", b'{"a": 1', b'{"a":1'),
    ("what is no JSON", b'{"a": NaN}', b'{"a": null}'),
    ("infinity", rb'{"a": 1e400, "b": "\ud83d"}', rb'{"a": 1e401, "b": "\ud83d"}'),
    ("texts", b"hello", b"hello "),
    ("bytes", b"\xff\x00", b"\xff\x01"),
]


@pytest.mark.parametrize(("one", "other"), [pytest.param(*c[1:], id=c[0]) for c in SAME])
def test_bodies_that_mean_the_same_have_one_form(one: bytes, other: bytes) -> None:
    assert form(one) == form(other)


@pytest.mark.parametrize(("one", "other"), [pytest.param(*c[1:], id=c[0]) for c in DIFFERENT])
def test_bodies_that_mean_something_else_have_another(one: bytes, other: bytes) -> None:
    left, right = form(one), form(other)
    assert orjson_or_repr(left) != orjson_or_repr(right)


def orjson_or_repr(value: Canonical) -> str:
    """True is 1 for Python; not here."""
    return repr((value.kind, value.body))


def test_a_form_whole() -> None:
    body = {
        "messages": [
            {"role": "user", "content": "key REDACTED-key-5", "user": "kept"},
            {"role": "assistant", "calls": [{"id": "call_9", "input": {"id": "1"}}]},
        ],
        "file_ids": ["file-a"],
        "user": "left out",
        "temperature": 1.0,
    }
    got = form(
        body,
        MatchSettings(headers=("X-Beta", "authorization")),
        url="https://api.example.com//v1/files/file-b/chat?limit=2&key=secret&after=file-a",
        headers=(("x-beta", "two"), ("X-Beta", "one"), ("Authorization", "Bearer x")),
    )
    assert got == Canonical(
        method="POST",
        path="/v1/files/{id-1}/chat",
        query=(("after", "{id-2}"), ("limit", "2")),
        headers=(("x-beta", "two"), ("x-beta", "one")),
        kind=BodyKind.JSON,
        body={
            "file_ids": ["{id-2}"],
            "messages": [
                {"content": "key REDACTED-key-1", "role": "user", "user": "kept"},
                {"calls": [{"id": "{id-3}", "input": {"id": "1"}}], "role": "assistant"},
            ],
            "temperature": 1,
        },
    )
    assert got.ids == ("file-b", "file-a", "call_9")


def test_ids_are_not_part_of_what_is_compared() -> None:
    assert form({"id": "a"}) == form({"id": "b"})
    assert form({"id": "a"}).ids != form({"id": "b"}).ids


def test_a_method_has_one_spelling() -> None:
    assert form(b"", method="get").method == "GET"


def test_what_the_user_ignores_does_not_take_part() -> None:
    settings = MatchSettings(ignore=("$.seed", "$.messages[*].name", "?api-version"))
    one = form({"seed": 1, "messages": [{"name": "a"}]}, settings, url=f"{URL}?api-version=1&b=2")
    two = form({"messages": [{}]}, settings, url=f"{URL}?b=2")
    assert one == two


def test_what_the_user_replaces_is_replaced_everywhere() -> None:
    settings = MatchSettings(replace=((r"\d{4}-\d\d", "MONTH"),))
    got = form(b"on 2026-01", settings, url="https://h/2026-02/x?since=2026-03")
    assert (got.path, got.query, got.body) == ("/MONTH/x", (("since", "MONTH"),), "on MONTH")


def test_a_form_is_its_fields_by_name_without_credentials() -> None:
    got = form(
        b"b=2&a=1&b=1&key=secret&id=call_1&empty=",
        headers=typed("application/x-www-form-urlencoded"),
    )
    assert got.body == [
        {"name": "a", "value": "1"},
        {"name": "b", "value": "2"},
        {"name": "b", "value": "1"},
        {"name": "empty", "value": ""},
        {"name": "id", "value": "{id-1}"},
    ]


def multipart(boundary: str, *parts: tuple[str, bytes]) -> bytes:
    body = b"".join(
        f"--{boundary}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode()
        + content
        + b"\r\n"
        for head, content in parts
    )
    return body + f"--{boundary}--\r\n".encode()


def digest(data: bytes) -> str:
    return blake2b(data, digest_size=16).hexdigest()


def test_a_multipart_body_is_its_parts_by_name() -> None:
    got = form(
        multipart(
            "xyz",
            ('name="model"', b"whisper-1"),
            ('name="file"; filename="a.wav"\r\nContent-Type: audio/wav', b"\xff\x00"),
            ('name="id"', b"call_1"),
            ('name="empty"\r\nContent-Type: text/plain; charset=UTF-8', b""),
            ('name="data"; filename="REDACTED-k-3.jsonl"', b'{"id": "call_1"}\n'),
            ('name="raw"', b"\xfe"),
        )
    )
    assert got.kind is BodyKind.MULTIPART
    assert got.body == [
        {
            "name": "data",
            "filename": "REDACTED-k-1.jsonl",
            "type": "text/plain",
            "text": '{"id": "call_1"}\n',
        },
        {"name": "empty", "type": "text/plain", "text": ""},
        {
            "name": "file",
            "filename": "a.wav",
            "type": "audio/wav",
            "data": f"2 bytes, blake2b {digest(bytes([255, 0]))}",
        },
        {"name": "id", "type": "text/plain", "text": "{id-1}"},
        {"name": "model", "type": "text/plain", "text": "whisper-1"},
        {"name": "raw", "type": "text/plain", "data": f"1 bytes, blake2b {digest(bytes([254]))}"},
    ]


def test_neither_boundary_nor_field_order_counts() -> None:
    fields = (('name="model"', b"whisper-1"), ('name="language"', b"de"))
    one = request(multipart("one", *fields), headers=typed("multipart/form-data; boundary=one"))
    two = request(multipart("two", *reversed(fields)), headers=typed("REDACTED"))
    assert canonical(one, CHAT, PLAIN) == canonical(two, CHAT, PLAIN)


def test_parts_of_a_body_can_be_ignored() -> None:
    settings = MatchSettings(ignore=("$[?@.name == 'language']",))
    one = form(multipart("x", ('name="model"', b"m"), ('name="language"', b"de")), settings)
    assert one.body == [{"name": "model", "type": "text/plain", "text": "m"}]


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["call_1", "call_2", "REDACTED-k-1", "REDACTED-k-2", "text", ""])
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["id", "result_of", "file_ids", "input", "user", "n", "a", "b"])
            | st.text(max_size=3),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)
json_bodies = st.dictionaries(
    st.sampled_from(["messages", "id", "user", "n", "x"]), json_values, max_size=5
) | st.lists(json_values, max_size=4)
paths = st.lists(
    st.sampled_from(["v1", "files", "file-1", "batch_2", "a b", "%", "ü", "{id-3}"])
    | st.text(max_size=4),
    max_size=4,
).map(lambda parts: "https://host/" + "/".join(quote(part, safe="") for part in parts))


@given(json_bodies, paths)
def test_the_form_of_a_form_is_itself(body: Any, url: str) -> None:  # noqa: ANN401  # any JSON
    once = form(body, url=url)
    again = form(once.body, url=f"https://host{once.path}")
    assert repr((once.path, once.body)) == repr((again.path, again.body))


@given(json_bodies, st.randoms(use_true_random=False))
def test_key_order_never_counts(body: Any, chance: random.Random) -> None:  # noqa: ANN401  # any JSON
    assert form(body) == form(shuffled(body, chance))
    assert form(body).ids == form(shuffled(body, chance)).ids


def shuffled(value: Any, chance: random.Random) -> Any:  # noqa: ANN401  # any JSON
    if isinstance(value, dict):
        keys = list(value)
        chance.shuffle(keys)
        return {key: shuffled(value[key], chance) for key in keys}
    return [shuffled(item, chance) for item in value] if isinstance(value, list) else value


@given(json_bodies, st.permutations(range(6)))
def test_what_ids_are_called_never_counts(body: Any, names: list[int]) -> None:  # noqa: ANN401  # any JSON
    assert form(body) == form(renamed(body, names))


def renamed(value: Any, names: list[int], key: str = "") -> Any:  # noqa: ANN401  # any JSON
    """Ids under other names, all different; below the opaque keys nothing is one."""
    if isinstance(value, dict):
        return {
            name: inner if name in CHAT.opaque_keys else renamed(inner, names, name)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [renamed(item, names, key) for item in value]
    if isinstance(value, str) and value and key in CHAT.id_keys:
        return f"{names[0]}{value}{names[1]}"
    return value


@given(st.integers(-(10**6), 10**6), st.integers(0, 3))
def test_numbers_count_by_value_however_they_are_spelled(value: int, zeros: int) -> None:
    spelled = f"{value}.{'0' * (zeros + 1)}".encode()
    shifted = f"{value * 10}e-1".encode()
    plain = form({"a": [value]})
    assert plain == form(b'{"a": [%b]}' % spelled) == form(b'{"a": [%b]}' % shifted)
    assert isinstance(form(b'{"a": [%b]}' % spelled).body["a"][0], int)


@given(st.text(), st.text())
def test_no_target_is_too_odd(method: str, url: str) -> None:
    assert canonical(Request(method, url), CHAT, PLAIN).path.startswith("/")
