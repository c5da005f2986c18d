"""Headers are found whatever their case; a body is all its chunks."""

from __future__ import annotations

from llmreplay.core.exchange import Chunk, Request, Response, header, without_headers

HEADERS = (("Content-Type", "text/plain"), ("X-Two", "a"), ("x-two", "b"))


def test_the_first_header_of_a_name_is_found() -> None:
    assert header(HEADERS, "content-type") == "text/plain"
    assert header(HEADERS, "X-TWO") == "a"
    assert header(HEADERS, "x-three") is None


def test_all_headers_of_a_name_are_taken_out() -> None:
    assert without_headers(HEADERS, frozenset({"x-two"})) == HEADERS[:1]


def test_a_body_is_all_its_chunks() -> None:
    assert Response(200, (), (Chunk(b"Hel", 3), Chunk(b"lo"))).body == b"Hello"
    assert Response(204).body == b""


def test_an_url_has_its_parts() -> None:
    assert Request("GET", "https://api.openai.com/v1/models?x=1").parts.path == "/v1/models"
