"""Answers of our own: why there is no other, in the error shape that the client's SDK shows.

What a miss is explained by is `core.mismatch`'s to say; here it is put into an answer that no
SDK repeats its request for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

import orjson

from llmreplay.core.journal import Entry, Outcome
from llmreplay.core.plan import Plan, Step, reason_phrase
from llmreplay.core.routing import DEFAULT_SESSION, valid_name
from llmreplay.dialects.plain import PLAIN
from llmreplay.session.calls import Call, HasSize, Ready, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmreplay.core.dialect import Dialect, Json
    from llmreplay.core.matching import Miss

__all__ = ["Refusals", "mistake_in", "nowhere_to_go", "unknown_call"]

CONTROL_PREFIX = "/_llmreplay/"
MISS_PHRASE = "No Recording"

_LONGEST = 200
"""Characters of a target that a message repeats."""

P = TypeVar("P", bound=HasSize)


class Refusals(Generic[P]):
    """Refusals as answers. `prepare` makes of a plan what the proxy writes."""

    def __init__(self, prepare: Callable[[Plan], P]) -> None:
        self._prepare = prepare

    def missed(
        self, facts: Entry, miss: Miss, status: int, message: str, dialect: Dialect
    ) -> Ready[P]:
        """The answer to a request without a recording; `message` explains it."""
        body = dialect.error_body(status, message, "no_recording")
        why = ("x-llmreplay-miss", miss.reason.value.replace(" ", "-"))
        told = facts._replace(outcome=Outcome.MISS, status=status, detail=message)
        return Ready(self._prepare(_spoken(status, MISS_PHRASE, body, why)), told._replace)

    def refused(
        self, facts: Entry, status: int, message: str, dialect: Dialect = PLAIN
    ) -> Ready[P]:
        """The answer to a request that cannot be answered; `message` says what to do."""
        body = dialect.error_body(status, message, "llmreplay")
        told = facts._replace(status=status, detail=message)
        return Ready(self._prepare(_spoken(status, reason_phrase(status), body)), told._replace)


def mistake_in(call: Call) -> tuple[int, str] | None:
    """The status and the message for a call that means nothing here; None for any other."""
    prefix, target = call.reading
    name = prefix if prefix is not None else call.session
    if name is not None and not valid_name(name):
        _, told = shown(call, target, name)
        return 400, (
            f"llmreplay: {told[:80]!r} cannot name a session: use letters, digits, '.', '_' "
            "and '-', up to 128, with no dot first"
        )
    if target.startswith(CONTROL_PREFIX) and not call.origin:
        return 404, f"llmreplay: nothing is at {shown(call, target)[0][:_LONGEST]}"
    return None


def unknown_call(call: Call) -> Entry:
    """What the journal says of a call that nothing is known of but its first line."""
    target, _ = shown(call, call.target)
    return Entry(DEFAULT_SESSION, Outcome.REFUSED, call.method, target, 0)


def nowhere_to_go(target: str) -> str:
    """The message for a bare path while no upstream is set for it."""
    return (
        f"llmreplay: no upstream for {target[:_LONGEST]}: begin the path with a provider's name "
        "(/openai/v1/…, /anthropic/v1/…), or say where the bare path goes with --upstream URL"
    )


def _spoken(status: int, reason: str, body: Json, *more: tuple[str, str]) -> Plan:
    """An answer of our own. SDKs are told that asking again is of no use."""
    headers = (("content-type", "application/json"), ("x-should-retry", "false"), *more)
    return Plan(status, reason, headers, (Step(0, orjson.dumps(body)),))
