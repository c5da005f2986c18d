"""All providers on one port, with the same short answer each time: base traffic for fault tests.

A plain answer, a stream, or a stream with a tool call, in each provider's own shape, by path and
body. Nothing is random: where a client's complaint counts characters, it counts the same ones.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.fakes.provider_event_stream import frame
from tests.fakes.provider_wire import Directions, answer_json, play, sse

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["FakeFixed"]

Json = dict[str, Any]

_TEXT = ("The ", "tide ", "is ", "high ", "in ", "東京, ", "naïve ", "boat.")
_TOOL = "get_tide"
_ARGUMENTS = ('{"harbour"', ': "Yokohama"', ', "day":', ' "today"}')
_READ, _WRITTEN = 21, 13
_CREATED = 1_795_000_000
_SSE = "text/event-stream; charset=utf-8"
_UUID = "6a9d3c52-7f10-4b3e-9f6d-2c1b7e5a4d38"


class FakeFixed:
    """One that speaks for all; whoever asks needs no key."""

    name = "fixed"

    def routes(self) -> list[web.RouteDef]:
        """What it answers."""
        return [
            web.post("/v1/chat/completions", _chat),
            web.post("/openai/v1/chat/completions", _chat),
            web.post("/v1/responses", _responses),
            web.post("/v1/messages", _messages),
            web.post("/{version}/models/{model}:generateContent", _gemini),
            web.post("/{version}/models/{model}:streamGenerateContent", _gemini_stream),
            web.post("/model/{model}/converse", _converse),
            web.post("/model/{model}/converse-stream", _converse_stream),
            web.post("/v2/chat", _cohere),
            web.post("/api/chat", _ollama),
        ]

    def failure(self, request: web.Request, kind: str) -> web.Response:
        """Nothing fails here but what is not known."""
        return answer_json(request, {"error": kind}, status=404)

    def refusal(self, request: web.Request) -> web.Response | None:  # noqa: ARG002  # as others have it
        """Everybody is let in."""
        return None


async def _asked(request: web.Request) -> Json:
    asked: Json = json.loads(await request.read())
    return asked


async def _streamed(
    request: web.Request,
    events: Iterator[bytes],
    content_type: str = _SSE,
    headers: dict[str, str] | None = None,
) -> web.StreamResponse:
    headers = {"content-type": content_type, **(headers or {})}
    return await play(request, events, Directions(), headers=headers)


def _compact(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


# Chat completions: OpenAI, Groq and Mistral


async def _chat(request: web.Request) -> web.StreamResponse:
    asked = await _asked(request)
    kind = "chat.completion.chunk" if asked.get("stream") else "chat.completion"
    head: Json = {"id": "chatcmpl-BW1f1x3d", "object": kind}
    head |= {"created": _CREATED, "model": asked["model"]}
    headers = {"x-request-id": "req_f1x3d"}
    if asked.get("stream"):
        return await _streamed(request, _chat_events(head, asked), headers=headers)
    message = {"role": "assistant", "content": "".join(_TEXT)}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    body = head | {"choices": [choice], "usage": _chat_usage()}
    return answer_json(request, body, headers=headers)


def _chat_usage() -> Json:
    return {
        "prompt_tokens": _READ,
        "completion_tokens": _WRITTEN,
        "total_tokens": _READ + _WRITTEN,
    }


def _chat_events(head: Json, asked: Json) -> Iterator[bytes]:
    def event(delta: Json, finish: str | None = None, **more: object) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return sse(head | {"choices": [choice], **more})

    yield event({"role": "assistant", "content": ""})
    if asked.get("tools"):
        opening = {"name": _TOOL, "arguments": ""}
        call: Json = {"index": 0, "id": "call_f1x3d", "type": "function", "function": opening}
        pieces: tuple[str, ...] = _ARGUMENTS
        if "mistral" in asked["model"]:  # it gives a call out whole
            opening["arguments"], pieces = "".join(pieces), ()
        yield event({"tool_calls": [call]})
        for piece in pieces:
            yield event({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
    else:
        for piece in _TEXT:
            yield event({"content": piece})
    finish = "tool_calls" if asked.get("tools") else "stop"
    if "mistral" in asked["model"]:
        yield event({"content": ""}, finish, usage=_chat_usage())
    else:
        yield event({}, finish)
        yield sse(head | {"choices": [], "usage": _chat_usage()})
    yield sse("[DONE]")


# OpenAI's responses


async def _responses(request: web.Request) -> web.StreamResponse:
    asked = await _asked(request)
    head = {"id": "resp_f1x3d", "object": "response", "created_at": _CREATED}
    head |= {"model": asked["model"], "parallel_tool_calls": True, "tool_choice": "auto"}
    head |= {"tools": [], "output": [], "status": "in_progress"}
    headers = {"x-request-id": "req_f1x3d"}
    if asked.get("stream"):
        return await _streamed(request, _response_events(head, asked), headers=headers)
    return answer_json(request, _response(head, [_said()]), headers=headers)


def _response(head: Json, output: list[Json]) -> Json:
    usage = {
        "input_tokens": _READ,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": _WRITTEN,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": _READ + _WRITTEN,
    }
    return head | {"status": "completed", "output": output, "usage": usage}


def _said() -> Json:
    part = {"type": "output_text", "text": "".join(_TEXT), "annotations": []}
    item = {"type": "message", "id": "msg_f1x3d", "status": "completed"}
    return item | {"role": "assistant", "content": [part]}


def _called() -> Json:
    item = {"type": "function_call", "id": "fc_f1x3d", "call_id": "call_f1x3d"}
    return item | {"status": "completed", "name": _TOOL, "arguments": "".join(_ARGUMENTS)}


def _response_events(head: Json, asked: Json) -> Iterator[bytes]:
    numbers = iter(range(100))

    def event(kind: str, **fields: object) -> bytes:
        return sse({"type": kind, "sequence_number": next(numbers), **fields}, kind)

    place: Json = {"item_id": "fc_f1x3d" if asked.get("tools") else "msg_f1x3d", "output_index": 0}
    yield event("response.created", response=head)
    if asked.get("tools"):
        item = _called()
        begun = item | {"status": "in_progress", "arguments": ""}
        yield event("response.output_item.added", output_index=0, item=begun)
        for piece in _ARGUMENTS:
            yield event("response.function_call_arguments.delta", **place, delta=piece)
        arguments = item["arguments"]
        yield event("response.function_call_arguments.done", **place, arguments=arguments)
    else:
        item = _said()
        begun = item | {"status": "in_progress", "content": []}
        yield event("response.output_item.added", output_index=0, item=begun)
        part = {"type": "output_text", "text": "", "annotations": []}
        yield event("response.content_part.added", **place, content_index=0, part=part)
        for piece in _TEXT:
            yield event("response.output_text.delta", **place, content_index=0, delta=piece)
        text = "".join(_TEXT)
        yield event("response.output_text.done", **place, content_index=0, text=text)
    yield event("response.output_item.done", output_index=0, item=item)
    yield event("response.completed", response=_response(head, [item]))


# Anthropic


async def _messages(request: web.Request) -> web.StreamResponse:
    asked = await _asked(request)
    message: Json = {"id": "msg_01f1x3d", "type": "message", "role": "assistant"}
    message |= {"model": asked["model"], "stop_reason": None, "stop_sequence": None}
    headers = {"request-id": "req_011f1x3d"}
    if asked.get("stream"):
        return await _streamed(request, _message_events(message, asked), headers=headers)
    usage = {"input_tokens": _READ, "output_tokens": _WRITTEN}
    content = [{"type": "text", "text": "".join(_TEXT)}]
    body = message | {"content": content, "stop_reason": "end_turn", "usage": usage}
    return answer_json(request, body, headers=headers)


def _message_events(message: Json, asked: Json) -> Iterator[bytes]:
    def event(kind: str, **fields: object) -> bytes:
        return sse({"type": kind, **fields}, kind)

    usage = {"input_tokens": _READ, "output_tokens": 1}
    yield event("message_start", message=message | {"content": [], "usage": usage})
    if asked.get("tools"):
        block: Json = {"type": "tool_use", "id": "toolu_01f1x3d", "name": _TOOL, "input": {}}
        deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in _ARGUMENTS]
    else:
        block = {"type": "text", "text": ""}
        deltas = [{"type": "text_delta", "text": piece} for piece in _TEXT]
    yield event("content_block_start", index=0, content_block=block)
    for delta in deltas:
        yield event("content_block_delta", index=0, delta=delta)
    yield event("content_block_stop", index=0)
    stop = {"stop_reason": "tool_use" if asked.get("tools") else "end_turn", "stop_sequence": None}
    yield event("message_delta", delta=stop, usage={"output_tokens": _WRITTEN})
    yield event("message_stop")


# Gemini


async def _gemini(request: web.Request) -> web.StreamResponse:
    body = _candidate(request, [{"text": "".join(_TEXT)}], "STOP")
    return answer_json(request, body, indent=2)


async def _gemini_stream(request: web.Request) -> web.StreamResponse:
    asked = await _asked(request)
    arguments = json.loads("".join(_ARGUMENTS))
    parts: list[Json] = [{"text": piece} for piece in _TEXT]
    if asked.get("tools"):
        parts = [{"functionCall": {"name": _TOOL, "args": arguments}}]
    finishes = [None] * (len(parts) - 1) + ["STOP"]
    events = (
        # Google's servers end the lines of their events with CR LF.
        sse(_candidate(request, [part], finish)).replace(b"\n\n", b"\r\n\r\n")
        for part, finish in zip(parts, finishes, strict=True)
    )
    return await _streamed(request, events, "text/event-stream")


def _candidate(request: web.Request, parts: list[Json], finish: str | None) -> Json:
    candidate: Json = {"content": {"parts": parts, "role": "model"}, "index": 0}
    usage: Json = {"promptTokenCount": _READ, "totalTokenCount": _READ}
    if finish:
        candidate["finishReason"] = finish
        usage |= {"candidatesTokenCount": _WRITTEN, "totalTokenCount": _READ + _WRITTEN}
    return {
        "candidates": [candidate],
        "usageMetadata": usage,
        "modelVersion": request.match_info["model"],
        "responseId": "f1x3d",
    }


# Bedrock


async def _converse(request: web.Request) -> web.StreamResponse:
    message = {"role": "assistant", "content": [{"text": "".join(_TEXT)}]}
    body = {"output": {"message": message}, "stopReason": "end_turn", **_converse_usage()}
    return answer_json(request, body, headers={"x-amzn-requestid": _UUID})


async def _converse_stream(request: web.Request) -> web.StreamResponse:
    events = _converse_events(await _asked(request))
    kind = "application/vnd.amazon.eventstream"
    return await _streamed(request, events, kind, {"x-amzn-requestid": _UUID})


def _converse_events(asked: Json) -> Iterator[bytes]:
    def event(kind: str, value: Json) -> bytes:
        told = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
        return frame(told, _compact(value).encode())

    yield event("messageStart", {"role": "assistant"})
    deltas: list[Json] = [{"text": piece} for piece in _TEXT]
    if asked.get("toolConfig"):
        start = {"toolUse": {"toolUseId": "tooluse_f1x3d", "name": _TOOL}}
        yield event("contentBlockStart", {"start": start, "contentBlockIndex": 0})
        deltas = [{"toolUse": {"input": piece}} for piece in _ARGUMENTS]
    for delta in deltas:
        yield event("contentBlockDelta", {"delta": delta, "contentBlockIndex": 0})
    yield event("contentBlockStop", {"contentBlockIndex": 0})
    stop = "tool_use" if asked.get("toolConfig") else "end_turn"
    yield event("messageStop", {"stopReason": stop})
    yield event("metadata", _converse_usage())


def _converse_usage() -> Json:
    usage = {
        "inputTokens": _READ,
        "outputTokens": _WRITTEN,
        "totalTokens": _READ + _WRITTEN,
    }
    return {"usage": usage, "metrics": {"latencyMs": 300}}


# Cohere


async def _cohere(request: web.Request) -> web.StreamResponse:
    asked = await _asked(request)
    if asked.get("stream"):
        return await _streamed(request, _cohere_events(asked))
    message = {"role": "assistant", "content": [{"type": "text", "text": "".join(_TEXT)}]}
    body = {"id": _UUID, "message": message, "finish_reason": "COMPLETE", "usage": _cohere_usage()}
    return answer_json(request, body)


def _cohere_usage() -> Json:
    tokens = {"input_tokens": _READ, "output_tokens": _WRITTEN}
    return {"billed_units": tokens, "tokens": tokens}


def _cohere_events(asked: Json) -> Iterator[bytes]:
    def event(kind: str, **fields: object) -> bytes:
        return sse({"type": kind, **fields}, kind)

    def message(**fields: object) -> Json:
        return {"message": fields}

    yield event("message-start", id=_UUID, delta=message(role="assistant"))
    if asked.get("tools"):
        function = {"name": _TOOL, "arguments": ""}
        call: Json = {"id": "get_tide_f1x3d", "type": "function", "function": function}
        yield event("tool-call-start", index=0, delta=message(tool_calls=call))
        for piece in _ARGUMENTS:
            delta = message(tool_calls={"function": {"arguments": piece}})
            yield event("tool-call-delta", index=0, delta=delta)
        yield event("tool-call-end", index=0)
    else:
        yield event("content-start", index=0, delta=message(content={"type": "text", "text": ""}))
        for piece in _TEXT:
            yield event("content-delta", index=0, delta=message(content={"text": piece}))
        yield event("content-end", index=0)
    finish = "TOOL_CALL" if asked.get("tools") else "COMPLETE"
    yield event("message-end", delta={"finish_reason": finish, "usage": _cohere_usage()})


# Ollama


async def _ollama(request: web.Request) -> web.StreamResponse:
    asked = await _asked(request)
    head = {"model": asked["model"], "created_at": "2026-11-21T10:00:00.000000Z"}
    counts = {"total_duration": 300_000_000, "load_duration": 1_000_000}
    counts |= {"prompt_eval_count": _READ, "prompt_eval_duration": 1_000_000}
    end = {"done": True, "done_reason": "stop", **counts}
    end |= {"eval_count": _WRITTEN, "eval_duration": 290_000_000}
    if not asked.get("stream"):
        message = {"role": "assistant", "content": "".join(_TEXT)}
        return answer_json(request, head | {"message": message, **end})
    function = {"name": _TOOL, "arguments": json.loads("".join(_ARGUMENTS))}
    said: list[Json] = [{"content": piece} for piece in _TEXT]
    if asked.get("tools"):
        said = [{"content": "", "tool_calls": [{"function": function}]}]
    values: list[Json] = [{"message": {"role": "assistant", **one}, "done": False} for one in said]
    values.append({"message": {"role": "assistant", "content": ""}, **end})
    lines = (_compact(head | value).encode() + b"\n" for value in values)
    return await _streamed(request, lines, "application/x-ndjson")
