"""How the providers fail that have no dialect of their own: Google, AWS Bedrock, Ollama, Cohere.

They are told by the path; whoever is none of them fails as Google does, whose shape many share.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import orjson

from llmreplay.core.failure import (
    STATUSES,
    Allowance,
    Failure,
    Failures,
    Problem,
    StreamError,
    Trouble,
    gateway_page,
    seconds_shown,
)
from llmreplay.core.streams import Framing

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmreplay.core.dialect import Json
    from llmreplay.core.exchange import Headers
    from llmreplay.core.streams import Event

__all__ = ["FAILURES"]

_USUAL_WAIT_MS = 1_000.0
_USUAL_LIMIT = 10
_JSON = ("content-type", "application/json")

_MESSAGES: Final[dict[Problem, str]] = {
    Problem.RATE_LIMIT: "Rate limit exceeded. Please wait and try again.",
    Problem.QUOTA: "You exceeded your current quota, please check your plan and billing details.",
    Problem.OVERLOADED: "The model is overloaded. Please try again later.",
    Problem.SERVER_ERROR: "An internal error has occurred. Please retry.",
    Problem.BAD_GATEWAY: "Bad Gateway",
    Problem.UNAVAILABLE: "The service is currently unavailable.",
    Problem.GATEWAY_TIMEOUT: "The request timed out. Please try again.",
    Problem.AUTH: "Request had invalid authentication credentials.",
    Problem.FORBIDDEN: "The caller does not have permission",
    Problem.NOT_FOUND: "model '{model}' not found",
    Problem.BAD_REQUEST: "Request contains an invalid argument.",
    Problem.CONTEXT_LENGTH: "The input token count exceeds the maximum number of tokens allowed "
    "(1048576).",
    Problem.CONTENT_FILTER: "The prompt could not be submitted. It contains words that violate "
    "the usage policy.",
}
_BAD_GATEWAY = gateway_page(502, "Bad Gateway", "nginx")


def _answer(trouble: Trouble) -> Failure:
    for path, fails in _BY_PATH:
        if path.search(trouble.path):
            return fails(trouble)
    return _google(trouble)


def _in_stream(trouble: Trouble, framing: Framing, _last: Event | None) -> tuple[StreamError, ...]:
    if framing is Framing.EVENT_STREAM:
        name, _, message = _AWS[trouble.problem]
        body = {"message": trouble.message or message}
        return (StreamError(orjson.dumps(body), name[0].lower() + name[1:]),)
    if framing is Framing.NDJSON:
        return (StreamError(orjson.dumps({"error": _message(trouble)})),)
    if _COHERE_CHAT.search(trouble.path):
        return (_cohere_end(trouble),)
    return (StreamError(orjson.dumps(_google_body(trouble))),)


def _message(trouble: Trouble) -> str:
    said = _MESSAGES[trouble.problem].replace("{model}", trouble.model or "unknown")
    return trouble.message or said


def _wait_ms(trouble: Trouble) -> float:
    return _USUAL_WAIT_MS if trouble.wait_ms is None else trouble.wait_ms


def _hint(trouble: Trouble) -> Headers:
    """Where waiting was asked for, or is what the status says."""
    limited = trouble.problem is Problem.RATE_LIMIT
    return _wait(_wait_ms(trouble)) if limited or trouble.wait_ms is not None else ()


def _wait(wait_ms: float) -> Headers:
    return (("retry-after", seconds_shown(wait_ms)),)


# Google: the hint to wait is in the body

_GOOGLE: Final[dict[Problem, str]] = {
    Problem.RATE_LIMIT: "RESOURCE_EXHAUSTED",
    Problem.QUOTA: "RESOURCE_EXHAUSTED",
    Problem.OVERLOADED: "UNAVAILABLE",
    Problem.SERVER_ERROR: "INTERNAL",
    Problem.BAD_GATEWAY: "UNAVAILABLE",
    Problem.UNAVAILABLE: "UNAVAILABLE",
    Problem.GATEWAY_TIMEOUT: "DEADLINE_EXCEEDED",
    Problem.AUTH: "UNAUTHENTICATED",
    Problem.FORBIDDEN: "PERMISSION_DENIED",
    Problem.NOT_FOUND: "NOT_FOUND",
    Problem.BAD_REQUEST: "INVALID_ARGUMENT",
    Problem.CONTEXT_LENGTH: "INVALID_ARGUMENT",
    Problem.CONTENT_FILTER: "INVALID_ARGUMENT",
}


def _google(trouble: Trouble) -> Failure:
    if trouble.problem is Problem.BAD_GATEWAY and trouble.message is None:
        return Failure(502, (("content-type", "text/html"),), _BAD_GATEWAY)
    given = () if trouble.wait_ms is None or trouble.allowances else _wait(trouble.wait_ms)
    content_type = ("content-type", "application/json; charset=UTF-8")
    body = orjson.dumps(_google_body(trouble))
    return Failure(STATUSES[trouble.problem], (content_type, *given), body)


def _google_body(trouble: Trouble) -> Json:
    error: dict[str, Json] = {
        "code": STATUSES[trouble.problem],
        "message": _message(trouble),
        "status": _GOOGLE[trouble.problem],
    }
    if trouble.problem is Problem.RATE_LIMIT:
        error["details"] = _google_details(trouble)
    return {"error": error}


def _google_details(trouble: Trouble) -> list[Json]:
    left = next((one for one in trouble.allowances if not one.remaining), None)
    left = left or Allowance("requests", _USUAL_LIMIT, 0, _wait_ms(trouble))
    metric = "requests" if left.what == "requests" else "input_token_count"
    violation = {
        "quotaMetric": "generativelanguage.googleapis.com/generate_content_free_tier_" + metric,
        "quotaId": f"Generate{left.what.capitalize()}PerMinutePerProjectPerModel-FreeTier",
        "quotaDimensions": {"location": "global", "model": trouble.model or "unknown"},
        "quotaValue": str(left.limit),
    }
    kind = "type.googleapis.com/google.rpc."
    link = "https://ai.google.dev/gemini-api/docs/rate-limits"
    delay = f"{left.reset_ms / 1000:.9f}".rstrip("0").rstrip(".") + "s"
    return [
        {"@type": f"{kind}QuotaFailure", "violations": [violation]},
        {
            "@type": f"{kind}Help",
            "links": [{"description": "Learn more about Gemini API quotas", "url": link}],
        },
        {"@type": f"{kind}RetryInfo", "retryDelay": delay},
    ]


# AWS Bedrock: exception, status, message

_AWS_BUSY = "Too many requests, please wait before trying again."
_AWS: Final[dict[Problem, tuple[str, int, str]]] = {
    Problem.RATE_LIMIT: ("ThrottlingException", 429, _AWS_BUSY),
    Problem.QUOTA: (
        "ServiceQuotaExceededException",
        400,
        "Your request exceeds the service quota for your account.",
    ),
    Problem.OVERLOADED: (
        "ServiceUnavailableException",
        503,
        "Bedrock is unable to process your request.",
    ),
    Problem.SERVER_ERROR: (
        "InternalServerException",
        500,
        "The system encountered an unexpected error during processing. Try your request again.",
    ),
    Problem.BAD_GATEWAY: ("ServiceUnavailableException", 503, "The service is unavailable."),
    Problem.UNAVAILABLE: ("ServiceUnavailableException", 503, "The service is unavailable."),
    Problem.GATEWAY_TIMEOUT: (
        "ModelTimeoutException",
        408,
        "Model has timed out in processing the request. Try your request again.",
    ),
    Problem.AUTH: (
        "UnrecognizedClientException",
        403,
        "The security token included in the request is invalid.",
    ),
    Problem.FORBIDDEN: (
        "AccessDeniedException",
        403,
        "You don't have access to the model with the specified model ID.",
    ),
    Problem.NOT_FOUND: (
        "ResourceNotFoundException",
        404,
        "Could not resolve the foundation model from the provided model identifier.",
    ),
    Problem.BAD_REQUEST: (
        "ValidationException",
        400,
        "Malformed input request, please reformat your input and try again.",
    ),
    Problem.CONTEXT_LENGTH: ("ValidationException", 400, "Input is too long for requested model."),
    Problem.CONTENT_FILTER: (
        "ValidationException",
        400,
        "Output blocked by content filtering policy",
    ),
}


def _bedrock(trouble: Trouble) -> Failure:
    name, status, message = _AWS[trouble.problem]
    place = "http://internal.amazon.com/coral/com.amazon.bedrock/"
    headers = (
        _JSON,
        ("x-amzn-RequestId", trouble.uuid),
        ("x-amzn-ErrorType", f"{name}:{place}"),
        *(() if trouble.wait_ms is None else _wait(trouble.wait_ms)),
    )
    return Failure(status, headers, orjson.dumps({"message": trouble.message or message}))


# Ollama and Cohere


def _ollama(trouble: Trouble) -> Failure:
    body = orjson.dumps({"error": _message(trouble)})
    headers = (("content-type", "application/json; charset=utf-8"), *_hint(trouble))
    return Failure(STATUSES[trouble.problem], headers, body)


def _cohere(trouble: Trouble) -> Failure:
    body = orjson.dumps({"id": trouble.uuid, "message": _message(trouble)})
    return Failure(STATUSES[trouble.problem], (_JSON, *_hint(trouble)), body)


def _cohere_end(trouble: Trouble) -> StreamError:
    """Its streams end with the error where others say how much was used."""
    delta = {"error": _message(trouble), "finish_reason": "ERROR", "usage": None}
    return StreamError(orjson.dumps({"type": "message-end", "delta": delta}), "message-end")


_COHERE_CHAT: Final = re.compile(r"/v2/chat/?$")
_BY_PATH: Final[tuple[tuple[re.Pattern[str], Callable[[Trouble], Failure]], ...]] = (
    (re.compile(r"/model/[^/]+/(?:converse|invoke)"), _bedrock),
    (re.compile(r"/api/(?:chat|generate|embed|embeddings|show|pull|tags)/?$"), _ollama),
    (re.compile(r"/v[12]/(?:chat|embed|rerank|classify)/?$"), _cohere),
)

FAILURES: Final = Failures(_answer, _in_stream, _wait)
