"""The `anthropic` package: its default address, and the real one written in the code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anthropic import Anthropic, AsyncAnthropic

from tests.sdks.proxied.talk import FAILING, Talk, async_client, client

if TYPE_CHECKING:
    from anthropic.types import MessageParam

MODEL = "claude-sonnet-5"
MAX_TOKENS = 512
ADDRESS = "https://api.anthropic.com"


def user(text: str) -> list[MessageParam]:
    return [{"role": "user", "content": text}]


@client("anthropic")
def default_address(talk: Talk) -> None:
    _talk(talk, Anthropic())


@client("anthropic, address in the code")
def written_address(talk: Talk) -> None:
    _talk(talk, Anthropic(base_url=ADDRESS))


@async_client("anthropic, async")
async def async_default_address(talk: Talk) -> None:
    await _talk_async(talk, AsyncAnthropic())


@async_client("anthropic, async, address in the code")
async def async_written_address(talk: Talk) -> None:
    await _talk_async(talk, AsyncAnthropic(base_url=ADDRESS))


def _talk(talk: Talk, anthropic: Anthropic) -> None:
    create = anthropic.messages.create

    def ask(about: str) -> object:
        return create(model=MODEL, max_tokens=MAX_TOKENS, messages=user(talk.prompt(about)))

    talk.show("answer", ask("answer"))
    messages = user(talk.prompt("stream"))
    with anthropic.messages.stream(model=MODEL, max_tokens=MAX_TOKENS, messages=messages) as stream:
        talk.show("stream", list(stream))
    talk.show_failure(lambda: ask(FAILING))


async def _talk_async(talk: Talk, anthropic: AsyncAnthropic) -> None:
    create = anthropic.messages.create
    messages = user(talk.prompt("answer"))
    talk.show("answer", await create(model=MODEL, max_tokens=MAX_TOKENS, messages=messages))
    messages = user(talk.prompt("stream"))
    stream = await create(model=MODEL, max_tokens=MAX_TOKENS, messages=messages, stream=True)
    talk.show("stream", [event async for event in stream])
    messages = user(talk.prompt(FAILING))
    await talk.show_failure_async(create(model=MODEL, max_tokens=MAX_TOKENS, messages=messages))
