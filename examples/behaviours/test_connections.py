"""No answer comes: too late, broken off, or nobody that could be trusted."""

import time

import openai
import pytest
from assistant import ask

from llmreplay.replay import Session

pytestmark = pytest.mark.llmreplay("hello")

REAL = "https://api.openai.com/v1"
"""TLS is what a client speaks to this address, which it reaches through the proxy. The address
in OPENAI_BASE_URL is http://127.0.0.1…, where there is no TLS to fail."""


@pytest.mark.llmreplay(fault="timeout")
def test_timeout(llmreplay: Session) -> None:
    began = time.monotonic()
    with pytest.raises(openai.APITimeoutError):
        ask("Is anyone there?", openai.OpenAI(timeout=0.4, max_retries=0))
    assert 0.4 <= time.monotonic() - began < 5
    assert llmreplay.verify().fired == (("rule 1", 1),)


@pytest.mark.llmreplay(fault="connection_reset", when={"first": 1})
def test_connection_error_that_is_tried_again(llmreplay: Session) -> None:
    assert ask("Is anyone there?") == "Only the tide."
    assert [asked.outcome for asked in llmreplay.requests()] == ["fault", "hit"]


@pytest.mark.llmreplay(fault="connection_reset")
def test_connection_error() -> None:
    with pytest.raises(openai.APIConnectionError) as raised:
        ask("Is anyone there?", openai.OpenAI(max_retries=0))
    assert "reset by peer" in str(raised.value.__cause__)


@pytest.mark.llmreplay(fault="tls_error")
def test_tls_error() -> None:
    with pytest.raises(openai.APIConnectionError) as raised:
        ask("Is anyone there?", openai.OpenAI(base_url=REAL, max_retries=0))
    assert "handshake failure" in str(raised.value.__cause__)


@pytest.mark.llmreplay(fault={"connection": "expired_certificate"})
def test_tls_error_for_an_expired_certificate() -> None:
    with pytest.raises(openai.APIConnectionError) as raised:
        ask("Is anyone there?", openai.OpenAI(base_url=REAL, max_retries=0))
    assert "certificate has expired" in str(raised.value.__cause__)
