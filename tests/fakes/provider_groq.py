"""The fake Groq: the fake OpenAI's chat under the path where Groq has it."""

from __future__ import annotations

from aiohttp import web

from tests.fakes.provider_openai_chat import chat_completions
from tests.fakes.provider_openai_wire import failure_answer

__all__ = ["FakeGroq"]


class FakeGroq:
    """Groq, as far as chats of text go."""

    name = "groq"

    def routes(self) -> list[web.RouteDef]:
        """What it answers."""
        return [web.post("/openai/v1/chat/completions", chat_completions)]

    def failure(self, request: web.Request, kind: str) -> web.Response:
        """An answer with the error that `kind` names."""
        return failure_answer(request, kind)

    def refusal(self, request: web.Request) -> web.Response | None:
        """401 for a request without a bearer token."""
        allowed = request.headers.get("authorization", "").startswith("Bearer ")
        return None if allowed else failure_answer(request, "auth")
