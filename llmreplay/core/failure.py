"""How a provider fails: the words for it, what is asked of a dialect, and what it gives.

The same words in every dialect; status, headers and body are the provider's own, and so are its
ways to say how long to wait and how much of a budget is left. Faults ask, dialects answer; no
request that goes well comes by here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmreplay.core.exchange import Headers
    from llmreplay.core.streams import Event, Framing

__all__ = [
    "STATUSES",
    "Allowance",
    "Failure",
    "Failures",
    "Problem",
    "StreamError",
    "Trouble",
    "gateway_page",
    "seconds_shown",
]


class Problem(StrEnum):
    """What can be wrong at the provider's. Each is a preset."""

    RATE_LIMIT = "rate_limit"
    QUOTA = "quota"
    OVERLOADED = "overloaded"
    SERVER_ERROR = "server_error"
    BAD_GATEWAY = "bad_gateway"
    UNAVAILABLE = "unavailable"
    GATEWAY_TIMEOUT = "gateway_timeout"
    AUTH = "auth"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    BAD_REQUEST = "bad_request"
    CONTEXT_LENGTH = "context_length"
    CONTENT_FILTER = "content_filter"


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of a budget: of `requests` or of `tokens`, until it is whole again."""

    what: str
    limit: int
    remaining: int
    reset_ms: float


@dataclass(frozen=True, slots=True)
class Trouble:
    """What a dialect is asked to put into its provider's words.

    `identity` has 32 hex digits, to make request ids of. `wait_ms` is the hint to wait, None for
    what the provider would send by itself; `message` replaces the provider's own. `epoch_s` is
    the time of day, for providers that tell it; `upstream` the name of who was asked.
    """

    problem: Problem
    path: str = ""
    model: str | None = None
    identity: str = "0" * 32
    wait_ms: float | None = None
    message: str | None = None
    allowances: tuple[Allowance, ...] = ()
    epoch_s: float = 0.0
    upstream: str | None = None

    @property
    def uuid(self) -> str:
        """Its identity, as a UUID is written."""
        return str(UUID(self.identity))


@dataclass(frozen=True, slots=True)
class Failure:
    """A whole answer that tells of a failure."""

    status: int
    headers: Headers
    body: bytes


@dataclass(frozen=True, slots=True)
class StreamError:
    """An event that tells of a failure in a stream that began well.

    `name` is its type where the framing has one: SSE `event:`, AWS `:exception-type`.
    """

    data: bytes
    name: str = ""


def _answer(trouble: Trouble) -> Failure:
    status = STATUSES[trouble.problem]
    message = trouble.message or HTTPStatus(status).phrase
    return Failure(status, (("content-type", "application/json"),), _body(trouble, message))


def _in_stream(trouble: Trouble, _framing: Framing, _last: Event | None) -> tuple[StreamError, ...]:
    return (StreamError(_body(trouble, trouble.message or trouble.problem)),)


def _body(trouble: Trouble, message: str) -> bytes:
    told: dict[str, Any] = {"code": trouble.problem.value, "message": message}
    return orjson.dumps({"error": told})


@dataclass(frozen=True, slots=True)
class Failures:
    """How one dialect's provider fails. What is not given is said in no provider's words."""

    answer: Callable[[Trouble], Failure] = _answer
    """An answer with this problem, whole: status, headers with a request id, body."""
    in_stream: Callable[[Trouble, Framing, Event | None], tuple[StreamError, ...]] = _in_stream
    """(trouble, framing, last event sent) → the events that tell of it in a stream."""
    wait: Callable[[float], Headers] = lambda wait_ms: (("retry-after", seconds_shown(wait_ms)),)
    """A hint to wait so many milliseconds, in every header that the provider has for it."""
    allowance: Callable[[tuple[Allowance, ...], float], Headers] = lambda _left, _epoch_s: ()
    """(what is left, seconds since 1970) → the headers in which the provider tells it."""


def seconds_shown(wait_ms: float) -> str:
    """Milliseconds as whole seconds, upwards: no client comes back too early."""
    return str(-int(-wait_ms // 1000))


def gateway_page(status: int, phrase: str, server: str) -> bytes:
    """The page that a gateway in front of a provider gives in the provider's place."""
    title = f"{status} {phrase}"
    return (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n"
        f"<center><h1>{title}</h1></center>\r\n<hr><center>{server}</center>\r\n"
        "</body>\r\n</html>\r\n"
    ).encode()


STATUSES = {
    Problem.RATE_LIMIT: 429,
    Problem.QUOTA: 429,
    Problem.OVERLOADED: 503,
    Problem.SERVER_ERROR: 500,
    Problem.BAD_GATEWAY: 502,
    Problem.UNAVAILABLE: 503,
    Problem.GATEWAY_TIMEOUT: 504,
    Problem.AUTH: 401,
    Problem.FORBIDDEN: 403,
    Problem.NOT_FOUND: 404,
    Problem.BAD_REQUEST: 400,
    Problem.CONTEXT_LENGTH: 400,
    Problem.CONTENT_FILTER: 400,
}
"""What most providers answer; one that differs has a status of its own for it."""
