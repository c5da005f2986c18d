"""The fake Cohere: chat of its second API, its stream of named events, errors.

Shapes after Cohere's public API reference.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from aiohttp import web

from tests.fakes.provider_fresh import fresh_id, fresh_number, fresh_text, pieces
from tests.fakes.provider_wire import Directions, answer_json, play, sse

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["FakeCohere"]

Json = dict[str, Any]

# kind → status, message
FAILURES: dict[str, tuple[int, str]] = {
    "bad_request": (400, "invalid request: message must be at least 1 token long."),
    "auth": (401, "invalid api token"),
    "not_found": (404, "model 'command-none' not found"),
}


class FakeCohere:
    """Cohere, as far as chats of text go."""

    name = "cohere"

    def routes(self) -> list[web.RouteDef]:
        """What it answers."""
        return [web.post("/v2/chat", _chat)]

    def failure(self, request: web.Request, kind: str) -> web.Response:
        """An answer with the error that `kind` names."""
        status, message = FAILURES[kind]
        body = {"id": str(uuid4()), "message": message}
        return answer_json(request, body, status=status, headers=_headers())

    def refusal(self, request: web.Request) -> web.Response | None:
        """401 for a request without a bearer token."""
        allowed = request.headers.get("authorization", "").startswith("Bearer ")
        return None if allowed else self.failure(request, "auth")


def _headers() -> dict[str, str]:
    return {
        "x-debug-trace-id": fresh_id("", 32),
        "x-trial-endpoint-call-limit": "10",
        "x-trial-endpoint-call-remaining": str(fresh_number(0, 9)),
        "server": "envoy",
        "via": "1.1 google",
    }


async def _chat(request: web.Request) -> web.StreamResponse:
    raw = await request.read()
    asked: Json = json.loads(raw)
    if asked.get("stream"):
        return await play(
            request,
            _events(),
            Directions.of(raw),
            headers=_headers() | {"content-type": "text/event-stream"},
        )
    message = {"role": "assistant", "content": [{"type": "text", "text": fresh_text()}]}
    body = {"id": str(uuid4()), "message": message, "finish_reason": "COMPLETE", "usage": _usage()}
    return answer_json(request, body, headers=_headers())


def _usage() -> Json:
    read, written = fresh_number(5, 500), fresh_number(5, 500)
    return {
        "billed_units": {"input_tokens": read, "output_tokens": written},
        "tokens": {"input_tokens": read + 71, "output_tokens": written},
    }


def _events() -> Iterator[bytes]:
    yield _event("message-start", id=str(uuid4()), delta={"message": {"role": "assistant"}})
    yield _event("content-start", index=0, delta=_content(type="text", text=""))
    for piece in pieces(fresh_text()):
        yield _event("content-delta", index=0, delta=_content(text=piece))
    yield _event("content-end", index=0)
    yield _event("message-end", delta={"finish_reason": "COMPLETE", "usage": _usage()})


def _content(**fields: str) -> Json:
    return {"message": {"content": fields}}


def _event(name: str, **fields: Any) -> bytes:  # noqa: ANN401  # any JSON value
    return sse({"type": name, **fields}, name)
