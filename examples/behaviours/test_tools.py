"""A model that calls tools, over three turns: cassettes/tides.yaml."""

import pytest
from assistant import ask_about_tides

from llmreplay.replay import Session

pytestmark = pytest.mark.llmreplay("tides")

QUESTION = "Where is the tide high first, in Brest or in Calais?"


def test_tool_calls_over_several_turns(llmreplay: Session) -> None:
    assert ask_about_tides(QUESTION) == "In Calais, at 03:40."
    told = llmreplay.last_request.json["messages"]
    assert [one["content"] for one in told if one["role"] == "tool"] == ["06:12", "03:40"]
    assert len(llmreplay.requests()) == 3


@pytest.mark.llmreplay(
    match={"turn": 2},
    when={"first": 1},
    fault={"error": {"preset": "rate_limit", "retry_after": "10ms"}},
)
def test_a_limit_in_the_second_turn(llmreplay: Session) -> None:
    assert ask_about_tides(QUESTION) == "In Calais, at 03:40."
    assert [asked.status for asked in llmreplay.requests()] == [200, 429, 200, 200]
