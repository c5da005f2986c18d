"""A refusal is JSON that closes the connection; it says what is wrong and quotes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aiohttp import http_exceptions
from aiohttp.web_protocol import RequestPayloadError

from llmreplay.proxy.refusal import Refusal, malformed

if TYPE_CHECKING:
    from collections.abc import Callable

NOT_VALID = "llmreplay: the request is not valid HTTP/1.1: "
TOO_LONG = (
    "llmreplay: a line of the request's head is longer than 10,000 bytes; raise limits.max_header "
    "in llmreplay.yaml"
)


def test_a_refusal_on_the_wire() -> None:
    refusal = Refusal(503, "llmreplay: full", ("retry-after", "1"))

    assert refusal.wire == (
        b"HTTP/1.1 503 Service Unavailable\r\n"
        b"content-type: application/json\r\n"
        b"retry-after: 1\r\n"
        b"content-length: 58\r\n"
        b"connection: close\r\n"
        b"\r\n"
        b'{"error":{"message":"llmreplay: full","type":"llmreplay"}}'
    )
    assert refusal.keep_alive is False


def test_a_refusal_in_the_status_line_is_one_line_of_ascii() -> None:
    refusal = Refusal(403, "llmreplay: no\r\nX: café\0", in_status_line=True)

    assert refusal.status == 403
    assert refusal.wire.startswith(b"HTTP/1.1 403 llmreplay: no X: caf\r\ncontent-type: ")


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: http_exceptions.BadHttpMessage("Odd:\n\n  b'secret'\n    ^"), NOT_VALID + "Odd"),
        (
            lambda: http_exceptions.InvalidHeader(b"secret"),
            NOT_VALID + "a header that is not allowed",
        ),
        (
            lambda: http_exceptions.InvalidURLError("/?key=secret"),
            NOT_VALID + "its target is neither a path nor a URL",
        ),
        (lambda: RequestPayloadError("Broken"), NOT_VALID + "Broken"),
        (lambda: http_exceptions.BadHttpMessage(""), NOT_VALID + "it cannot be parsed"),
        (lambda: http_exceptions.BadHttpMessage("long " * 100), NOT_VALID + "long " * 24),
        (
            lambda: http_exceptions.LineTooLong(b"secret...", 8190),
            TOO_LONG,
        ),
    ],
)
def test_what_the_parser_said_is_told_without_what_it_read(
    make: Callable[[], Exception], expected: str
) -> None:
    assert malformed(make(), 10_000).message == expected
