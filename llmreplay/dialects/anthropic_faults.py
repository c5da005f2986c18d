"""What faults know of Anthropic's wire: how it fails, and where in a stream a meaning stands."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import orjson

from llmreplay.core.failure import (
    Allowance,
    Failure,
    Failures,
    Problem,
    StreamError,
    Trouble,
    gateway_page,
    seconds_shown,
)
from llmreplay.dialects.reading import decoded, entries, fields, words

if TYPE_CHECKING:
    from llmreplay.core.dialect import Json
    from llmreplay.core.exchange import Headers
    from llmreplay.core.streams import Event, Framing

__all__ = ["FAILURES", "event_text", "has_usage", "tool_arguments"]

# Where a meaning stands


def event_text(event: Event) -> str:
    """What an event, or a whole message, says to the user."""
    value = _value(event)
    match words(value.get("type")):
        case "content_block_delta":
            return words(fields(value.get("delta")).get("text"))
        case "message":
            blocks = map(fields, entries(value.get("content")))
            return "".join(words(block.get("text")) for block in blocks)
        case _:
            return words(value.get("completion"))


def tool_arguments(event: Event) -> str:
    """The piece of a tool call's input in an event, or all of it in a whole message."""
    value = _value(event)
    if words(value.get("type")) == "message":
        blocks = map(fields, entries(value.get("content")))
        return "".join(_json(block["input"]) for block in blocks if block.get("input"))
    return words(fields(value.get("delta")).get("partial_json"))


def has_usage(event: Event) -> bool:
    """Whether this is the `message_delta` with the final count; `message_start` has the input's."""
    value = _value(event)
    return words(value.get("type")) == "message_delta" and bool(fields(value.get("usage")))


def _value(event: Event) -> dict[str, Json]:
    return fields(decoded(event.data)) if event.data else {}


def _json(value: Json) -> str:
    return orjson.dumps(value).decode()


# How it fails

_USUAL_WAIT_MS = 1_000.0
_USUAL_LIMIT = 50
_INVALID = "invalid_request_error"

# status, type, message
_TOLD: Final[dict[Problem, tuple[int, str, str]]] = {
    Problem.RATE_LIMIT: (
        429,
        "rate_limit_error",
        (
            "This request would exceed your organization's rate limit of {limit} {what} per "
            "minute. For details, refer to: https://docs.claude.com/en/api/rate-limits."
        ),
    ),
    Problem.QUOTA: (
        402,
        "billing_error",
        (
            "Your credit balance is too low to access the Anthropic API. Please go to Plans & "
            "Billing to upgrade or purchase credits."
        ),
    ),
    Problem.OVERLOADED: (529, "overloaded_error", "Overloaded"),
    Problem.SERVER_ERROR: (500, "api_error", "Internal server error"),
    Problem.BAD_GATEWAY: (502, "api_error", "Bad Gateway"),
    Problem.UNAVAILABLE: (503, "api_error", "Service Unavailable"),
    Problem.GATEWAY_TIMEOUT: (504, "timeout_error", "Request timed out"),
    Problem.AUTH: (401, "authentication_error", "invalid x-api-key"),
    Problem.FORBIDDEN: (403, "permission_error", "Request not allowed"),
    Problem.NOT_FOUND: (404, "not_found_error", "model: {model}"),
    Problem.BAD_REQUEST: (400, _INVALID, "messages: at least one message is required"),
    Problem.CONTEXT_LENGTH: (
        400,
        _INVALID,
        "prompt is too long: 208310 tokens > 200000 maximum",
    ),
    Problem.CONTENT_FILTER: (400, _INVALID, "Output blocked by content filtering policy"),
}
_BAD_GATEWAY = gateway_page(502, "Bad Gateway", "cloudflare")


def _answer(trouble: Trouble) -> Failure:
    status, _, _ = _TOLD[trouble.problem]
    if trouble.problem is Problem.BAD_GATEWAY and trouble.message is None:
        ray = (("server", "cloudflare"), ("cf-ray", f"{trouble.identity[:16]}-IAD"))
        headers = (("content-type", "text/html"), *ray, *_waiting(trouble))
        return Failure(status, headers, _BAD_GATEWAY)
    request_id = f"req_{trouble.identity[:24]}"
    told = {"type": "error", "error": _error(trouble), "request_id": request_id}
    headers = (
        ("content-type", "application/json"),
        ("request-id", request_id),
        *_waiting(trouble),
    )
    return Failure(status, headers, orjson.dumps(told))


def _error(trouble: Trouble) -> dict[str, Json]:
    _, kind, message = _TOLD[trouble.problem]
    left = _scarce(trouble)
    filled = message.format(limit=left.limit, what=left.what, model=trouble.model or "unknown")
    return {"type": kind, "message": trouble.message or filled}


def _waiting(trouble: Trouble) -> Headers:
    if trouble.problem is not Problem.RATE_LIMIT:
        return () if trouble.wait_ms is None else _wait(trouble.wait_ms)
    left = _scarce(trouble)
    return (
        *_wait(left.reset_ms),
        *_allowance(trouble.allowances or (left,), trouble.epoch_s),
    )


def _scarce(trouble: Trouble) -> Allowance:
    """The budget that is used up."""
    wait_ms = _USUAL_WAIT_MS if trouble.wait_ms is None else trouble.wait_ms
    usual = Allowance("requests", _USUAL_LIMIT, 0, wait_ms)
    return next((left for left in trouble.allowances if not left.remaining), usual)


def _wait(wait_ms: float) -> Headers:
    return (("retry-after", seconds_shown(wait_ms)),)


def _allowance(left: tuple[Allowance, ...], epoch_s: float) -> Headers:
    return tuple(
        (f"anthropic-ratelimit-{each.what}-{name}", value)
        for each in left
        for name, value in (
            ("limit", str(each.limit)),
            ("remaining", str(each.remaining)),
            ("reset", _moment(epoch_s + each.reset_ms / 1000)),
        )
    )


def _moment(epoch_s: float) -> str:
    """RFC 3339, to the second, upwards."""
    return f"{datetime.fromtimestamp(-(-epoch_s // 1), UTC):%Y-%m-%dT%H:%M:%SZ}"


def _in_stream(trouble: Trouble, _framing: Framing, _last: Event | None) -> tuple[StreamError, ...]:
    error = {"details": None, **_error(trouble)}
    return (StreamError(orjson.dumps({"type": "error", "error": error}), "error"),)


FAILURES: Final = Failures(_answer, _in_stream, _wait, _allowance)
