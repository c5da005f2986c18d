"""Streams that tell a text in pieces, each as a provider would, and how a client reads them."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from llmreplay.core.streams.event_stream import (
    Frame,
    FrameHeader,
    HeaderKind,
    decode_frame,
    encode_frame,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True)
class Told:
    """A way of telling. `read` gives the text back; anything else said must be as it was."""

    name: str
    media_type: str
    tell: Callable[[Sequence[str]], list[bytes]]
    read: Callable[[Sequence[bytes]], str]


def sse(values: Sequence[Any], end: str = "\n") -> list[bytes]:
    return [f"data: {json.dumps(value)}{end}{end}".encode() for value in values]


def data(chunk: bytes) -> Any:  # noqa: ANN401  # any JSON
    lines = (line for line in chunk.splitlines() if line.startswith(b"data: "))
    return json.loads(b"\n".join(line[6:] for line in lines))


def _chat(parts: Sequence[str]) -> list[bytes]:
    values = [
        {"id": "chatcmpl-1", "choices": [{"index": 0, "delta": {"content": part}}]}
        for part in parts
    ]
    return [*sse(values), b"data: [DONE]\n\n"]


def _read_chat(chunks: Sequence[bytes]) -> str:
    assert chunks[-1] == b"data: [DONE]\n\n"
    return "".join(data(chunk)["choices"][0]["delta"]["content"] for chunk in chunks[:-1])


def _two_choices(parts: Sequence[str]) -> list[bytes]:
    return sse(
        [
            {"choices": [{"index": index, "delta": {"content": text}}]}
            for part in parts
            for index, text in ((0, part), (1, "abc"))
        ]
    )


def _read_two_choices(chunks: Sequence[bytes]) -> str:
    assert all(data(chunk)["choices"][0]["delta"]["content"] == "abc" for chunk in chunks[1::2])
    return "".join(data(chunk)["choices"][0]["delta"]["content"] for chunk in chunks[::2])


def _two_items(parts: Sequence[str]) -> list[bytes]:
    return [
        b"event: response.output_text.delta\r\n" + event
        for number, part in enumerate(parts)
        for item, text in (("msg_1", part), ("msg_2", "abc"))
        for event in sse([{"sequence_number": number, "item_id": item, "delta": text}], "\r\n")
    ]


def _read_two_items(chunks: Sequence[bytes]) -> str:
    assert all(data(chunk)["delta"] == "abc" for chunk in chunks[1::2])
    return "".join(data(chunk)["delta"] for chunk in chunks[::2])


def _arguments(parts: Sequence[str]) -> list[bytes]:
    """Tool-call arguments: JSON in pieces, a JSON string inside a JSON string."""
    text = json.dumps({"command": "".join(parts)})
    cuts = [len(json.dumps("".join(parts[:n]))) + 11 for n in range(1, len(parts))]
    bounds = [0, *cuts, len(text)]
    pieces = [text[a:b] for a, b in pairwise(bounds)]
    return sse(
        [
            {"choices": [{"delta": {"tool_calls": [{"index": 0, "function": {"arguments": p}}]}}]}
            for p in pieces
        ]
    )


def _read_arguments(chunks: Sequence[bytes]) -> str:
    calls = (data(chunk)["choices"][0]["delta"]["tool_calls"][0] for chunk in chunks)
    return str(json.loads("".join(call["function"]["arguments"] for call in calls))["command"])


def _several_lines(parts: Sequence[str]) -> list[bytes]:
    return [
        f'event: delta\ndata: {{"delta":\ndata: {json.dumps(part)}}}\n\n'.encode() for part in parts
    ]


def _text(parts: Sequence[str]) -> list[bytes]:
    """No JSON at all; a line break would end the line."""
    return [f"event: output\ndata: {part}\n\n".encode() for part in parts]


def _read_text(chunks: Sequence[bytes]) -> str:
    return "".join(chunk.decode().removeprefix("event: output\ndata: ")[:-2] for chunk in chunks)


def _lines(parts: Sequence[str]) -> list[bytes]:
    return [json.dumps({"message": {"content": part}}).encode() + b"\n" for part in parts]


def _elements(parts: Sequence[str]) -> list[bytes]:
    elements = [
        json.dumps({"candidates": [{"content": {"parts": [{"text": part}]}}]}, indent=1).encode()
        for part in parts
    ]
    return [(b"," if n else b"[") + element for n, element in enumerate(elements)] + [b"\n]"]


def _read_elements(chunks: Sequence[bytes]) -> str:
    elements = json.loads(b"".join(chunks))
    return "".join(e["candidates"][0]["content"]["parts"][0]["text"] for e in elements)


def frame(payload: bytes) -> bytes:
    headers = (
        FrameHeader(":event-type", HeaderKind.STRING, "chunk"),
        FrameHeader(":date", HeaderKind.TIMESTAMP, 1),
    )
    return encode_frame(Frame(headers, payload))


def _converse(parts: Sequence[str]) -> list[bytes]:
    return [
        frame(json.dumps({"contentBlockIndex": 0, "delta": {"text": part}}).encode())
        for part in parts
    ]


def _invoke(parts: Sequence[str]) -> list[bytes]:
    """A model's own events, in base64 in the payload of a frame."""
    inner = [base64.b64encode(json.dumps({"delta": {"text": part}}).encode()) for part in parts]
    return [
        frame(json.dumps({"bytes": digits.decode(), "p": "abcdefgh"}).encode()) for digits in inner
    ]


def _read_invoke(chunks: Sequence[bytes]) -> str:
    payloads = [json.loads(decode_frame(chunk).payload) for chunk in chunks]
    assert all(payload["p"] == "abcdefgh" for payload in payloads)
    return "".join(
        json.loads(base64.b64decode(payload["bytes"]))["delta"]["text"] for payload in payloads
    )


SSE = "text/event-stream"
AWS = "application/vnd.amazon.eventstream"

WAYS = (
    Told("chat", SSE, _chat, _read_chat),
    Told("two choices", SSE, _two_choices, _read_two_choices),
    Told("two items", SSE, _two_items, _read_two_items),
    Told("tool arguments", SSE, _arguments, _read_arguments),
    Told(
        "several lines",
        SSE,
        _several_lines,
        lambda chunks: "".join(data(chunk)["delta"] for chunk in chunks),
    ),
    Told("text", SSE, _text, _read_text),
    Told(
        "ndjson",
        "application/x-ndjson",
        _lines,
        lambda chunks: "".join(json.loads(chunk)["message"]["content"] for chunk in chunks),
    ),
    Told("json array", "application/json", _elements, _read_elements),
    Told(
        "converse",
        AWS,
        _converse,
        lambda chunks: "".join(
            json.loads(decode_frame(chunk).payload)["delta"]["text"] for chunk in chunks
        ),
    ),
    Told("invoke", AWS, _invoke, _read_invoke),
)
