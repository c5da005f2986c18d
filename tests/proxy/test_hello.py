"""The name that a TLS client asks for is read from its first bytes; nonsense has none."""

from __future__ import annotations

import ssl
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmreplay.proxy.hello import is_whole, server_name
from tests.proxy.gates import HandTls


@cache
def hello(host: str | None) -> bytes:
    """What a client says first."""
    context = ssl.create_default_context()
    context.check_hostname = False
    return HandTls(context, host).said()


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("api.openai.com", "api.openai.com"),
        ("API.OpenAI.com", "api.openai.com"),
        ("127.0.0.1", None),
        (None, None),
    ],
)
def test_the_name_that_is_asked_for(asked: str | None, expected: str | None) -> None:
    assert server_name(hello(asked)) == expected


def test_a_hello_is_whole_with_its_last_byte() -> None:
    data = hello("api.openai.com")
    assert {is_whole(data[:length]) for length in range(len(data))} == {False}
    assert is_whole(data)
    assert is_whole(data + b"more")


def test_one_that_is_too_long_to_be_need_not_be_waited_for() -> None:
    assert is_whole(b"\x16\x03\x01\xff\xff")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x16\x03\x01\x00\x04\x02\x00\x00\x00",  # not a hello
        b"\x16\x03\x01\x00\x04\x01\x00\xff\xff",  # one over several records
    ],
)
def test_no_name_is_found_in_nonsense(data: bytes) -> None:
    assert server_name(data) is None


def test_nor_in_a_part_of_a_hello_or_a_name_of_another_kind() -> None:
    data = hello("api.openai.com")
    assert server_name(data[:60]) is None
    kind = data.index(b"\x00\x00\x0eapi.openai.com")
    assert server_name(data[:kind] + b"\x01" + data[kind + 1 :]) is None


@given(st.integers(0, 300), st.binary(min_size=1, max_size=4))
def test_no_bytes_at_all_break_it(place: int, noise: bytes) -> None:
    data = hello("api.openai.com")
    spoilt = data[:place] + noise + data[place + len(noise) :]
    assert isinstance(server_name(spoilt), str | None)
