"""A program that asks another provider if one is down; it knows nothing of llmreplay, either."""

import os
import sys
from contextlib import suppress

import anthropic
import openai
from assistant import ask, said


def ask_anyone(question: str) -> str:
    """The first answer that there is: of OpenAI, else of Groq, else of Anthropic."""
    with suppress(openai.APIError):
        return ask(question, openai.OpenAI(max_retries=0))
    with suppress(openai.APIError):
        groq = openai.OpenAI(
            base_url="https://api.groq.com/openai/v1",
            api_key=os.environ["GROQ_API_KEY"],
            max_retries=0,
        )
        return ask(question, groq, "openai/gpt-oss-20b")
    with suppress(anthropic.APIError):
        return ask_anthropic(question, anthropic.Anthropic(max_retries=0))
    return "Nobody is there today."


def ask_anthropic(question: str, client: anthropic.Anthropic | None = None) -> str:
    """An answer of Anthropic's."""
    client = client or anthropic.Anthropic()
    answer = client.messages.create(
        model="claude-haiku-4-5", max_tokens=100, messages=said(question)
    )
    return "".join(block.text for block in answer.content if block.type == "text")


if __name__ == "__main__":
    sys.stdout.write(ask_anyone("Is anyone there?") + "\n")
