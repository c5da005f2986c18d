"""The provider answers, with an error. Its status, headers and body are the provider's own.

`retry_after` makes SDKs come again soon; without it, OpenAI's waits for half a second, then for
one. It tries twice more unless it is told otherwise (`max_retries`).
"""

import anthropic
import openai
import pytest
from assistant import ask
from fallback import ask_anthropic

from llmreplay.replay import Session

pytestmark = pytest.mark.llmreplay("hello")


def statuses(session: Session) -> list[int]:
    """What was answered to each request so far."""
    return [asked.status for asked in session.requests()]


@pytest.mark.llmreplay(fault={"error": {"status": 418, "message": "Not here."}})
def test_generic_error(llmreplay: Session) -> None:
    with pytest.raises(openai.APIStatusError, match=r"Not here\.") as raised:
        ask("Is anyone there?")
    assert raised.value.status_code == 418
    assert statuses(llmreplay) == [418]  # which is not tried again


@pytest.mark.llmreplay(fault={"error": {"preset": "rate_limit", "retry_after": "10ms"}})
def test_rate_limit(llmreplay: Session) -> None:
    with pytest.raises(openai.RateLimitError) as raised:
        ask("Is anyone there?")
    assert raised.value.code == "rate_limit_exceeded"
    assert raised.value.response.headers["x-ratelimit-remaining-requests"] == "0"
    assert statuses(llmreplay) == [429, 429, 429]


@pytest.mark.llmreplay(
    fault={"error": {"preset": "rate_limit", "retry_after": "10ms"}}, when={"first": 2}
)
def test_rate_limit_that_is_waited_out(llmreplay: Session) -> None:
    assert ask("Is anyone there?") == "Only the tide."
    assert statuses(llmreplay) == [429, 429, 200]


@pytest.mark.llmreplay(fault={"error": {"preset": "server_error", "retry_after": "10ms"}})
def test_500(llmreplay: Session) -> None:
    with pytest.raises(openai.InternalServerError, match="The server had an error"):
        ask("Is anyone there?")
    assert statuses(llmreplay) == [500, 500, 500]


@pytest.mark.llmreplay(fault={"error": {"preset": "bad_gateway", "retry_after": "10ms"}})
def test_502(llmreplay: Session) -> None:
    with pytest.raises(openai.InternalServerError) as raised:
        ask("Is anyone there?")
    assert raised.value.response.headers["content-type"] == "text/html"  # as gateways have it
    assert statuses(llmreplay) == [502, 502, 502]


@pytest.mark.llmreplay(fault={"error": {"preset": "unavailable", "retry_after": "10ms"}})
def test_503(llmreplay: Session) -> None:
    with pytest.raises(openai.InternalServerError):
        ask("Is anyone there?")
    assert statuses(llmreplay) == [503, 503, 503]


@pytest.mark.llmreplay(fault={"error": {"preset": "quota", "retry_after": "10ms"}})
def test_insufficient_credits(llmreplay: Session) -> None:
    with pytest.raises(openai.RateLimitError) as raised:
        ask("Is anyone there?")
    assert raised.value.code == "insufficient_quota"
    assert statuses(llmreplay) == [429, 429, 429]  # OpenAI's SDK tries again, in vain


@pytest.mark.llmreplay("others", fault="quota")
def test_insufficient_credits_at_anthropic(llmreplay: Session) -> None:
    with pytest.raises(anthropic.APIStatusError, match="credit balance is too low"):
        ask_anthropic("Is anyone there?")
    assert statuses(llmreplay) == [402]
