"""The fake Mistral: chat completions, their stream, errors.

Shapes after Mistral's public API reference: OpenAI's chat, with ids and errors of its own.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from aiohttp import web

from tests.fakes.provider_fresh import fresh_number, fresh_text, pieces
from tests.fakes.provider_wire import Directions, answer_json, play, sse

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["FakeMistral"]

Json = dict[str, Any]

# kind → status, type, code, message
FAILURES: dict[str, tuple[int, str, str, str]] = {
    "bad_request": (400, "invalid_request_error", "3051", "Temperature is too high."),
    "auth": (401, "unauthorized", "1001", "Unauthorized"),
    "not_found": (404, "invalid_model", "1500", "Invalid model: mistral-none"),
}


class FakeMistral:
    """Mistral, as far as chats of text go."""

    name = "mistral"

    def routes(self) -> list[web.RouteDef]:
        """What it answers."""
        return [web.post("/v1/chat/completions", _chat)]

    def failure(self, request: web.Request, kind: str) -> web.Response:
        """An answer with the error that `kind` names."""
        status, error_type, code, message = FAILURES[kind]
        body = {
            "object": "error",
            "message": message,
            "type": error_type,
            "param": None,
            "code": code,
        }
        return answer_json(request, body, status=status, headers=_headers())

    def refusal(self, request: web.Request) -> web.Response | None:
        """401 for a request without a bearer token."""
        allowed = request.headers.get("authorization", "").startswith("Bearer ")
        return None if allowed else self.failure(request, "auth")


def _headers() -> dict[str, str]:
    return {
        "mistral-correlation-id": str(uuid4()),
        "x-ratelimit-remaining-req-minute": str(fresh_number(0, 99)),
        "x-envoy-upstream-service-time": str(fresh_number(20, 900)),
        "server": "cloudflare",
        "via": "1.1 kong",
    }


async def _chat(request: web.Request) -> web.StreamResponse:
    raw = await request.read()
    asked: Json = json.loads(raw)
    head = {"id": uuid4().hex, "created": int(time.time()), "model": asked["model"]}
    if asked.get("stream"):
        return await play(
            request,
            _events(head | {"object": "chat.completion.chunk"}),
            Directions.of(raw),
            headers=_headers() | {"content-type": "text/event-stream; charset=utf-8"},
        )
    message = {"role": "assistant", "tool_calls": None, "content": fresh_text()}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    body = head | {"object": "chat.completion", "choices": [choice], "usage": _usage()}
    return answer_json(request, body, headers=_headers())


def _usage() -> Json:
    read, written = fresh_number(5, 500), fresh_number(5, 500)
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


def _events(head: Json) -> Iterator[bytes]:
    yield _event(head, {"role": "assistant", "content": ""})
    for piece in pieces(fresh_text()):
        yield _event(head, {"content": piece})
    last = {"index": 0, "delta": {"content": ""}, "finish_reason": "stop"}
    yield sse(head | {"choices": [last], "usage": _usage()})
    yield sse("[DONE]")


def _event(head: Json, delta: Json) -> bytes:
    return sse(head | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
