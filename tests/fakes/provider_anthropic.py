"""The fake Anthropic: messages and their streams, token counts, models, files, errors.

Shapes after Anthropic's public API reference. Tools are called as the fake OpenAI calls them:
as many rounds as the directions ask for, all tools in the first, one in the later ones.
"""

from __future__ import annotations

import base64
import json
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.fakes.provider_fresh import fresh_id, fresh_number, fresh_text, fresh_value, pieces
from tests.fakes.provider_wire import Directions, answer, answer_json, play, received, sse

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["FakeAnthropic"]

Json = dict[str, Any]

# kind → status, type, message
FAILURES: dict[str, tuple[int, str, str]] = {
    "bad_request": (400, "invalid_request_error", "messages: at least one message is required"),
    "context_length": (400, "invalid_request_error", "prompt is too long: 200001 tokens"),
    "auth": (401, "authentication_error", "invalid x-api-key"),
    "billing": (402, "billing_error", "Your credit balance is too low."),
    "forbidden": (403, "permission_error", "Your API key may not use this resource."),
    "not_found": (404, "not_found_error", "model: claude-none"),
    "conflict": (409, "conflict_error", "The resource is being changed by another request."),
    "too_large": (413, "request_too_large", "Request exceeds the maximum size"),
    "rate_limit": (429, "rate_limit_error", "This request would exceed your rate limit."),
    "server_error": (500, "api_error", "Internal server error"),
    "overloaded": (529, "overloaded_error", "Overloaded"),
}

_MODELS = {"claude-sonnet-5": "Claude Sonnet 5", "claude-haiku-4-5": "Claude Haiku 4.5"}


class FakeAnthropic:
    """Anthropic, as far as its SDKs' main resources go."""

    name = "anthropic"

    def __init__(self) -> None:
        self._files: dict[str, tuple[Json, bytes]] = {}
        self._threads: dict[str, Json] = {}
        """Message id → the request that it answered, with the answer as its last message."""

    def routes(self) -> list[web.RouteDef]:
        """What it answers."""
        return [
            web.post("/v1/messages", self._messages),
            web.post("/v1/messages/count_tokens", _count_tokens),
            web.get("/v1/models", _models),
            web.get("/v1/models/{id}", _model),
            web.post("/v1/files", self._upload),
            web.get("/v1/files/{id}", self._file),
            web.get("/v1/files/{id}/content", self._content),
            web.delete("/v1/files/{id}", self._delete),
        ]

    def failure(self, request: web.Request, kind: str) -> web.Response:
        """An answer with the error that `kind` names; a rate limit says when to come back."""
        status, error_type, message = FAILURES[kind]
        extra = {"retry-after": "0.02"} if kind == "rate_limit" else {}
        if kind == "overloaded":
            extra["x-should-retry"] = "true"
        return _error(request, status, error_type, message, extra)

    def refusal(self, request: web.Request) -> web.Response | None:
        """401 for a request without a key, or with one that says it is wrong."""
        # `x-api-key` from clients of the first generation, a bearer token since SDK 2.
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        key = request.headers.get("x-api-key", bearer)
        if key and "wrong" not in key:
            return None
        status, error_type, message = FAILURES["auth"]
        return _error(request, status, error_type, message, {})

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        asked = self._continued(json.loads(raw))
        if asked is None:
            return _error(request, 404, "not_found_error", "No Thread was found.", {})
        directions = Directions.of(json.dumps(asked, ensure_ascii=False).encode())
        message = _message(asked, directions)
        if asked.get("thread"):
            answer_turn = {"role": "assistant", "content": message["content"]}
            turns = [*asked["messages"], answer_turn]
            self._threads[message["id"]] = asked | {"messages": turns}
        if not asked.get("stream"):
            return answer_json(request, message, headers=_headers())
        overloaded = {"details": None, "type": "overloaded_error", "message": "Overloaded"}
        return await play(
            request,
            _events(message),
            directions,
            headers=_headers()
            | {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"},
            error=sse({"type": "error", "error": overloaded}, "error"),
        )

    def _continued(self, asked: Json) -> Json | None:
        """The request as if it held its whole Thread; None if that is not known."""
        thread = asked.get("thread") or {}
        if thread.get("type") != "continue":
            return asked
        before = self._threads.get(thread["previous_message_id"])
        if before is None:
            return None
        return before | asked | {"messages": before["messages"] + asked["messages"]}

    async def _upload(self, request: web.Request) -> web.Response:
        upload = received(request, await request.read())
        filename, kind, content = upload.files["file"]
        kept = {
            "type": "file",
            "id": fresh_id("file_"),
            "size_bytes": len(content),
            "created_at": _now(),
            "filename": filename,
            "mime_type": kind,
            "downloadable": True,
            "expires_at": None,
        }
        self._files[str(kept["id"])] = (kept, content)
        return answer_json(request, kept, headers=_headers())

    def _found(self, request: web.Request) -> tuple[Json, bytes]:
        found = self._files.get(request.match_info["id"])
        if found is None:
            raise web.HTTPNotFound
        return found

    async def _file(self, request: web.Request) -> web.Response:
        return answer_json(request, self._found(request)[0], headers=_headers())

    async def _content(self, request: web.Request) -> web.Response:
        kept, content = self._found(request)
        return answer(request, content, kept["mime_type"], headers=_headers())

    async def _delete(self, request: web.Request) -> web.Response:
        kept, _ = self._found(request)
        del self._files[kept["id"]]
        return answer_json(request, {"type": "file_deleted", "id": kept["id"]}, headers=_headers())


def _headers() -> dict[str, str]:
    limits = {}
    for what, most in (("requests", 4000), ("tokens", 480000)):
        limits[f"anthropic-ratelimit-{what}-limit"] = str(most)
        limits[f"anthropic-ratelimit-{what}-remaining"] = str(fresh_number(0, most))
        limits[f"anthropic-ratelimit-{what}-reset"] = _now()
    return limits | {
        "request-id": fresh_id("req_011"),
        "anthropic-organization-id": "7d1c1e2a-0000-4000-8000-" + secrets.token_hex(6),
        "strict-transport-security": "max-age=31536000; includeSubDomains; preload",
        "x-envoy-upstream-service-time": str(fresh_number(100, 2000)),
        "set-cookie": f"_cfuvid={secrets.token_urlsafe(30)}; HttpOnly; Secure; Path=/",
        "cf-cache-status": "DYNAMIC",
        "cf-ray": f"{secrets.token_hex(8)}-AMS",
        "via": "1.1 google",
        "server": "cloudflare",
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _error(
    request: web.Request, status: int, error_type: str, message: str, extra: dict[str, str]
) -> web.Response:
    headers = _headers() | extra
    error = {"type": error_type, "message": message}
    body = {"type": "error", "error": error, "request_id": headers["request-id"]}
    return answer_json(request, body, status=status, headers=headers)


def _message(asked: Json, directions: Directions) -> Json:
    content = _content(asked, directions)
    calls = any(block["type"] == "tool_use" for block in content)
    stop = "tool_use" if calls else "refusal" if directions.refuse else "end_turn"
    return {
        "id": fresh_id("msg_01", 22),
        "type": "message",
        "role": "assistant",
        "model": asked["model"],
        "content": content,
        "stop_reason": stop,
        "stop_sequence": None,
        "stop_details": None,
        "usage": {
            "input_tokens": fresh_number(5, 900),
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
            "output_tokens": fresh_number(5, 900),
            "service_tier": "standard",
            "inference_geo": "global",
        },
    }


def _content(asked: Json, directions: Directions) -> list[Json]:
    blocks: list[Json] = []
    if (asked.get("thinking") or {}).get("type") in {"enabled", "adaptive"}:
        signature = base64.b64encode(secrets.token_bytes(180)).decode()
        blocks.append({"type": "thinking", "thinking": fresh_text(9), "signature": signature})
    tools = [tool for tool in asked.get("tools") or [] if "input_schema" in tool]
    played = sum(_calls_tools(turn) for turn in asked["messages"])
    if tools and played < directions.rounds:
        blocks.append({"type": "text", "text": fresh_text(5)})
        return blocks + [_tool_use(tool) for tool in (tools if not played else tools[:1])]
    schema = ((asked.get("output_config") or {}).get("format") or {}).get("schema")
    text = json.dumps(fresh_value(schema), ensure_ascii=False) if schema else fresh_text()
    return [*blocks, {"type": "text", "text": text}]


def _calls_tools(turn: Json) -> bool:
    if turn["role"] != "assistant" or isinstance(turn["content"], str):
        return False
    return any(block["type"] == "tool_use" for block in turn["content"])


def _tool_use(tool: Json) -> Json:
    made = fresh_value(tool["input_schema"])
    return {"type": "tool_use", "id": fresh_id("toolu_01", 22), "name": tool["name"], "input": made}


def _events(message: Json) -> Iterator[bytes]:
    usage = message["usage"]
    begun = message | {"content": [], "stop_reason": None, "usage": usage | {"output_tokens": 1}}
    yield _event({"type": "message_start", "message": begun})
    for index, block in enumerate(message["content"]):
        kind = "content_block"
        yield _event({"type": f"{kind}_start", "index": index, "content_block": _emptied(block)})
        if index == 0:
            yield _event({"type": "ping"})
        for delta in _deltas(block):
            yield _event({"type": f"{kind}_delta", "index": index, "delta": delta})
        yield _event({"type": f"{kind}_stop", "index": index})
    delta = {"stop_reason": message["stop_reason"], "stop_sequence": None, "stop_details": None}
    counted = {key: usage[key] for key in ("input_tokens", "output_tokens")}
    yield _event({"type": "message_delta", "delta": delta, "usage": counted})
    yield _event({"type": "message_stop"})


def _event(data: Json) -> bytes:
    return sse(data, data["type"])


def _emptied(block: Json) -> Json:
    empty: Json = {"text": "", "thinking": "", "signature": "", "input": {}}
    return {key: empty.get(key, value) for key, value in block.items()}


def _deltas(block: Json) -> Iterator[Json]:
    match block["type"]:
        case "thinking":
            for piece in pieces(block["thinking"]):
                yield {"type": "thinking_delta", "thinking": piece}
            yield {"type": "signature_delta", "signature": block["signature"]}
        case "tool_use":
            yield {"type": "input_json_delta", "partial_json": ""}
            for piece in pieces(json.dumps(block["input"], ensure_ascii=False)):
                yield {"type": "input_json_delta", "partial_json": piece}
        case _:
            for piece in pieces(block["text"]):
                yield {"type": "text_delta", "text": piece}


async def _count_tokens(request: web.Request) -> web.Response:
    await request.json()
    return answer_json(request, {"input_tokens": fresh_number(1, 5000)}, headers=_headers())


def _described(model: str) -> Json:
    return {
        "type": "model",
        "id": model,
        "display_name": _MODELS[model],
        "created_at": "2026-02-19T00:00:00Z",
        "lifecycle": "active",
        "line": model.split("-")[1],
        "max_input_tokens": 200_000 + fresh_number(0, 1000),
        "max_tokens": 64_000,
    }


async def _models(request: web.Request) -> web.Response:
    data = [_described(model) for model in _MODELS]
    page = {"data": data, "has_more": False, "first_id": data[0]["id"], "last_id": data[-1]["id"]}
    return answer_json(request, page, headers=_headers())


async def _model(request: web.Request) -> web.Response:
    if request.match_info["id"] not in _MODELS:
        raise web.HTTPNotFound
    return answer_json(request, _described(request.match_info["id"]), headers=_headers())
