"""`mistralai`, `cohere` and `groq`: their default addresses, and the real ones in the code.

No variable moves Mistral's SDK: what it asks can come through the proxy only.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cohere import AsyncClientV2, ClientV2, UserChatMessageV2
from groq import AsyncGroq, Groq
from mistralai.client import Mistral

from tests.sdks.proxied.talk import FAILING, Talk, async_client, client

if TYPE_CHECKING:
    from mistralai.client.models import UserMessageTypedDict

COHERE = "command-a-03-2025"
GROQ = "llama-3.3-70b-versatile"
MISTRAL = "mistral-small-latest"


@client("mistralai")
def mistral(talk: Talk) -> None:
    chat = Mistral(api_key=os.environ["MISTRAL_API_KEY"]).chat

    def user(about: str) -> list[UserMessageTypedDict]:
        return [{"role": "user", "content": talk.prompt(about)}]

    talk.show("answer", chat.complete(model=MISTRAL, messages=user("answer")))
    with chat.stream(model=MISTRAL, messages=user("stream")) as stream:
        talk.show("stream", list(stream))
    talk.show_failure(lambda: chat.complete(model=MISTRAL, messages=user(FAILING)))


@async_client("mistralai, async")
async def mistral_async(talk: Talk) -> None:
    def user(about: str) -> list[UserMessageTypedDict]:
        return [{"role": "user", "content": talk.prompt(about)}]

    async with Mistral(api_key=os.environ["MISTRAL_API_KEY"]) as mistral:
        chat = mistral.chat
        talk.show("answer", await chat.complete_async(model=MISTRAL, messages=user("answer")))
        stream = await chat.stream_async(model=MISTRAL, messages=user("stream"))
        talk.show("stream", [event async for event in stream])
        await talk.show_failure_async(chat.complete_async(model=MISTRAL, messages=user(FAILING)))


@client("cohere")
def cohere(talk: Talk) -> None:
    _talk_with_cohere(talk, ClientV2())


@client("cohere, address in the code")
def cohere_written_address(talk: Talk) -> None:
    _talk_with_cohere(talk, ClientV2(base_url="https://api.cohere.com"))


def _talk_with_cohere(talk: Talk, cohere: ClientV2) -> None:
    def ask(about: str) -> object:
        return cohere.chat(model=COHERE, messages=[UserChatMessageV2(content=talk.prompt(about))])

    talk.show("answer", ask("answer"))
    message = UserChatMessageV2(content=talk.prompt("stream"))
    talk.show("stream", list(cohere.chat_stream(model=COHERE, messages=[message])))
    talk.show_failure(lambda: ask(FAILING))


@async_client("cohere, async")
async def cohere_async(talk: Talk) -> None:
    async with AsyncClientV2() as cohere:
        message = UserChatMessageV2(content=talk.prompt("answer"))
        talk.show("answer", await cohere.chat(model=COHERE, messages=[message]))
        message = UserChatMessageV2(content=talk.prompt("stream"))
        stream = cohere.chat_stream(model=COHERE, messages=[message])
        talk.show("stream", [event async for event in stream])
        message = UserChatMessageV2(content=talk.prompt(FAILING))
        await talk.show_failure_async(cohere.chat(model=COHERE, messages=[message]))


@client("groq")
def groq(talk: Talk) -> None:
    _talk_with_groq(talk, Groq())


@client("groq, address in the code")
def groq_written_address(talk: Talk) -> None:
    _talk_with_groq(talk, Groq(base_url="https://api.groq.com"))


def _talk_with_groq(talk: Talk, groq: Groq) -> None:
    create = groq.chat.completions.create

    def ask(about: str) -> object:
        return create(model=GROQ, messages=[{"role": "user", "content": talk.prompt(about)}])

    talk.show("answer", ask("answer"))
    prompt = talk.prompt("stream")
    stream = create(model=GROQ, messages=[{"role": "user", "content": prompt}], stream=True)
    talk.show("stream", list(stream))
    talk.show_failure(lambda: ask(FAILING))


@async_client("groq, async")
async def groq_async(talk: Talk) -> None:
    create = AsyncGroq().chat.completions.create
    prompt = talk.prompt("answer")
    made = await create(model=GROQ, messages=[{"role": "user", "content": prompt}])
    talk.show("answer", made)
    prompt = talk.prompt("stream")
    stream = await create(model=GROQ, messages=[{"role": "user", "content": prompt}], stream=True)
    talk.show("stream", [chunk async for chunk in stream])
    prompt = talk.prompt(FAILING)
    call = create(model=GROQ, messages=[{"role": "user", "content": prompt}])
    await talk.show_failure_async(call)
