"""Programs that speak HTTP to a provider themselves: httpx, requests, aiohttp, urllib.

A stream is shown by its lines: how bytes are cut on their way is no promise of HTTP.
"""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from typing import Any

import aiohttp
import httpx
import requests

from tests.sdks.proxied.talk import FAILING, Talk, async_client, client

URL = "https://api.openai.com/v1/chat/completions"


def body(prompt: str, *, stream: bool = False) -> dict[str, Any]:
    messages = [{"role": "user", "content": prompt}]
    return {"model": "gpt-4o-mini", "messages": messages, "stream": stream}


def headers() -> dict[str, str]:
    return {"authorization": f"Bearer {os.environ['OPENAI_API_KEY']}"}


@client("httpx")
def with_httpx(talk: Talk) -> None:
    answer = httpx.post(URL, json=body(talk.prompt("answer")), headers=headers())
    talk.show("answer", [answer.status_code, answer.headers["x-request-id"], answer.content])
    asked = body(talk.prompt("stream"), stream=True)
    with httpx.stream("POST", URL, json=asked, headers=headers()) as stream:
        talk.show("stream", [stream.headers["content-type"], *stream.iter_lines()])
    failed = httpx.post(URL, json=body(talk.prompt(FAILING)), headers=headers())
    talk.show("error", [failed.status_code, failed.reason_phrase, failed.content])


@async_client("httpx, async")
async def with_httpx_async(talk: Talk) -> None:
    async with httpx.AsyncClient(headers=headers()) as session:
        answer = await session.post(URL, json=body(talk.prompt("answer")))
        talk.show("answer", [answer.status_code, answer.headers["x-request-id"], answer.content])
        asked = body(talk.prompt("stream"), stream=True)
        async with session.stream("POST", URL, json=asked) as stream:
            talk.show("stream", [line async for line in stream.aiter_lines()])
        failed = await session.post(URL, json=body(talk.prompt(FAILING)))
        talk.show("error", [failed.status_code, failed.reason_phrase, failed.content])


@client("requests")
def with_requests(talk: Talk) -> None:
    session = requests.Session()
    session.headers.update(headers())
    answer = session.post(URL, json=body(talk.prompt("answer")), timeout=30)
    talk.show("answer", [answer.status_code, answer.headers["x-request-id"], answer.content])
    asked = body(talk.prompt("stream"), stream=True)
    with session.post(URL, json=asked, stream=True, timeout=30) as stream:
        talk.show("stream", list(stream.iter_lines()))
    failed = session.post(URL, json=body(talk.prompt(FAILING)), timeout=30)
    talk.show("error", [failed.status_code, failed.reason, failed.content])


@async_client("aiohttp")
async def with_aiohttp(talk: Talk) -> None:
    async with aiohttp.ClientSession(trust_env=True, headers=headers()) as session:
        async with session.post(URL, json=body(talk.prompt("answer"))) as answer:
            told = [answer.status, answer.headers["x-request-id"], await answer.read()]
            talk.show("answer", told)
        asked = body(talk.prompt("stream"), stream=True)
        async with session.post(URL, json=asked) as stream:
            talk.show("stream", [line async for line in stream.content])
        async with session.post(URL, json=body(talk.prompt(FAILING))) as failed:
            talk.show("error", [failed.status, failed.reason, await failed.read()])


@client("urllib")
def with_urllib(talk: Talk) -> None:
    with _opened(body(talk.prompt("answer"))) as answer:
        talk.show("answer", [answer.status, answer.headers["x-request-id"], answer.read()])
    with _opened(body(talk.prompt("stream"), stream=True)) as stream:
        talk.show("stream", list(stream))
    try:
        _opened(body(talk.prompt(FAILING)))
    except urllib.error.HTTPError as failed:
        with failed:
            talk.show("error", [failed.code, failed.reason, failed.read()])


def _opened(asked: dict[str, Any]) -> Any:  # noqa: ANN401  # urllib does not type it
    kind = {"content-type": "application/json"}
    request = urllib.request.Request(
        URL, json.dumps(asked).encode(), headers() | kind
    )  # an https URL of ours
    return urllib.request.urlopen(request, timeout=30)  # noqa: S310  # the same
