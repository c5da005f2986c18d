"""Multipart bodies fall into parts that give them back, or stay whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmreplay.cassettes.multipart import Part, boundary_of, join_parts, split_parts
from tests.cassettes.strategies import multipart_bodies


@given(st.one_of(multipart_bodies, st.binary(max_size=30)))
def test_parts_give_back_the_body(body: bytes) -> None:
    parts = split_parts(body, "cut")

    assert parts is None or join_parts(parts, "cut") == body


def test_parts_have_headers_and_bodies() -> None:
    body = b"--cut\r\nA: b\r\nC: d: e\r\n\r\nbody\r\n\r\n--cut\r\n\r\n--cu\r\n\r\n\r\n--cut--\r\n"

    assert split_parts(body, "cut") == (
        Part((("A", "b"), ("C", "d: e")), b"body\r\n"),
        Part((), b"--cu\r\n\r\n"),
    )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--cut--\r\n",
        b"--cut\r\n\r\na\r\n--cut--",
        b"preamble\r\n--cut\r\n\r\na\r\n--cut--\r\n",
        b"--cut\r\n\r\na\r\n--cut--\r\nepilogue",
        b"--cut\n\na\n--cut--\n",
        b"--cut\r\nA:b\r\n\r\na\r\n--cut--\r\n",
        b"--cut \r\nA: b\r\n\r\na\r\n--cut--\r\n",
        b"--cut\r\nA: \xff\r\n\r\na\r\n--cut--\r\n",
        b"--cut\r\nno end of headers\r\n--cut--\r\n",
    ],
)
def test_what_would_not_come_back_has_no_parts(body: bytes) -> None:
    assert split_parts(body, "cut") is None


@pytest.mark.parametrize(
    ("content_type", "body", "boundary"),
    [
        ("multipart/form-data; boundary=cut", b"", "cut"),
        ('Multipart/Form-Data; charset=utf-8; Boundary="a b"; x=y', b"", "a b"),
        ("multipart/form-data", b"--x-1\r\n", "x-1"),
        ("multipart/form-data", b"--x-1\n", None),
        ("text/plain; boundary=cut", b"--cut\r\n", None),
        ("", b"--cut\r\n", None),
    ],
)
def test_boundaries(content_type: str, body: bytes, boundary: str | None) -> None:
    assert boundary_of((("content-type", content_type),), body) == boundary


def test_without_a_content_type_there_is_no_boundary() -> None:
    assert boundary_of((), b"--cut\r\n") is None
