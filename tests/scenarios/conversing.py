"""A chat API as short as the scenarios need it: requests, responses, and somebody who sends them.

`script` is an upstream that answers by what the last message says. Scenarios build on it and on
`process`; what a provider really sends is `tests.fakes.provider`'s business.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from llmreplay.core.exchange import Chunk, Response
from tests.corpus.client import Connection, Received
from tests.fakes.manners import event_by_event, in_one_piece, seeded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from llmreplay.core.exchange import Headers
    from tests.fakes.origin import Asked, Step
    from tests.scenarios.process import Finished, Running

__all__ = [
    "CHAT",
    "ask",
    "chat",
    "files_of",
    "last_message",
    "message_of",
    "played",
    "post",
    "replied",
    "script",
    "stopped",
    "streamed",
]

CHAT = "/openai/v1/chat/completions"
_JSON = ("content-type", "application/json")


def chat(*contents: str, **fields: Any) -> bytes:  # noqa: ANN401  # any JSON value
    """A request: what the user says, what the assistant said, and so on by turns."""
    messages = [
        {"role": ("user", "assistant")[turn % 2], "content": content}
        for turn, content in enumerate(contents)
    ]
    return json.dumps({"model": "gpt-4o-mini", "messages": messages} | fields).encode()


def replied(text: str, status: int = 200, *headers: tuple[str, str]) -> Response:
    """An answer in one piece; an error if `status` is one."""
    if status >= 400:
        error = {"message": text, "type": "server_error", "param": None, "code": None}
        body: dict[str, Any] = {"error": error}
    else:
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        body = {"id": "chatcmpl-1", "model": "gpt-4o-mini", "choices": [choice]}
    return Response(status, (_JSON, *headers), (Chunk(json.dumps(body).encode()),))


def streamed(*texts: str) -> Response:
    """A stream, one event a text."""
    events = [
        json.dumps({"id": "chatcmpl-1", "choices": [{"index": 0, "delta": {"content": text}}]})
        for text in texts
    ]
    chunks = tuple(Chunk(f"data: {event}\n\n".encode()) for event in (*events, "[DONE]"))
    return Response(200, (("content-type", "text/event-stream"),), chunks)


def last_message(asked: Asked) -> str:
    """What the last message of a request says."""
    content = json.loads(asked.body)["messages"][-1]["content"]
    assert isinstance(content, str)
    return content


def played(response: Response) -> Iterable[Step]:
    """`response` as a good upstream sends it."""
    framed = dict(response.headers)["content-type"] == "text/event-stream"
    return (event_by_event if framed else in_one_piece)(response, seeded(0))


def script(
    replies: Mapping[str, Response | Iterable[Step]],
) -> Callable[[Asked], Iterable[Step]]:
    """Answers for an `Origin`: by what the last message says."""

    def answers(asked: Asked) -> Iterable[Step]:
        reply = replies[last_message(asked)]
        return played(reply) if isinstance(reply, Response) else reply

    return answers


async def ask(
    url: str, method: str, target: str, body: bytes = b"", headers: Headers = (_JSON,)
) -> Received:
    """One request on a connection of its own."""
    async with Connection(url) as connection:
        return await connection.ask(method, target, headers, body)


async def post(url: str, body: bytes, *headers: tuple[str, str], target: str = CHAT) -> Received:
    """One chat request."""
    return await ask(url, "POST", target, body, (_JSON, *headers))


def message_of(received: Received) -> str:
    """The message of an error."""
    message = json.loads(received.body)["error"]["message"]
    assert isinstance(message, str)
    return message


async def stopped(running: Running, *how: Any) -> Finished:  # noqa: ANN401  # as `Running.stop`
    """Stops it while the upstream, in this loop, goes on."""
    return await asyncio.to_thread(running.stop, *how)


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file below `folder`, hidden ones too, by its path in it."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
