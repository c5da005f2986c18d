from __future__ import annotations

import base64

import pytest

from llmreplay.core.exchange import Request
from llmreplay.core.redaction.values import (
    accounts,
    lasting_credentials,
    request_credentials,
    response_credentials,
)

KEY = "a1b2c3d4e5f6"
HEX = "0123456789abcdef" * 4
SIGV4 = (
    f"AWS4-HMAC-SHA256 Credential={KEY}/20260101/us-east-1/bedrock/aws4_request, "
    f"SignedHeaders=host;x-amz-date, Signature={HEX}"
)


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


def asked(*headers: tuple[str, str], url: str = "https://h.com/") -> Request:
    return Request("POST", url, headers)


@pytest.mark.parametrize(
    ("name", "value", "secrets"),
    [
        ("Authorization", f"Bearer {KEY}", [KEY]),
        ("authorization", f"bearer   {KEY} ", [KEY]),
        ("authorization", KEY, [KEY]),
        ("authorization", basic(f"user:{KEY}"), [KEY]),
        ("authorization", basic(f"{KEY}:"), [KEY]),
        ("authorization", "Basic a1b2c3d4e", ["a1b2c3d4e"]),
        ("authorization", SIGV4, [KEY, HEX]),
        ("proxy-authorization", basic(f"me:{KEY}"), [KEY]),
        ("x-goog-api-key", KEY, [KEY]),
        ("x-amz-security-token", f"{KEY}/+==", [f"{KEY}/+=="]),
        ("cookie", f"a={KEY}; b=1; c={KEY}2", [KEY, f"{KEY}2"]),
        ("sec-websocket-protocol", f"realtime, openai-insecure-api-key.{KEY}, x", [KEY]),
        ("x-request-id", KEY, []),
        ("x-api-key", "kéy-1234", ["kéy-1234"]),
    ],
)
def test_every_header_that_carries_a_credential_is_read(
    name: str, value: str, secrets: list[str]
) -> None:
    assert [s.encode() for s in secrets] == list(request_credentials(asked((name, value))))


@pytest.mark.parametrize(
    "value",
    [
        "",
        "EMPTY",
        "ollama",
        "not-needed",
        "placeholder",
        "your-api-key-here",
        "test-key",
        "sk-1234",
        "12345678",
        "********",
        "REDACTED-openai-1",
    ],
)
def test_what_is_plainly_no_secret_is_not_sought(value: str) -> None:
    assert request_credentials(asked(("authorization", f"Bearer {value}"))) == ()
    assert request_credentials(asked(url=f"https://h.com/?key={value}")) == ()


def test_each_value_is_given_once() -> None:
    request = asked(("x-api-key", KEY), ("api-key", KEY), url=f"https://h.com/?key={KEY}")
    assert request_credentials(request) == (KEY.encode(),)


def test_cookies_and_signatures_do_not_last() -> None:
    request = asked(
        ("authorization", SIGV4), ("cookie", "a=c0ffeec0ffee"), url="https://h.com/?key=k1k2k3k4"
    )
    assert lasting_credentials(request) == (KEY.encode(), b"k1k2k3k4")


def test_a_response_sets_cookies_and_tells_who_pays() -> None:
    headers = (
        ("set-cookie", f"__cf_bm={KEY}; path=/; domain=.api.openai.com; HttpOnly"),
        ("openai-organization", f"user-{KEY}"),
        ("anthropic-organization-id", "personal"),
        ("x-request-id", "req_1234567890"),
    )
    assert response_credentials(headers) == (KEY.encode(),)
    assert accounts(headers) == (f"user-{KEY}".encode(),)
