"""How Mistral fails, which speaks OpenAI's dialect when all goes well: in one flat object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from llmreplay.core.failure import Failure, Problem, Trouble, seconds_shown

if TYPE_CHECKING:
    from llmreplay.core.dialect import Json
    from llmreplay.core.exchange import Headers

__all__ = ["MISTRAL", "mistral_failure"]

MISTRAL: Final = "mistral"
"""The name of its upstream."""

_USUAL_WAIT_MS = 1_000.0

# status, type, code, message
_TOLD: Final[dict[Problem, tuple[int, str, str | None, str]]] = {
    Problem.RATE_LIMIT: (429, "rate_limited", "1300", "Rate limit exceeded"),
    Problem.QUOTA: (429, "rate_limited", "1300", "Requests exceeded the quota of your plan"),
    Problem.OVERLOADED: (
        429,
        "service_tier_capacity_exceeded",
        "3505",
        "Service tier capacity exceeded for this model.",
    ),
    Problem.SERVER_ERROR: (500, "internal_server_error", "3000", "Internal server error"),
    Problem.BAD_GATEWAY: (502, "bad_gateway", None, "Bad Gateway"),
    Problem.UNAVAILABLE: (503, "internal_server_error", "3000", "Service unavailable."),
    Problem.GATEWAY_TIMEOUT: (504, "gateway_timeout", None, "Gateway Timeout"),
    Problem.AUTH: (401, "unauthorized", None, "Unauthorized"),
    Problem.FORBIDDEN: (403, "forbidden", None, "Forbidden"),
    Problem.NOT_FOUND: (404, "invalid_model", "1500", "Invalid model: {model}"),
    Problem.BAD_REQUEST: (400, "invalid_request_error", "3051", "Invalid request"),
    Problem.CONTEXT_LENGTH: (
        400,
        "context_length_exceeded",
        "3051",
        "Prompt contains 150000 tokens, too large for model with 131072 maximum context length",
    ),
    Problem.CONTENT_FILTER: (400, "invalid_request_error", "3051", "The content was filtered"),
}


def mistral_failure(trouble: Trouble) -> Failure:
    """The whole answer."""
    status, kind, code, message = _TOLD[trouble.problem]
    message = trouble.message or message.replace("{model}", trouble.model or "unknown")
    body: dict[str, Json] = {
        "object": "error",
        "message": message,
        "type": kind,
        "param": None,
        "code": code,
        "raw_status_code": status,
    }
    headers = (
        ("content-type", "application/json"),
        ("mistral-correlation-id", trouble.uuid),
        *_waiting(trouble),
    )
    return Failure(status, headers, orjson.dumps(body))


def _waiting(trouble: Trouble) -> Headers:
    limited = trouble.problem is Problem.RATE_LIMIT
    if not limited and trouble.wait_ms is None:
        return ()
    left = next((one for one in trouble.allowances if not one.remaining), None)
    told_ms = _USUAL_WAIT_MS if trouble.wait_ms is None else trouble.wait_ms
    wait_ms = left.reset_ms if left else told_ms
    hint = (("retry-after", seconds_shown(wait_ms)),)
    return (*hint, ("x-ratelimit-remaining-req-minute", "0")) if limited else hint
