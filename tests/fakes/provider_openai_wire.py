"""What all of the fake OpenAI's answers share: headers, error bodies, layout.

Shapes after OpenAI's public API reference. The headers are those that its API sends, edge and
cookies included: what must not be stored should be seen going by.
"""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any

from tests.fakes.provider_fresh import fresh_id, fresh_number
from tests.fakes.provider_wire import answer_json

if TYPE_CHECKING:
    from aiohttp import web

__all__ = ["FAILURES", "created_now", "error", "failure_answer", "headers", "json_answer"]

_INVALID = "invalid_request_error"

# kind → status, message, type, code
FAILURES: dict[str, tuple[int, str, str, str | None]] = {
    "bad_request": (400, "Invalid type for 'n': expected an integer.", _INVALID, "invalid_type"),
    "context_length": (
        400,
        "This model's maximum context length is 128000 tokens.",
        _INVALID,
        "context_length_exceeded",
    ),
    "auth": (401, "Incorrect API key provided: sk-pr***wxyz.", _INVALID, "invalid_api_key"),
    "forbidden": (403, "You are not allowed to sample from this model.", _INVALID, None),
    "not_found": (404, "The model `gpt-none` does not exist.", _INVALID, "model_not_found"),
    "conflict": (409, "The resource is being changed by another request.", _INVALID, None),
    "unprocessable": (422, "The file could not be processed.", _INVALID, None),
    "rate_limit": (
        429,
        "Rate limit reached for gpt-4o-mini on requests per min (RPM): Limit 3, Used 3.",
        "requests",
        "rate_limit_exceeded",
    ),
    "quota": (
        429,
        "You exceeded your current quota, please check your plan and billing details.",
        "insufficient_quota",
        "insufficient_quota",
    ),
    "server_error": (500, "The server had an error processing your request.", "server_error", None),
    "overloaded": (503, "The engine is currently overloaded.", "server_error", None),
}


def headers() -> dict[str, str]:
    """A response's headers, but for the content type."""
    return {
        "x-request-id": "req_" + secrets.token_hex(16),
        "openai-organization": "user-" + secrets.token_hex(12),
        "openai-project": fresh_id("proj_"),
        "openai-processing-ms": str(fresh_number(20, 900)),
        "openai-version": "2020-10-01",
        "x-ratelimit-limit-requests": "10000",
        "x-ratelimit-remaining-requests": str(fresh_number(1, 9999)),
        "x-ratelimit-reset-requests": f"{fresh_number(6, 90)}ms",
        "x-ratelimit-limit-tokens": "200000",
        "x-ratelimit-remaining-tokens": str(fresh_number(1, 199999)),
        "x-ratelimit-reset-tokens": "6m0s",
        "strict-transport-security": "max-age=31536000; includeSubDomains; preload",
        "x-content-type-options": "nosniff",
        "set-cookie": f"__cf_bm={secrets.token_urlsafe(40)}; path=/; HttpOnly; Secure",
        "cf-cache-status": "DYNAMIC",
        "cf-ray": f"{secrets.token_hex(8)}-AMS",
        "server": "cloudflare",
    }


def json_answer(request: web.Request, value: Any) -> web.Response:  # noqa: ANN401  # any JSON value
    """An answer as OpenAI lays it out: indented by two spaces."""
    return answer_json(request, value, headers=headers(), indent=2)


def error(message: str, kind: str, code: str | None, param: str | None = None) -> dict[str, Any]:
    """An error body."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def failure_answer(request: web.Request, kind: str) -> web.Response:
    """The answer for one of `FAILURES`; a rate limit comes with its hints to wait."""
    status, message, error_type, code = FAILURES[kind]
    extra = {"retry-after": "1", "retry-after-ms": "20"} if kind == "rate_limit" else {}
    body = error(message, error_type, code)
    return answer_json(request, body, status=status, headers=headers() | extra, indent=4)


def created_now() -> int:
    """The time in seconds, as in `created` fields."""
    return int(time.time())
