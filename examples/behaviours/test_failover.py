"""Several providers by name, of which some are down."""

import pytest
from fallback import ask_anyone

from llmreplay.replay import Session

pytestmark = pytest.mark.llmreplay("hello", "others")


def test_the_first_answers_while_it_is_up(llmreplay: Session) -> None:
    assert ask_anyone("Is anyone there?") == "Only the tide."
    assert [asked.upstream for asked in llmreplay.requests()] == ["openai"]


@pytest.mark.llmreplay(fault="overloaded", match={"upstream": "openai"})
def test_failover(llmreplay: Session) -> None:
    assert ask_anyone("Is anyone there?") == "Groq is."
    assert [(asked.upstream, asked.status) for asked in llmreplay.requests()] == [
        ("openai", 503),
        ("groq", 200),
    ]


@pytest.mark.llmreplay(
    rules=[
        {"match": {"upstream": "openai"}, "fault": "overloaded"},
        {"match": {"upstream": "groq"}, "fault": "connection_refused"},
    ]
)
def test_failover_past_two(llmreplay: Session) -> None:
    assert ask_anyone("Is anyone there?") == "Anthropic is."
    assert llmreplay.last_request.model == "claude-haiku-4-5"


@pytest.mark.llmreplay(fault="unavailable")
def test_nobody_is_up() -> None:
    assert ask_anyone("Is anyone there?") == "Nobody is there today."
