"""Ids of organisations and accounts: gone from heads and errors, data in a success."""

import pytest

from llmreplay.core.exchange import Chunk, Exchange, Request, Response
from llmreplay.core.redaction import Redactor

ORGANISATION = "org-" + "Ab3dEf6hIj9lMn2pQr5t"
ARN = "arn:aws:bedrock:us-east-1:123456789012:agent/A1"


def body_after(status: int, body: str) -> str:
    exchange = Exchange(
        1,
        "openai",
        Request("POST", "https://api.openai.com/v1/x", (("content-type", "text/plain"),), b"hi"),
        Response(status, (("openai-organization", ORGANISATION),), (Chunk(body.encode()),)),
    )
    redacted = Redactor().exchange(exchange).response
    assert redacted.headers == ()
    return redacted.body.decode()


@pytest.mark.parametrize("told", [ORGANISATION, ARN])
def test_a_success_keeps_them(told: str) -> None:
    body = f'{{"of": "{told}"}}'
    assert body_after(200, body) == body


@pytest.mark.parametrize("told", [ORGANISATION, ARN])
def test_an_error_does_not(told: str) -> None:
    left = body_after(429, f"Rate limit reached for {told} in this minute")
    assert told not in left
    assert "REDACTED-" in left
