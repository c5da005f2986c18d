from __future__ import annotations

import gzip
import zlib
from dataclasses import replace

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from llmreplay.core.exchange import Chunk, Headers, Recorded
from llmreplay.interop.assembly import (
    Stored,
    UnplayableError,
    dechunked,
    exchange_of,
    http_date,
    iso_date,
)

STORED = Stored(method="POST", url="https://llm.example/v1/chat", status=200)

TEXT = b'{"answer": "a long answer, a long answer, a long answer"}'
PACKED = {
    "gzip": gzip.compress(TEXT, mtime=0),
    "deflate": zlib.compress(TEXT),
    "br": brotli.compress(TEXT),
    "zstd": zstandard.compress(TEXT),
}


def answered(headers: Headers, body: bytes) -> tuple[Headers, bytes]:
    stored = replace(STORED, response_headers=headers, response_body=body)
    response = exchange_of(1, stored).response
    return response.headers, response.body


@pytest.mark.parametrize("coding", PACKED)
def test_a_packed_body_is_unpacked_and_loses_its_label(coding: str) -> None:
    assert answered((("Content-Encoding", coding),), PACKED[coding]) == ((), TEXT)


@pytest.mark.parametrize("coding", PACKED)
def test_a_body_that_is_plain_in_spite_of_its_label_is_believed(coding: str) -> None:
    assert answered((("content-encoding", coding),), TEXT) == ((), TEXT)


@pytest.mark.parametrize("coding", ["", "identity", "IDENTITY"])
def test_no_coding_is_no_label(coding: str) -> None:
    assert answered((("content-encoding", coding),), TEXT) == ((), TEXT)


def test_what_nobody_understands_passes_as_it_is() -> None:
    headers = (("content-encoding", "aws-chunked"),)

    assert answered(headers, TEXT) == (headers, TEXT)


def test_a_gzip_file_that_was_sent_as_such_stays_one() -> None:
    headers = (("content-type", "application/gzip"),)

    assert answered(headers, PACKED["gzip"]) == (headers, PACKED["gzip"])


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (PACKED["gzip"][:-6], "the gzip body ends before its end"),
        (PACKED["gzip"].decode("utf-8", "replace").encode(), "stored as text, which lost bytes"),
    ],
    ids=["truncated", "text"],
)
def test_a_body_that_is_lost_cannot_be_played(body: bytes, reason: str) -> None:
    with pytest.raises(UnplayableError, match=reason):
        answered((("content-encoding", "gzip"),), body)


def test_requests_are_unpacked_too() -> None:
    stored = replace(
        STORED, request_headers=(("Content-Encoding", "gzip"),), request_body=PACKED["gzip"]
    )

    request = exchange_of(1, stored).request

    assert (request.headers, request.body) == ((), TEXT)


def test_headers_of_one_connection_stay_behind() -> None:
    headers = (
        ("Connection", "keep-alive"),
        ("Content-Length", "3"),
        ("Content-Type", "text/plain"),
        ("Transfer-Encoding", "chunked"),
        ("x-request-id", "1"),
    )

    assert answered(headers, TEXT) == (
        (("Content-Type", "text/plain"), ("x-request-id", "1")),
        TEXT,
    )


@given(st.lists(st.binary(min_size=1)), st.sampled_from([b"\r\n", b"\n"]))
def test_the_chunked_coding_comes_off(pieces: list[bytes], line_end: bytes) -> None:
    coded = b"".join(b"%x%s%s%s" % (len(p), line_end, p, line_end) for p in pieces)

    assert dechunked(coded + b"0" + line_end + line_end) == b"".join(pieces)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        TEXT,
        b"5\r\nhello\r\n",
        b"5\r\nhel",
        b"3\r\nhello\r\n0\r\n\r\n",
        b"5\r\nhello\r\n0\r\n\r\nand more",
        b"0",
    ],
)
def test_what_is_not_chunked_from_end_to_end_is_untouched(body: bytes) -> None:
    assert dechunked(body) == body


def test_a_json_array_of_unknown_length_is_a_stream() -> None:
    body = b'[{"n":1},{"n":2}]'
    headers: Headers = (("content-type", "application/json"),)
    stored = replace(STORED, response_headers=headers, response_body=body, wait_ms=7)
    counted = replace(stored, response_headers=(*headers, ("content-length", "17")))

    streamed = exchange_of(1, stored).response.chunks

    assert b"".join(chunk.data for chunk in streamed) == body
    assert [chunk.wait_ms for chunk in streamed] == [7] + [0] * (len(streamed) - 1)
    assert len(streamed) > 1
    assert exchange_of(1, counted).response.chunks == (Chunk(body, wait_ms=7),)


@pytest.mark.parametrize(
    ("method", "status"), [("HEAD", 200), ("head", 404), ("POST", 204), ("GET", 304)]
)
def test_what_has_no_body_has_none(method: str, status: int) -> None:
    stored = replace(STORED, method=method, status=status, response_body=b"null")

    assert exchange_of(1, stored).response.chunks == ()


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("https://llm.example", "https://llm.example/"),
        ("https://s/ps?s", "https://s/ps?s"),
        (" https://llm.example/v1 ", "https://llm.example/v1"),
        ("https://llm.example?a=b", "https://llm.example/?a=b"),
        ("https://llm.example:443/v1?", "https://llm.example/v1?"),
        ("http://llm.example:80/v1", "http://llm.example/v1"),
        ("http://llm.example:443/v1", "http://llm.example:443/v1"),
        ("https://llm.example/v1#stream", "https://llm.example/v1"),
        ("https://llm.example//openai/x", "https://llm.example//openai/x"),
        ("https://llm.example/a b/é", "https://llm.example/a%20b/%C3%A9"),
        ("https://llm.example/a%2Fb", "https://llm.example/a%2Fb"),
        ("https://x.<REGION>.example/", "https://x.<REGION>.example/"),
    ],
)
def test_a_url_is_as_it_travels(url: str, sent: str) -> None:
    assert exchange_of(1, replace(STORED, url=url)).request.url == sent


@pytest.mark.parametrize(
    ("stored", "reason"),
    [
        (replace(STORED, url="/v1"), "no absolute http or https URL"),
        (replace(STORED, url="wss://x/v1"), "no absolute http or https URL"),
        (replace(STORED, url="http://"), "no absolute http or https URL"),
        (replace(STORED, url="http://x/a\r\nb"), "holds a control character"),
        (replace(STORED, url="http://x:port/"), "is no URL: "),
        (replace(STORED, method="PO ST"), "'PO ST' is no HTTP method"),
        (replace(STORED, method=""), "'' is no HTTP method"),
        (replace(STORED, status=0), "0 is no status of a final response"),
        (replace(STORED, status=101), "101 is no status of a final response"),
        (replace(STORED, response_headers=(("a b", "x"),)), "the header 'a b' could not"),
        (replace(STORED, response_headers=(("a", "x\r\nb: y"),)), "the header 'a' could not"),
        (replace(STORED, request_headers=(("", "x"),)), "the header '' could not"),
    ],
)
def test_what_cannot_have_been_on_the_wire_cannot_be_played(stored: Stored, reason: str) -> None:
    with pytest.raises(UnplayableError, match=reason):
        exchange_of(1, stored)


def test_the_time_of_recording_is_the_files_or_the_responses() -> None:
    dated = replace(STORED, response_headers=(("Date", "Mon, 20 May 2024 14:51:20 GMT"),))

    assert exchange_of(1, STORED).recorded is None
    assert exchange_of(1, dated).recorded == Recorded("2024-05-20T14:51:20Z", "imported")
    assert exchange_of(1, replace(dated, at="2020-01-01T00:00:00Z")).recorded == Recorded(
        "2020-01-01T00:00:00Z", "imported"
    )


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-28T19:36:15.310Z", "2026-01-28T19:36:15Z"),
        ("2026-01-28T20:36:15+01:00", "2026-01-28T19:36:15Z"),
        ("2026-01-28 19:36:15", "2026-01-28T19:36:15Z"),
        ("0001-01-01T00:00:00+23:00", None),
        ("today", None),
    ],
)
def test_times_are_written_in_one_way(text: str, moment: str | None) -> None:
    assert iso_date(text) == moment


def test_an_http_date_without_a_zone_is_in_utc() -> None:
    assert http_date("Mon, 20 May 2024 14:51:20 -0000") == "2024-05-20T14:51:20Z"
    assert http_date("") is None
