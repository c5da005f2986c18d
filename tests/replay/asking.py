"""Recordings of a chat, and a client that asks for them as an SDK would, without one."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

from llmreplay.cassettes import dump
from llmreplay.cassettes.contents import HEADER
from llmreplay.core.exchange import Chunk, Exchange, Recorded, Request, Response

if TYPE_CHECKING:
    from pathlib import Path

CHAT = "https://api.openai.com/v1/chat/completions"
JSON = (("content-type", "application/json"),)


def asked(text: str) -> bytes:
    """The body of a request that says `text`."""
    return json.dumps({"model": "m-1", "messages": [{"role": "user", "content": text}]}).encode()


def write(folder: Path, name: str, **answers: str) -> Path:
    """A cassette in which each text has its answer."""
    path = folder / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    documents = "".join(
        dump(_exchange(number, text, said)) for number, (text, said) in enumerate(answers.items())
    )
    path.write_text(HEADER + documents)
    return path


def ask(base_url: str, text: str) -> tuple[int, str]:
    """The status, and what the model said, or the message of the error."""
    headers = {"content-type": "application/json", "authorization": "Bearer sk-fake"}
    request = urllib.request.Request(f"{base_url}/chat/completions", asked(text), headers)  # noqa: S310  # our own server
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request) as answer:
            return answer.status, json.load(answer)["choices"][0]["message"]["content"]
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)["error"]["message"]


def _exchange(number: int, text: str, said: str) -> Exchange:
    answer = {"model": "m-1", "choices": [{"index": 0, "message": {"content": said}}]}
    return Exchange(
        number + 1,
        "openai",
        Request("POST", CHAT, JSON, asked(text), "openai"),
        Response(200, JSON, (Chunk(json.dumps(answer).encode(), 1),)),
        Recorded("2026-11-20T16:02:11Z", "7f3a"),
    )
