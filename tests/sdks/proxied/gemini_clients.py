"""The `google-genai` package: its default address, and the real one written in the code.

Its async client takes aiohttp where that is installed, as it is wherever llmreplay is.
"""

from __future__ import annotations

from google import genai
from google.genai.types import HttpOptions

from tests.sdks.proxied.talk import FAILING, Talk, async_client, client

MODEL = "gemini-2.5-flash"
WRITTEN = HttpOptions(base_url="https://generativelanguage.googleapis.com/")


@client("google-genai")
def default_address(talk: Talk) -> None:
    _talk(talk, genai.Client())


@client("google-genai, address in the code")
def written_address(talk: Talk) -> None:
    _talk(talk, genai.Client(http_options=WRITTEN))


@async_client("google-genai, async")
async def async_default_address(talk: Talk) -> None:
    await _talk_async(talk, genai.Client())


@async_client("google-genai, async, address in the code")
async def async_written_address(talk: Talk) -> None:
    await _talk_async(talk, genai.Client(http_options=WRITTEN))


def _talk(talk: Talk, gemini: genai.Client) -> None:
    models = gemini.models
    talk.show("answer", models.generate_content(model=MODEL, contents=talk.prompt("answer")))
    stream = models.generate_content_stream(model=MODEL, contents=talk.prompt("stream"))
    talk.show("stream", list(stream))
    talk.show_failure(lambda: models.generate_content(model=MODEL, contents=talk.prompt(FAILING)))


async def _talk_async(talk: Talk, gemini: genai.Client) -> None:
    models = gemini.aio.models
    talk.show("answer", await models.generate_content(model=MODEL, contents=talk.prompt("answer")))
    stream = await models.generate_content_stream(model=MODEL, contents=talk.prompt("stream"))
    talk.show("stream", [chunk async for chunk in stream])
    call = models.generate_content(model=MODEL, contents=talk.prompt(FAILING))
    await talk.show_failure_async(call)
    await gemini.aio.aclose()
