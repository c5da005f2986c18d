"""The fake Gemini: `generateContent`, its stream over server-sent events, errors.

Shapes after Google's public API reference.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.fakes.provider_fresh import fresh_id, fresh_number, fresh_text, pieces
from tests.fakes.provider_wire import Directions, answer_json, play, sse

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["FakeGemini"]

Json = dict[str, Any]

# kind → code, status, message
FAILURES: dict[str, tuple[int, str, str]] = {
    "bad_request": (400, "INVALID_ARGUMENT", "Unable to submit request: temperature is too high."),
    "auth": (403, "PERMISSION_DENIED", "Method doesn't allow unregistered callers."),
    "not_found": (404, "NOT_FOUND", "models/gemini-none is not found for API version v1."),
}

_HEADERS = {
    "server": "scaffolding on HTTPServer2",
    "vary": "Origin",
    "x-xss-protection": "0",
    "alt-svc": 'h3=":443"; ma=2592000',
}


class FakeGemini:
    """Gemini, as far as answers and streams of text go."""

    name = "gemini"

    def routes(self) -> list[web.RouteDef]:
        """What it answers."""
        return [
            web.post("/{version}/models/{model}:generateContent", _generate),
            web.post("/{version}/models/{model}:streamGenerateContent", _stream),
        ]

    def failure(self, request: web.Request, kind: str) -> web.Response:
        """An answer with the error that `kind` names."""
        code, status, message = FAILURES[kind]
        error = {"code": code, "message": message, "status": status}
        return answer_json(request, {"error": error}, status=code, headers=_HEADERS, indent=2)

    def refusal(self, request: web.Request) -> web.Response | None:
        """403 for a request without a key."""
        key = request.headers.get("x-goog-api-key") or request.query.get("key")
        return None if key else self.failure(request, "auth")


async def _generate(request: web.Request) -> web.Response:
    asked: Json = json.loads(await request.read())
    value = _answer(request, asked, fresh_id("", 22), fresh_text(), "STOP")
    return answer_json(request, value, headers=_HEADERS, indent=2)


async def _stream(request: web.Request) -> web.StreamResponse:
    raw = await request.read()
    return await play(
        request,
        _events(request, json.loads(raw)),
        Directions.of(raw),
        headers=_HEADERS | {"content-type": "text/event-stream"},
    )


def _events(request: web.Request, asked: Json) -> Iterator[bytes]:
    name = fresh_id("", 22)
    texts = pieces(fresh_text())
    for number, text in enumerate(texts, start=1):
        finish = "STOP" if number == len(texts) else None
        # Google's servers end the lines of their events with CR LF.
        yield sse(_answer(request, asked, name, text, finish)).replace(b"\n\n", b"\r\n\r\n")


def _answer(request: web.Request, asked: Json, name: str, text: str, finish: str | None) -> Json:
    prompt, written = len(json.dumps(asked["contents"])) // 4, fresh_number(5, 500)
    candidate: Json = {"content": {"parts": [{"text": text}], "role": "model"}, "index": 0}
    return {
        "candidates": [candidate | ({"finishReason": finish} if finish else {})],
        "usageMetadata": {
            "promptTokenCount": prompt,
            "candidatesTokenCount": written,
            "totalTokenCount": prompt + written,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": prompt}],
        },
        "modelVersion": request.match_info["model"],
        "responseId": name,
    }
