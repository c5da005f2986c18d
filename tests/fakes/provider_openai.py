"""The fake OpenAI: its routes, its credentials, its failures."""

from __future__ import annotations

from aiohttp import web

from tests.fakes import provider_openai_wire as wire
from tests.fakes.provider_fresh import fresh_number
from tests.fakes.provider_openai_chat import chat_completions
from tests.fakes.provider_openai_media import Files, media_routes
from tests.fakes.provider_openai_responses import Responses
from tests.fakes.provider_wire import answer_json

__all__ = ["FakeOpenAI"]

_MODELS = ("gpt-4o-mini", "gpt-5.6", "text-embedding-3-small", "tts-1", "whisper-1")


class FakeOpenAI:
    """OpenAI, as far as its SDKs' main resources go."""

    name = "openai"

    def __init__(self) -> None:
        self._responses = Responses()
        self._files = Files()

    def routes(self) -> list[web.RouteDef]:
        """What it answers."""
        return [
            web.post("/v1/chat/completions", chat_completions),
            web.get("/v1/models", _models),
            web.get("/v1/models/{id}", _model),
            *media_routes(),
            *self._responses.routes(),
            *self._files.routes(),
        ]

    def failure(self, request: web.Request, kind: str) -> web.Response:
        """An answer with the error that `kind` names."""
        return wire.failure_answer(request, kind)

    def refusal(self, request: web.Request) -> web.Response | None:
        """401 for a request without a bearer token, or with one that says it is wrong."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme == "Bearer" and token and "wrong" not in token:
            return None
        # The real one echoes the key it was given, masked like this.
        masked = f"{token[:8]}{'*' * 8}{token[-4:]}"
        message = f"Incorrect API key provided: {masked}. You can find your API key on the site."
        body = wire.error(message, "invalid_request_error", "invalid_api_key")
        return answer_json(request, body, status=401, headers=wire.headers(), indent=4)


def _described(model: str) -> dict[str, str | int]:
    created = 1_721_172_741 + fresh_number(0, 1000)
    return {"id": model, "object": "model", "created": created, "owned_by": "system"}


async def _models(request: web.Request) -> web.Response:
    data = [_described(model) for model in _MODELS]
    return wire.json_answer(request, {"object": "list", "data": data})


async def _model(request: web.Request) -> web.Response:
    if request.match_info["id"] not in _MODELS:
        raise web.HTTPNotFound
    return wire.json_answer(request, _described(request.match_info["id"]))
