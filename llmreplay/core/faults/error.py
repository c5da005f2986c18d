"""`error`: the provider's own error in place of an answer. Nobody is asked for one.

A preset is told by the dialect; what is written beside it wins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import orjson

from llmreplay.core.exchange import Headers, without_headers
from llmreplay.core.failure import Failure, Problem, Trouble
from llmreplay.core.faults.fault import Fault
from llmreplay.core.plan import Plan, Step, reason_phrase

if TYPE_CHECKING:
    from llmreplay.core.faults.fault import Firing

__all__ = ["Error", "trouble_of"]

_JSON = (("content-type", "application/json"),)
_TYPE = frozenset({"content-type"})
_BY_STATUS = {
    400: Problem.BAD_REQUEST,
    401: Problem.AUTH,
    403: Problem.FORBIDDEN,
    404: Problem.NOT_FOUND,
    429: Problem.RATE_LIMIT,
    500: Problem.SERVER_ERROR,
    502: Problem.BAD_GATEWAY,
    503: Problem.UNAVAILABLE,
    504: Problem.GATEWAY_TIMEOUT,
    529: Problem.OVERLOADED,
}


@dataclass(frozen=True, slots=True)
class Error(Fault):
    """A `problem` in the provider's words, or a `status`; the rest replaces parts of it."""

    problem: Problem | None = None
    status: int | None = None
    headers: Headers = ()
    body: bytes | None = None
    retry_after_ms: float | None = None
    message: str | None = None
    kind: ClassVar[str] = "error"
    is_answer: ClassVar[bool] = True

    def begin(self, firing: Firing) -> Plan:
        """See `Fault`."""
        told = self._told(firing)
        status = self.status or told.status
        body = told.body if self.body is None else self.body
        headers = told.headers if self.body is None else (*_typed(body), *_untyped(told.headers))
        hints = self._hints(firing)
        mine = frozenset(name.lower() for name, _ in (*self.headers, *hints))
        headers = (*without_headers(headers, mine), *hints, *self.headers)
        return Plan(status, reason_phrase(status), headers, (Step(0.0, body),))

    def _told(self, firing: Firing) -> Failure:
        problem = self.problem or _BY_STATUS.get(self.status or 0)
        dialect = firing.asked.dialect
        if problem is not None:
            return dialect.failures.answer(trouble_of(problem, firing, self))
        status = self.status or 500
        message = self.message or reason_phrase(status) or f"Status {status}"
        body = dialect.error_body(status, message, "injected")
        return Failure(status, _JSON, orjson.dumps(body))

    def _hints(self, firing: Firing) -> Headers:
        if self.retry_after_ms is None:
            return ()
        given = {name.lower() for name, _ in self.headers}
        hints = firing.asked.dialect.failures.wait(self.retry_after_ms)
        return tuple(pair for pair in hints if pair[0].lower() not in given)

    def __str__(self) -> str:
        what = self.problem.value if self.problem else f"status {self.status}"
        wait = "" if self.retry_after_ms is None else f", retry after {self.retry_after_ms:g}ms"
        return f"error {what}{wait}"


def trouble_of(problem: Problem, firing: Firing, error: Error | None = None) -> Trouble:
    """What the dialect is asked, for the request that a rule fired for."""
    asked = firing.asked
    return Trouble(
        problem,
        asked.path,
        asked.model or None,
        firing.key.hex(),
        error.retry_after_ms if error else None,
        error.message if error else None,
        epoch_s=firing.epoch_s,
        upstream=asked.upstream,
    )


def _typed(body: bytes) -> Headers:
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError:
        return (("content-type", "text/plain; charset=utf-8"),)
    return _JSON


def _untyped(headers: Headers) -> Headers:
    return without_headers(headers, _TYPE)
