"""The provider answers: at once, in a stream, and the same again."""

import openai
import pytest
from assistant import ask, said, words

from llmreplay.replay import Session

pytestmark = pytest.mark.llmreplay("hello")  # cassettes/hello.yaml, for each test of this file


def test_success() -> None:
    assert ask("Is anyone there?") == "Only the tide."


def test_streaming_success() -> None:
    assert list(words("Is anyone there?")) == ["Only", " the", " tide."]


def test_duplicate_requests_are_served_the_same_answer(llmreplay: Session) -> None:
    client = openai.OpenAI()
    answers = [
        client.chat.completions.create(model="gpt-4o-mini", messages=said("Is anyone there?"))
        for _ in range(5)
    ]
    assert {answer.id for answer in answers} == {"chatcmpl-hello1"}
    assert [asked.source for asked in llmreplay.requests()] == ["cassettes/hello#1"] * 5
