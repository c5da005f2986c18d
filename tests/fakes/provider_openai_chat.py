"""The fake OpenAI's chat completions: answers, streams, tool calls, refusals, JSON by schema.

Tools are called as long as fewer rounds were played than the directions ask for (one, if they
do not say): first all tools at once, later only the first one.
"""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any

from tests.fakes import provider_openai_wire as wire
from tests.fakes.provider_fresh import fresh_id, fresh_number, fresh_text, fresh_value, pieces
from tests.fakes.provider_wire import Directions, play, sse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiohttp import web

__all__ = ["chat_completions"]

Json = dict[str, Any]


async def chat_completions(request: web.Request) -> web.StreamResponse:
    """`POST /v1/chat/completions`."""
    raw = await request.read()
    asked: Json = json.loads(raw)
    directions = Directions.of(raw)
    messages = [_message(asked, directions) for _ in range(asked.get("n") or 1)]
    head = {
        "id": fresh_id("chatcmpl-", 29),
        "object": "chat.completion.chunk" if asked.get("stream") else "chat.completion",
        "created": wire.created_now(),
        "model": asked["model"] + "-2024-07-18",
        "service_tier": "default",
        "system_fingerprint": "fp_" + secrets.token_hex(5),
    }
    if not asked.get("stream"):
        choices = [_choice(index, message, asked) for index, message in enumerate(messages)]
        return wire.json_answer(request, head | {"choices": choices, "usage": _usage(asked)})
    return await play(
        request,
        _events(head, messages, asked),
        directions,
        headers=wire.headers() | {"content-type": "text/event-stream; charset=utf-8"},
        error=sse(wire.error("The server had an error.", "server_error", None)),
    )


def _message(asked: Json, directions: Directions) -> Json:
    message: Json = {"role": "assistant", "content": None, "refusal": None}
    played = sum(1 for turn in asked["messages"] if turn.get("tool_calls"))
    tools = asked.get("tools") or []
    if tools and played < directions.rounds:
        message["tool_calls"] = [_tool_call(tool) for tool in (tools if not played else tools[:1])]
    elif directions.refuse:
        message["refusal"] = "I'm sorry, I can't help with that. " + fresh_text(3)
    else:
        message["content"] = _content(asked)
    return message


def _tool_call(tool: Json) -> Json:
    function = tool["function"]
    arguments = fresh_value(function.get("parameters") or {"type": "object"})
    return {
        "id": fresh_id("call_"),
        "type": "function",
        "function": {
            "name": function["name"],
            "arguments": json.dumps(arguments, ensure_ascii=False),
        },
    }


def _content(asked: Json) -> str:
    form = asked.get("response_format") or {}
    if form.get("type") == "json_schema":
        return json.dumps(fresh_value(form["json_schema"]["schema"]), ensure_ascii=False)
    if form.get("type") == "json_object":
        return json.dumps({"answer": fresh_text(4)})
    return fresh_text()


def _finish(message: Json) -> str:
    return "tool_calls" if "tool_calls" in message else "stop"


def _choice(index: int, message: Json, asked: Json) -> Json:
    logprobs: Json | None = None
    if asked.get("logprobs") and message["content"]:
        tokens = [_logprob(text) for text in pieces(message["content"])[:5]]
        logprobs = {"content": tokens, "refusal": None}
    return {
        "index": index,
        "message": message | {"annotations": []},
        "logprobs": logprobs,
        "finish_reason": _finish(message),
    }


def _logprob(text: str) -> Json:
    value = -fresh_number(1, 10**9) / 10**9
    token = {"token": text, "logprob": value, "bytes": list(text.encode())}
    return token | {"top_logprobs": []}


def _usage(asked: Json) -> Json:
    prompt, completion = len(json.dumps(asked["messages"])) // 4, fresh_number(5, 500)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _events(head: Json, messages: list[Json], asked: Json) -> Iterator[bytes]:
    with_usage = bool((asked.get("stream_options") or {}).get("include_usage"))
    nothing_yet = {"usage": None} if with_usage else {}
    for index, message in enumerate(messages):
        for delta, finish in _deltas(message):
            choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
            padding = {"obfuscation": fresh_id("", fresh_number(1, 12))}
            yield sse(head | {"choices": [choice]} | nothing_yet | padding)
    if with_usage:
        yield sse(head | {"choices": [], "usage": _usage(asked)})
    yield sse("[DONE]")


def _deltas(message: Json) -> Iterator[tuple[Json, str | None]]:
    calls = message.get("tool_calls", [])
    first: Json = {"role": "assistant", "content": None if calls else "", "refusal": None}
    yield first, None
    for key in ("content", "refusal"):
        for piece in pieces(message[key] or ""):
            yield {key: piece}, None
    for number, call in enumerate(calls):
        opening = {"name": call["function"]["name"], "arguments": ""}
        yield {"tool_calls": [{"index": number} | call | {"function": opening}]}, None
        for piece in pieces(call["function"]["arguments"]):
            yield {"tool_calls": [{"index": number, "function": {"arguments": piece}}]}, None
    yield {}, _finish(message)
