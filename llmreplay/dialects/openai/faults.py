"""What faults know of OpenAI's wire: how it fails, and where in a stream a meaning stands.

Azure's deployments, told by their path, and Mistral fail in shapes of their own.
"""

from __future__ import annotations

import re
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
from llmreplay.dialects.openai.mistral_faults import MISTRAL, mistral_failure
from llmreplay.dialects.reading import decoded, entries, fields, number, words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmreplay.core.dialect import Json
    from llmreplay.core.exchange import Headers
    from llmreplay.core.streams import Event, Framing

__all__ = ["FAILURES", "event_text", "has_usage", "tool_arguments"]

# Where a meaning stands


def event_text(event: Event) -> str:
    """What an event, or a whole answer, says to the user."""
    value = fields(decoded(event.data)) if event.data else {}
    if words(value.get("type")) == "response.output_text.delta":
        return words(value.get("delta"))
    said = "".join(
        words(message.get("content")) or words(choice.get("text"))
        for choice, message in _choices(value)
    )
    return said or "".join(
        words(fields(part).get("text"))
        for item in _output(value)
        for part in entries(item.get("content"))
    )


def tool_arguments(event: Event) -> str:
    """The piece of a tool call's arguments in an event, or all of them in a whole answer."""
    value = fields(decoded(event.data)) if event.data else {}
    if _ARGUMENTS.fullmatch(words(value.get("type"))):
        return words(value.get("delta"))
    said = "".join(
        words(fields(call.get("function") or call.get("custom") or call).get(key))
        for _, message in _choices(value)
        for call in map(fields, (*entries(message.get("tool_calls")), message.get("function_call")))
        for key in ("arguments", "input")
    )
    return said or "".join(words(item.get("arguments")) for item in _output(value))


def has_usage(event: Event) -> bool:
    """Whether the final count of tokens is here: with the end, or with nothing said."""
    value = fields(decoded(event.data)) if event.data and b'"usage"' in event.data else {}
    if words(value.get("type")).startswith("response."):
        return bool(fields(fields(value.get("response")).get("usage")))
    choices = list(_choices(value))
    is_final = not event_text(event) and not tool_arguments(event)
    finished = any(words(choice.get("finish_reason")) for choice, _ in choices)
    return bool(fields(value.get("usage"))) and (is_final or finished)


_ARGUMENTS = re.compile(r"response\.(?:\w+_arguments|custom_tool_call_input)\.delta")


def _choices(value: dict[str, Json]) -> Iterator[tuple[dict[str, Json], dict[str, Json]]]:
    for choice in map(fields, entries(value.get("choices"))):
        yield choice, fields(choice.get("delta")) or fields(choice.get("message"))


def _output(value: dict[str, Json]) -> Iterator[dict[str, Json]]:
    """The items of a whole response; the one at a stream's end was told before."""
    return map(fields, entries(value.get("output")))


# How it fails

_USUAL_WAIT_MS = 1_000.0
_USUAL_LIMIT = 60
_HOUR_MS, _MINUTE_MS, _SECOND_MS = 3_600_000, 60_000, 1_000

_INVALID = "invalid_request_error"
_SERVER = "server_error"

# status, type, param, code, message
_TOLD: Final[dict[Problem, tuple[int, str, str | None, str | None, str]]] = {
    Problem.RATE_LIMIT: (
        429,
        "requests",
        None,
        "rate_limit_exceeded",
        (
            "Rate limit reached for {model} in organization org-llmreplay on {unit}: Limit "
            "{limit}, Used {limit}, Requested 1. Please try again in {wait}. Visit "
            "https://platform.openai.com/account/rate-limits to learn more."
        ),
    ),
    Problem.QUOTA: (
        429,
        "insufficient_quota",
        None,
        "insufficient_quota",
        (
            "You exceeded your current quota, please check your plan and billing details. For more "
            "information on this error, read the docs: "
            "https://platform.openai.com/docs/guides/error-codes/api-errors."
        ),
    ),
    Problem.OVERLOADED: (
        503,
        _SERVER,
        None,
        None,
        "The engine is currently overloaded, please try again later",
    ),
    Problem.SERVER_ERROR: (
        500,
        _SERVER,
        None,
        None,
        (
            "The server had an error while processing your request. Sorry about that! You can "
            "retry your request, or contact us through our help center at help.openai.com if the "
            "error persists. (Please include the request ID {request_id} in your message.)"
        ),
    ),
    Problem.BAD_GATEWAY: (502, _SERVER, None, None, "Bad Gateway"),
    Problem.UNAVAILABLE: (503, _SERVER, None, None, "Service Unavailable"),
    Problem.GATEWAY_TIMEOUT: (504, _SERVER, None, None, "Gateway Time-out"),
    Problem.AUTH: (
        401,
        _INVALID,
        None,
        "invalid_api_key",
        (
            "Incorrect API key provided: ********. You can find your API key at "
            "https://platform.openai.com/account/api-keys."
        ),
    ),
    Problem.FORBIDDEN: (
        403,
        "request_forbidden",
        None,
        "unsupported_country_region_territory",
        "Country, region, or territory not supported",
    ),
    Problem.NOT_FOUND: (
        404,
        _INVALID,
        None,
        "model_not_found",
        "The model `{model}` does not exist or you do not have access to it.",
    ),
    Problem.BAD_REQUEST: (
        400,
        _INVALID,
        None,
        None,
        (
            "We could not parse the JSON body of your request. (HINT: This likely means you aren't "
            "using your HTTP library correctly. The OpenAI API expects a JSON payload, but what "
            "was sent was not valid JSON.)"
        ),
    ),
    Problem.CONTEXT_LENGTH: (
        400,
        _INVALID,
        "{input}",
        "context_length_exceeded",
        (
            "This model's maximum context length is 128000 tokens. However, your messages resulted "
            "in 150000 tokens. Please reduce the length of the messages."
        ),
    ),
    Problem.CONTENT_FILTER: (
        400,
        _INVALID,
        None,
        "invalid_prompt",
        (
            "Invalid prompt: your prompt was flagged as potentially violating our usage policy. "
            "Please try again with a different prompt."
        ),
    ),
}
_AZURE_TOLD: Final[dict[Problem, tuple[str, str]]] = {
    Problem.RATE_LIMIT: (
        "429",
        (
            "Requests to the ChatCompletions_Create Operation under Azure OpenAI API have exceeded "
            "call rate limit of your current OpenAI S0 pricing tier. Please retry after {wait}."
        ),
    ),
    Problem.AUTH: (
        "401",
        (
            "Access denied due to invalid subscription key or wrong API endpoint. Make sure to "
            "provide a valid key for an active subscription and use a correct regional API "
            "endpoint for your resource."
        ),
    ),
    Problem.NOT_FOUND: (
        "DeploymentNotFound",
        (
            "The API deployment for this resource does not exist. If you created the deployment "
            "within the last 5 minutes, please wait a moment and try again."
        ),
    ),
}
_AZURE_FILTERED = (
    "The response was filtered due to the prompt triggering Azure OpenAI's content management "
    "policy. Please modify your prompt and retry."
)
_PAGES = {
    Problem.BAD_GATEWAY: gateway_page(502, "Bad Gateway", "cloudflare"),
    Problem.GATEWAY_TIMEOUT: gateway_page(504, "Gateway Time-out", "cloudflare"),
}


def _answer(trouble: Trouble) -> Failure:
    if trouble.upstream == MISTRAL:
        return mistral_failure(trouble)
    status = _TOLD[trouble.problem][0]
    page = _PAGES.get(trouble.problem) if trouble.message is None else None
    if page is not None:
        ray = (("server", "cloudflare"), ("cf-ray", f"{trouble.identity[:16]}-IAD"))
        headers = (("content-type", "text/html"), *ray, *_waiting(trouble))
        return Failure(status, headers, page)
    identity = (
        (("apim-request-id", trouble.uuid), ("x-ms-region", "East US"))
        if _is_azure(trouble)
        else (("x-request-id", _request_id(trouble)), ("openai-version", "2020-10-01"))
    )
    headers = (("content-type", "application/json"), *identity, *_waiting(trouble))
    return Failure(status, headers, orjson.dumps({"error": _error(trouble)}))


def _error(trouble: Trouble) -> dict[str, Json]:
    """The object under `error`."""
    _, kind, param, code, message = _TOLD[trouble.problem]
    if _is_azure(trouble) and trouble.problem is Problem.CONTENT_FILTER:
        return _azure_filtered(trouble.message or _AZURE_FILTERED)
    azure = _AZURE_TOLD.get(trouble.problem) if _is_azure(trouble) else None
    if azure is not None:
        return {"code": azure[0], "message": trouble.message or _filled(azure[1], trouble)}
    left = _scarce(trouble)
    if trouble.problem is Problem.RATE_LIMIT and left.what == "tokens":
        kind = "tokens"
    return {
        "message": trouble.message or _filled(message, trouble),
        "type": kind,
        "param": _filled(param, trouble) if param else None,
        "code": code,
    }


def _azure_filtered(message: str) -> dict[str, Json]:
    safe: Json = {"filtered": False, "severity": "safe"}
    found = {
        "hate": safe,
        "jailbreak": {"filtered": False, "detected": False},
        "self_harm": safe,
        "sexual": safe,
        "violence": {"filtered": True, "severity": "medium"},
    }
    inner = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": found}
    told = {"message": message, "type": None, "param": "prompt", "code": "content_filter"}
    return {**told, "status": 400, "innererror": inner}


def _filled(text: str, trouble: Trouble) -> str:
    left = _scarce(trouble)
    return text.format(
        model=trouble.model or "the model",
        limit=left.limit,
        unit="tokens per min (TPM)" if left.what == "tokens" else "requests per min (RPM)",
        wait=_duration(left.reset_ms),
        request_id=_request_id(trouble),
        input="input" if _is_response(trouble, None) else "messages",
    )


def _waiting(trouble: Trouble) -> Headers:
    """Hints to wait and what is left, where the provider tells them."""
    if trouble.problem is not Problem.RATE_LIMIT:
        return () if trouble.wait_ms is None else _wait(trouble.wait_ms)
    left = trouble.allowances or (_scarce(trouble),)
    hints = _wait(_scarce(trouble).reset_ms)
    if _is_azure(trouble):
        hints = (*hints, ("x-ms-retry-after-ms", hints[0][1]))
    return (*hints, *_allowance(left, trouble.epoch_s))


def _scarce(trouble: Trouble) -> Allowance:
    """The budget that is used up."""
    wait_ms = _USUAL_WAIT_MS if trouble.wait_ms is None else trouble.wait_ms
    usual = Allowance("requests", _USUAL_LIMIT, 0, wait_ms)
    return next((left for left in trouble.allowances if not left.remaining), usual)


def _wait(wait_ms: float) -> Headers:
    # 0 is ignored in the first.
    milliseconds = f"{max(1.0, wait_ms):.0f}"
    return (("retry-after-ms", milliseconds), ("retry-after", seconds_shown(wait_ms)))


def _allowance(left: tuple[Allowance, ...], _epoch_s: float) -> Headers:
    return tuple(
        (f"x-ratelimit-{name}-{each.what}", value)
        for each in left
        for name, value in (
            ("limit", str(each.limit)),
            ("remaining", str(each.remaining)),
            ("reset", _duration(each.reset_ms)),
        )
    )


def _duration(duration_ms: float) -> str:
    """As Go writes durations: `12ms`, `1.5s`, `6m0s`, `1h0m0s`."""
    if duration_ms < _SECOND_MS:
        return f"{duration_ms:.0f}ms"
    hours, rest_ms = divmod(duration_ms, _HOUR_MS)
    minutes, rest_ms = divmod(rest_ms, _MINUTE_MS)
    seconds = f"{rest_ms / _SECOND_MS:.3f}".rstrip("0").rstrip(".") + "s"
    if hours:
        return f"{hours:.0f}h{minutes:.0f}m{seconds}"
    return f"{minutes:.0f}m{seconds}" if minutes else seconds


def _in_stream(trouble: Trouble, _framing: Framing, last: Event | None) -> tuple[StreamError, ...]:
    """An error in a stream; one of the Responses API says it twice."""
    if trouble.upstream == MISTRAL:
        return (StreamError(mistral_failure(trouble).body),)
    error = _error(trouble)
    if not _is_response(trouble, last):
        return (StreamError(orjson.dumps({"error": error})),)
    before = number(fields(decoded(last.data or b"")).get("sequence_number")) if last else None
    sequence = 0 if before is None else before + 1
    code = error.get("code") or error.get("type")
    told = {"code": code, "message": error["message"]}
    # The API's reference has its fields side by side; what is really sent has them in an object.
    failed = {
        "id": f"resp_{trouble.identity}",
        "object": "response",
        "created_at": int(trouble.epoch_s),
        "status": "failed",
        "error": told,
        "incomplete_details": None,
        "model": trouble.model,
        "output": [],
        "usage": None,
    }
    events = (
        {"type": "error", "sequence_number": sequence, "error": error},
        {"type": "response.failed", "sequence_number": sequence + 1, "response": failed},
    )
    return tuple(StreamError(orjson.dumps(event), str(event["type"])) for event in events)


def _is_response(trouble: Trouble, last: Event | None) -> bool:
    return trouble.path.rstrip("/").endswith("/responses") or (
        last is not None and last.name.startswith("response.")
    )


def _is_azure(trouble: Trouble) -> bool:
    return "/deployments/" in trouble.path


def _request_id(trouble: Trouble) -> str:
    return f"req_{trouble.identity}"


FAILURES: Final = Failures(_answer, _in_stream, _wait, _allowance)
