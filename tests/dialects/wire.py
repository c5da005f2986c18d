"""Responses as providers send them, in one line each."""

from __future__ import annotations

import json
from typing import Any

from llmreplay.core.dialect import Json, Part, PartKind
from llmreplay.core.exchange import Chunk, Response
from llmreplay.core.streams import Event

__all__ = [
    "answer",
    "event",
    "image",
    "ndjson",
    "other",
    "raw",
    "said",
    "stream",
    "thought",
    "tool",
]


def answer(value: Json, status: int = 200) -> Response:
    """A JSON body."""
    return raw(json.dumps(value).encode(), "application/json", status)


def raw(body: bytes, content_type: str, status: int = 200) -> Response:
    """Any body."""
    chunks = (Chunk(body),) if body else ()
    return Response(status, (("content-type", content_type),), chunks)


def stream(*events: Json, names: bool = False) -> Response:
    """Server-sent events; a string is sent as it is. With `names`, each has its `type`'s."""
    texts = (one if isinstance(one, str) else json.dumps(one) for one in events)
    heads = (f"event: {one['type']}\n" if names else "" for one in events)
    chunks = tuple(
        Chunk(f"{head}data: {text}\n\n".encode()) for head, text in zip(heads, texts, strict=True)
    )
    return Response(200, (("content-type", "text/event-stream"),), chunks)


def ndjson(*lines: Json) -> Response:
    """JSON Lines."""
    chunks = tuple(Chunk(json.dumps(line).encode() + b"\n") for line in lines)
    return Response(200, (("content-type", "application/x-ndjson"),), chunks)


def event(data: Any, name: str = "") -> Event:  # noqa: ANN401  # any JSON value, or a text
    """One event of a stream."""
    text = data if isinstance(data, str) else json.dumps(data)
    return Event(b"", text.encode(), name)


def said(text: str) -> Part:
    return Part(PartKind.TEXT, text)


def thought(text: str) -> Part:
    return Part(PartKind.THINKING, text)


def tool(name: str | None, arguments: str) -> Part:
    return Part(PartKind.TOOL_CALL, arguments, name)


def image(text: str) -> Part:
    return Part(PartKind.IMAGE, text)


def other(text: str) -> Part:
    return Part(PartKind.OTHER, text)
