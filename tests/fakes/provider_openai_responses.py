"""The fake OpenAI's responses: answers, named and numbered events, tools over several responses.

Responses are kept, so that `previous_response_id` and retrieving one by its id work. Tools are
called as in chat completions.
"""

from __future__ import annotations

import itertools
import json
import secrets
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.fakes import provider_openai_wire as wire
from tests.fakes.provider_fresh import fresh_id, fresh_number, fresh_text, fresh_value, pieces
from tests.fakes.provider_wire import Directions, play, sse

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Responses"]

Json = dict[str, Any]


class Responses:
    """`/v1/responses` and what is below it."""

    def __init__(self) -> None:
        self._kept: dict[str, Json] = {}
        self._rounds: dict[str, int] = {}

    def routes(self) -> list[web.RouteDef]:
        """Create, retrieve, list the input of, delete."""
        one = "/v1/responses/{id}"
        return [
            web.post("/v1/responses", self._create),
            web.get(one, self._retrieve),
            web.get(one + "/input_items", self._input_items),
            web.delete(one, self._delete),
        ]

    async def _create(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        asked: Json = json.loads(raw)
        directions = Directions.of(raw)
        response = _response(asked) | {"output": self._output(asked, directions)}
        self._kept[response["id"]] = response
        self._rounds[response["id"]] = self._played(asked) + any(
            item["type"] == "function_call" for item in response["output"]
        )
        if not asked.get("stream"):
            return wire.json_answer(request, response)
        return await play(
            request,
            _numbered(_events(response)),
            directions,
            headers=wire.headers() | {"content-type": "text/event-stream; charset=utf-8"},
            error=_failed(response, directions.break_after),
        )

    def _played(self, asked: Json) -> int:
        items = asked["input"] if isinstance(asked["input"], list) else []
        here = sum(1 for item in items if item.get("type") == "function_call")
        return here + self._rounds.get(asked.get("previous_response_id") or "", 0)

    def _output(self, asked: Json, directions: Directions) -> list[Json]:
        items = [_reasoning()] if asked.get("reasoning") else []
        tools = [tool for tool in asked.get("tools") or [] if tool["type"] == "function"]
        played = self._played(asked)
        if tools and played < directions.rounds:
            return items + [_function_call(tool) for tool in (tools if not played else tools[:1])]
        return [*items, _message(asked, directions)]

    def _found(self, request: web.Request) -> Json:
        found = self._kept.get(request.match_info["id"])
        if found is None:
            raise web.HTTPNotFound
        return found

    async def _retrieve(self, request: web.Request) -> web.Response:
        return wire.json_answer(request, self._found(request))

    async def _input_items(self, request: web.Request) -> web.Response:
        self._found(request)
        item = {"id": fresh_id("msg_", 48), "type": "message", "role": "user", "content": []}
        page = {"object": "list", "data": [item], "has_more": False}
        return wire.json_answer(request, page | {"first_id": item["id"], "last_id": item["id"]})

    async def _delete(self, request: web.Request) -> web.Response:
        self._found(request)
        response_id = request.match_info["id"]
        del self._kept[response_id]
        return wire.json_answer(request, {"id": response_id, "object": "response", "deleted": True})


def _response(asked: Json) -> Json:
    now = wire.created_now()
    keep = ("instructions", "metadata", "previous_response_id", "temperature", "top_p")
    used, made = fresh_number(10, 900), fresh_number(10, 900)
    return {
        "id": "resp_" + secrets.token_hex(24),
        "object": "response",
        "created_at": now,
        "status": "completed",
        "background": False,
        "completed_at": now,
        "error": None,
        "incomplete_details": None,
        "max_output_tokens": asked.get("max_output_tokens"),
        "model": asked["model"] + "-2024-07-18",
        "output": [],
        "parallel_tool_calls": True,
        "reasoning": {"effort": None, "summary": None} | (asked.get("reasoning") or {}),
        "service_tier": "default",
        "store": True,
        "text": asked.get("text") or {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": asked.get("tool_choice") or "auto",
        "tools": asked.get("tools") or [],
        "truncation": "disabled",
        "usage": {
            "input_tokens": used,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": made,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": used + made,
        },
        "user": None,
    } | {key: asked.get(key) for key in keep}


def _reasoning() -> Json:
    return {
        "id": "rs_" + secrets.token_hex(24),
        "type": "reasoning",
        "encrypted_content": "gAAAAAB" + secrets.token_urlsafe(180),
        "summary": [{"type": "summary_text", "text": "**Thinking** " + fresh_text(6)}],
    }


def _function_call(tool: Json) -> Json:
    arguments = fresh_value(tool.get("parameters") or {"type": "object"})
    return {
        "id": "fc_" + secrets.token_hex(24),
        "type": "function_call",
        "status": "completed",
        "arguments": json.dumps(arguments, ensure_ascii=False, separators=(",", ":")),
        "call_id": fresh_id("call_"),
        "name": tool["name"],
    }


def _message(asked: Json, directions: Directions) -> Json:
    form = (asked.get("text") or {}).get("format") or {}
    part: Json
    if directions.refuse:
        part = {"type": "refusal", "refusal": "I can't help with that. " + fresh_text(3)}
    else:
        schema = form.get("schema")
        text = json.dumps(fresh_value(schema), ensure_ascii=False) if schema else fresh_text()
        part = {"type": "output_text", "annotations": [], "logprobs": [], "text": text}
    return {
        "id": "msg_" + secrets.token_hex(24),
        "type": "message",
        "status": "completed",
        "content": [part],
        "role": "assistant",
    }


def _numbered(events: Iterator[Json]) -> Iterator[bytes]:
    for number, event in zip(itertools.count(), events, strict=False):
        numbered = {"type": event["type"], "sequence_number": number} | event
        yield sse(numbered, event["type"])


def _failed(response: Json, number: int) -> bytes:
    """The two events with which a response fails in mid-stream."""
    failure = {"code": "server_error", "message": "The model failed to generate a response."}
    error = {"type": "error", "sequence_number": number} | failure | {"param": None}
    ended = response | {"status": "failed", "error": failure, "output": [], "usage": None}
    last = {"type": "response.failed", "sequence_number": number + 1, "response": ended}
    return sse(error, "error") + sse(last, "response.failed")


def _events(response: Json) -> Iterator[Json]:
    begun = response | {"status": "in_progress", "output": [], "usage": None, "completed_at": None}
    yield {"type": "response.created", "response": begun}
    yield {"type": "response.in_progress", "response": begun}
    for index, item in enumerate(response["output"]):
        yield from _item_events(index, item)
    yield {"type": "response.completed", "response": response}


def _item_events(index: int, item: Json) -> Iterator[Json]:
    begun = item | _EMPTY[item["type"]]
    if "status" in item:
        begun["status"] = "in_progress"
    yield {"type": "response.output_item.added", "output_index": index, "item": begun}
    place = {"item_id": item["id"], "output_index": index}
    match item["type"]:
        case "function_call":
            yield from _argument_events(place, item)
        case "reasoning":
            yield from _summary_events(place | {"summary_index": 0}, item["summary"][0])
        case _:
            yield from _part_events(place | {"content_index": 0}, item["content"][0])
    yield {"type": "response.output_item.done", "output_index": index, "item": item}


_EMPTY: dict[str, Json] = {
    "message": {"content": []},
    "function_call": {"arguments": ""},
    "reasoning": {"summary": []},
}


def _argument_events(place: Json, item: Json) -> Iterator[Json]:
    kind = "response.function_call_arguments"
    for piece in pieces(item["arguments"]):
        yield {"type": f"{kind}.delta", **place, "delta": piece}
    yield {"type": f"{kind}.done", **place, "arguments": item["arguments"], "name": item["name"]}


def _summary_events(place: Json, part: Json) -> Iterator[Json]:
    kind = "response.reasoning_summary"
    yield {"type": f"{kind}_part.added", **place, "part": part | {"text": ""}}
    for piece in pieces(part["text"]):
        yield {"type": f"{kind}_text.delta", **place, "delta": piece}
    yield {"type": f"{kind}_text.done", **place, "text": part["text"]}
    yield {"type": f"{kind}_part.done", **place, "part": part}


def _part_events(place: Json, part: Json) -> Iterator[Json]:
    key = "refusal" if part["type"] == "refusal" else "text"
    kind = "response.refusal" if key == "refusal" else "response.output_text"
    extra: Json = {"logprobs": []} if key == "text" else {}
    yield {"type": "response.content_part.added", **place, "part": part | {key: ""}}
    for piece in pieces(part[key]):
        yield {"type": f"{kind}.delta", **place, "delta": piece, **extra}
    yield {"type": f"{kind}.done", **place, key: part[key], **extra}
    yield {"type": "response.content_part.done", **place, "part": part}
