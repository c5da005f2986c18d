"""What the program asked, and what became of it."""

import openai
import pytest
from assistant import ask
from fallback import ask_anthropic

from llmreplay.replay import Session


@pytest.mark.llmreplay("hello", "others", fault="auth", when={"nth": 3})
def test_call_history(llmreplay: Session) -> None:
    ask("Is anyone there?")
    ask_anthropic("Is anyone there?")
    with pytest.raises(openai.AuthenticationError):
        ask("Is anyone there?")

    calls = llmreplay.requests()
    assert [(call.upstream, call.model, call.status, call.outcome) for call in calls] == [
        ("openai", "gpt-4o-mini", 200, "hit"),
        ("anthropic", "claude-haiku-4-5", 200, "hit"),
        ("openai", "gpt-4o-mini", 401, "fault"),
    ]
    assert calls[0].json == {
        "model": "gpt-4o-mini",
        "messages": [{"role": "user", "content": "Is anyone there?"}],
    }
    assert calls[1].header("content-type") == "application/json"
    assert calls[1].json["max_tokens"] == 100
    assert calls[2].faults == ("rule 1: error auth",)

    assert len(llmreplay.requests(model="gpt-*")) == 2
    assert llmreplay.last_request == calls[-1]
    verdict = llmreplay.verify()
    assert (verdict.missed, verdict.fired) == (0, (("rule 1", 1),))
