"""`litellm`, which goes to each provider in a way of its own.

It has a venv of its own: it wants an `openai` package older than the one that llmreplay is
judged by.
"""

from __future__ import annotations

import gc
from typing import Any

import litellm  # type: ignore[import-not-found]  # where the others are, it is not

from tests.sdks.proxied.talk import FAILING, Talk, async_client, client

# It would print hints for people between the lines of the program.
litellm.suppress_debug_info = True

# litellm leaves a stream at `[DONE]`, unread to its end and in a cycle. If the collector comes
# upon it while the next request holds the lock of httpcore's pool, closing it waits for that very
# lock, for ever (seen in one run of twenty, of litellm 1.106 with httpcore 1.0).
gc.disable()

MODELS = {
    "litellm to OpenAI": "openai/gpt-4o-mini",
    "litellm to Anthropic": "anthropic/claude-sonnet-4-5",
    "litellm to Gemini": "gemini/gemini-2.5-flash",
    "litellm to Bedrock": "bedrock/converse/anthropic.claude-3-5-sonnet-20240620-v1:0",
    "litellm to Mistral": "mistral/mistral-small-latest",
    "litellm to Groq": "groq/openai/gpt-oss-20b",
}


def _asked(model: str, prompt: str) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": prompt}], "num_retries": 0}


def _enter(name: str, model: str) -> None:
    @client(name)
    def talk_to(talk: Talk) -> None:
        talk.show("answer", _text(litellm.completion(**_asked(model, talk.prompt("answer")))))
        asked = _asked(model, talk.prompt("stream"))
        stream = litellm.completion(**asked, stream=True)
        talk.show("stream", [chunk.choices[0].delta.content for chunk in stream])
        talk.show_failure(lambda: litellm.completion(**_asked(model, talk.prompt(FAILING))))


def _enter_async(name: str, model: str) -> None:
    @async_client(f"{name}, async")
    async def talk_to(talk: Talk) -> None:
        made = await litellm.acompletion(**_asked(model, talk.prompt("answer")))
        talk.show("answer", _text(made))
        stream = await litellm.acompletion(**_asked(model, talk.prompt("stream")), stream=True)
        talk.show("stream", [chunk.choices[0].delta.content async for chunk in stream])
        call = litellm.acompletion(**_asked(model, talk.prompt(FAILING)))
        await talk.show_failure_async(call)


def _text(made: Any) -> list[str]:  # noqa: ANN401  # litellm does not type it
    """What the provider wrote; litellm makes up ids and times of its own."""
    return [choice.message.content for choice in made.choices]


for _name, _model in MODELS.items():
    _enter(_name, _model)
    _enter_async(_name, _model)
