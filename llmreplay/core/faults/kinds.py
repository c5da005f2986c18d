"""The kinds of faults, and the forms in which rules are written. One line a fault, one a field."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from llmreplay.core.failure import Problem
from llmreplay.core.faults import form
from llmreplay.core.faults.chance import SPREADS
from llmreplay.core.faults.connection import Connection, Trouble
from llmreplay.core.faults.corrupt import Corrupt, What
from llmreplay.core.faults.cut import Cut, How
from llmreplay.core.faults.delay import Delay
from llmreplay.core.faults.drop import Drop
from llmreplay.core.faults.duplicate import Duplicate
from llmreplay.core.faults.error import Error
from llmreplay.core.faults.error_event import ErrorEvent
from llmreplay.core.faults.form import Field, Form
from llmreplay.core.faults.limit import BY, Limit
from llmreplay.core.faults.pace import Pace
from llmreplay.core.faults.points import Ahead, Amount, Before, Inside, Place, Unit
from llmreplay.core.faults.reorder import Reorder
from llmreplay.core.faults.replace import Replace
from llmreplay.core.faults.rules import Match
from llmreplay.core.faults.throttle import Throttle
from llmreplay.core.faults.when import When
from llmreplay.core.streams import Framing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmreplay.core.faults.points import Point

__all__ = ["KINDS", "MATCH", "WHEN"]


def _cut(
    at: Amount | None = None,
    inside: Place | None = None,
    before: Ahead | None = None,
    how: How = How.CLOSE,
) -> Cut:
    return Cut(_point(at, inside, before), how)


def _point(at: Amount | None, inside: Place | None, before: Ahead | None) -> Point:
    in_event = inside is Place.EVENT and at is not None and at.unit is Unit.EVENTS
    if sum(one is not None for one in (at, inside, before)) - in_event != 1:
        raise ValueError("exactly one of at, inside and before says where")
    if inside is not None:
        return Inside(inside, int(at.count) if at is not None else 0)
    return Before(before) if before is not None else at or Amount(0)


def _delay(**given: Any) -> Delay:  # noqa: ANN401  # its fields
    if not given.get("before_ms") and not given.get("between_ms"):
        raise ValueError("before or between says how long")
    return Delay(**given)


def _pace(**given: Any) -> Pace:  # noqa: ANN401  # its fields
    if not given.get("ttft_ms") and "tps" not in given:
        raise ValueError("ttft or tps says how fast")
    return Pace(**given)


def _error(**given: Any) -> Error:  # noqa: ANN401  # its fields
    if "problem" not in given and "status" not in given:
        raise ValueError("preset or status says which error")
    if "message" in given and "body" in given:
        raise ValueError("message is part of a body that is not given")
    return Error(**given)


def _limit(per_ms: float = 60_000.0, **given: Any) -> Limit:  # noqa: ANN401  # its fields
    if "requests" not in given and "tokens" not in given:
        raise ValueError("requests or tokens says how many")
    if per_ms <= 0:
        raise ValueError("per must be longer than nothing")
    return Limit(per_ms / 1000, **given)


def _replace(**given: Any) -> Replace:  # noqa: ANN401  # its fields
    bodies = {key: given.pop(key) for key in _BODIES if key in given}
    if len(bodies) > 1:
        raise ValueError(f"only one of {', '.join(_BODIES)} is the body")
    for key, body in bodies.items():
        given |= {"body": body, "framing": _BODIES[key]}
    return Replace(**given)


_BODIES = {
    "json": Framing.NONE,
    "body": Framing.NONE,
    "sse": Framing.SSE,
    "ndjson": Framing.NDJSON,
}

_EVENTS = Field("events", form.COUNTS, "Their numbers, from 1; comments do not count.")
_AT = Field("at", form.AMOUNT, "After so much: 3 (events), 512B, 40%, 120c (characters of text).")
_PROBLEM = form.one_of(Problem)

KINDS: Mapping[str, Form] = MappingProxyType(
    {
        "error": Form(
            "The provider's own error in place of an answer.",
            (
                Field("preset", _PROBLEM, "Which error.", "problem"),
                Field("status", form.STATUS, "The status, instead of the preset's."),
                Field("headers", form.HEADERS, "More headers, or instead of the preset's."),
                Field("body", form.BODY, "The body: a text, or anything that is sent as JSON."),
                Field("message", form.TEXT, "The message in the provider's own body."),
                Field(
                    "retry_after",
                    form.DURATION,
                    "How long to wait, in every form that the provider has for it.",
                    "retry_after_ms",
                ),
            ),
            _error,
            short="preset",
        ),
        "delay": Form(
            "The answer begins later, or every event comes later.",
            (
                Field("before", form.DURATION, "Before the first byte.", "before_ms"),
                Field("between", form.DURATION, "Between two events.", "between_ms"),
                Field("jitter", form.DURATION, "By how much waits differ.", "jitter_ms"),
                Field("distribution", form.one_of(SPREADS), "How they differ."),
            ),
            _delay,
            short="before",
        ),
        "pace": Form(
            "A speed of its own, whatever was recorded.",
            (
                Field("ttft", form.DURATION, "Until the first event.", "ttft_ms"),
                Field("tps", form.NUMBER, "Events a second."),
                Field("jitter", form.DURATION, "By how much an event may differ.", "jitter_ms"),
            ),
            _pace,
        ),
        "cut": Form(
            "The answer ends at a point.",
            (
                _AT,
                Field("inside", form.one_of(Place), "In the middle of one; `at` says which event."),
                Field("before", form.one_of(Ahead), "Before what is known to come."),
                Field("how", form.one_of(How), "How it ends."),
            ),
            _cut,
            short="at",
        ),
        "error_event": Form(
            "An error in a stream that began well.",
            (
                Field("preset", _PROBLEM, "Which error.", "problem"),
                Field("after", form.COUNT, "After so many events."),
            ),
            ErrorEvent,
            short="preset",
            required=("preset",),
        ),
        "corrupt": Form(
            "Something is broken in one event, or around it.",
            (
                Field("what", form.one_of(What), "What is broken."),
                Field("at", form.AMOUNT, "The event at this point, as for cut.", "point"),
            ),
            Corrupt,
            short="what",
            required=("what",),
        ),
        "drop": Form(
            "Events that never come.", (_EVENTS,), Drop, short="events", required=("events",)
        ),
        "duplicate": Form(
            "Events that come twice.", (_EVENTS,), Duplicate, short="events", required=("events",)
        ),
        "reorder": Form(
            "Events that come in reverse; two change places.",
            (_EVENTS,),
            Reorder,
            short="events",
            required=("events",),
        ),
        "throttle": Form(
            "No more than so many bytes a second.",
            (Field("rate", form.RATE, "Bytes a second: 500B/s, 2kB/s.", "bytes_per_s"),),
            Throttle,
            short="rate",
            required=("rate",),
        ),
        "limit": Form(
            "A budget, with the provider's rate-limit headers.",
            (
                Field("requests", form.COUNT, "How many requests."),
                Field("tokens", form.COUNT, "How many tokens, as answers tell them."),
                Field("per", form.DURATION, "In how long a window.", "per_ms"),
                Field("by", form.one_of(BY), "A budget of its own for each."),
            ),
            _limit,
        ),
        "replace": Form(
            "A given answer.",
            (
                Field("status", form.STATUS, "Its status."),
                Field("headers", form.HEADERS, "Its headers."),
                Field("body", form.BODY, "Its body: a text, or anything that is sent as JSON."),
                Field("json", form.JSON_VALUE, "Its body, sent as JSON also if it is a text."),
                Field("sse", form.BODY, "Its body, as a stream of server-sent events."),
                Field("ndjson", form.BODY, "Its body, as a stream of lines of JSON."),
            ),
            _replace,
        ),
        "connection": Form(
            "What goes wrong below HTTP.",
            (Field("trouble", form.one_of(Trouble), "What."),),
            Connection,
            short="trouble",
            required=("trouble",),
        ),
    }
)
"""Name → how it is written."""

MATCH = Form(
    "Conditions; all must hold. Texts are patterns in which * is any text; a list is any of them.",
    (
        Field("session", form.GLOBS, "The session's name."),
        Field("upstream", form.GLOBS, "The upstream's name: openai, anthropic."),
        Field("method", form.GLOBS, "The method, in capitals."),
        Field("path", form.GLOBS, "The path, without query: /v1/chat/*."),
        Field("model", form.GLOBS, "The model asked for."),
        Field("stream", form.SWITCH, "Whether a stream is asked for."),
        Field("headers", form.HEADER_GLOBS, "Headers by name."),
        Field("turn", form.COUNTS, "Which answer of the model in this conversation, from 1."),
        Field("text", form.GLOBS, "The text of the user's last message."),
        Field("body", form.PATHS, "JSONPath → the value there, or a pattern."),
    ),
    Match,
)


def _when(each: str = "session", **given: Any) -> When:  # noqa: ANN401  # its fields
    between = given.get("between")
    if between is not None and (len(between) != 2 or between[0] > between[1]):  # noqa: PLR2004  # from, to
        raise ValueError("between has two numbers, the first and the last: [2, 4]")
    if given.get("every") == 0:
        raise ValueError("every 0 is never; leave the rule out, or write first: 0")
    return When(**given, each_request=each == "request")


WHEN = Form(
    "Which of the requests that meet the conditions, counted from 1; all must hold.",
    (
        Field("first", form.COUNT, "The first so many."),
        Field("after", form.COUNT, "All after so many."),
        Field("every", form.COUNT, "Every so many."),
        Field("nth", form.COUNTS, "Those with these numbers."),
        Field("between", form.COUNTS, "From the one to the other number: [2, 4]."),
        Field("chance", form.CHANCE, "So likely; the same in every run."),
        Field(
            "each",
            form.one_of(("session", "request")),
            "What is counted: all requests of a session, or each that differs by itself.",
        ),
    ),
    _when,
)
