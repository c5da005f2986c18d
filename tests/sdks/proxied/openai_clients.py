"""The `openai` package: its default address, and the real one written in the code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from openai import AsyncOpenAI, OpenAI

from tests.sdks.proxied.talk import FAILING, Talk, async_client, client

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletionMessageParam

MODEL = "gpt-4o-mini"
ADDRESS = "https://api.openai.com/v1"


def user(text: str) -> list[ChatCompletionMessageParam]:
    return [{"role": "user", "content": text}]


@client("openai")
def default_address(talk: Talk) -> None:
    _talk(talk, OpenAI())


@client("openai, address in the code")
def written_address(talk: Talk) -> None:
    _talk(talk, OpenAI(base_url=ADDRESS))


@async_client("openai, async")
async def async_default_address(talk: Talk) -> None:
    await _talk_async(talk, AsyncOpenAI())


@async_client("openai, async, address in the code")
async def async_written_address(talk: Talk) -> None:
    await _talk_async(talk, AsyncOpenAI(base_url=ADDRESS))


def _talk(talk: Talk, openai: OpenAI) -> None:
    create = openai.chat.completions.create
    talk.show("answer", create(model=MODEL, messages=user(talk.prompt("answer"))))
    talk.show(
        "stream", list(create(model=MODEL, messages=user(talk.prompt("stream")), stream=True))
    )
    talk.show("responses", list(openai.responses.create(model=MODEL, input=talk.name, stream=True)))
    talk.show_failure(lambda: create(model=MODEL, messages=user(talk.prompt(FAILING))))


async def _talk_async(talk: Talk, openai: AsyncOpenAI) -> None:
    create = openai.chat.completions.create
    talk.show("answer", await create(model=MODEL, messages=user(talk.prompt("answer"))))
    stream = await create(model=MODEL, messages=user(talk.prompt("stream")), stream=True)
    talk.show("stream", [chunk async for chunk in stream])
    await talk.show_failure_async(create(model=MODEL, messages=user(talk.prompt(FAILING))))
