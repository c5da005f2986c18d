"""A program as yours might be: it asks a model, and knows nothing of llmreplay."""

import json
import sys
from collections.abc import Iterator
from typing import Any

import openai

MODEL = "gpt-4o-mini"

TIDES = {"Brest": "06:12", "Calais": "03:40"}
TIDE_TOOL = {
    "type": "function",
    "function": {
        "name": "high_tide",
        "description": "When the tide is high today.",
        "parameters": {
            "type": "object",
            "properties": {"harbour": {"type": "string"}},
            "required": ["harbour"],
        },
    },
}


def ask(question: str, client: openai.OpenAI | None = None, model: str = MODEL) -> str:
    """An answer of OpenAI's, or of whom `client` asks."""
    client = client or openai.OpenAI()
    answer = client.chat.completions.create(model=model, messages=said(question))
    return answer.choices[0].message.content or ""


def words(question: str) -> Iterator[str]:
    """The same as a stream, piece by piece as it comes."""
    stream = openai.OpenAI().chat.completions.create(
        model=MODEL, messages=said(question), stream=True
    )
    for event in stream:
        if event.choices and event.choices[0].delta.content:
            yield event.choices[0].delta.content


def ask_about_tides(question: str) -> str:
    """OpenAI's answer once it has looked up the tides that it wants to know."""
    client = openai.OpenAI()
    messages: list[Any] = said(question)
    while True:
        answer = client.chat.completions.create(model=MODEL, messages=messages, tools=[TIDE_TOOL])
        message = answer.choices[0].message
        if not message.tool_calls:
            return message.content or ""
        messages.append(message)
        for call in message.tool_calls:
            harbour = json.loads(call.function.arguments)["harbour"]
            found = {"role": "tool", "tool_call_id": call.id, "content": TIDES[harbour]}
            messages.append(found)


def said(question: str) -> list[Any]:
    """A conversation that begins with a user's question."""
    return [{"role": "user", "content": question}]


def main() -> None:
    """Answer the questions that come, one a line."""
    for question in sys.stdin:
        try:
            told = ask(question.strip(), openai.OpenAI(max_retries=0))
        except openai.APIError as error:
            told = type(error).__name__
        sys.stdout.write(f"{told}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
