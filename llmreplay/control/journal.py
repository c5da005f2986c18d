"""Operations on the journal: pages of it, one entry whole, and new ones as they come."""

from __future__ import annotations

import asyncio
import base64
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import orjson

from llmreplay.control.answers import PROBLEM, SSE, Answer, ProblemError, Streamed, ok
from llmreplay.control.operations import Operation, Parameter, Returns, one_of, whole_number
from llmreplay.control.schemas import ref
from llmreplay.core.journal import Outcome

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from llmreplay.control.operations import Asked
    from llmreplay.core.dialect import Json
    from llmreplay.core.exchange import Request
    from llmreplay.session import Journal, Noted

__all__ = ["journal_operations"]

_LOOK_SECONDS = 1.0
"""How soon it is seen that a client who follows has left."""

_MOST_PAGE = 1_000
_STATUS = {"type": "integer", "minimum": 100, "maximum": 599}
_NUMBER = {"type": "integer", "minimum": 0, "maximum": 2**53}
_OUTCOMES = tuple(str(outcome) for outcome in Outcome)
_FILTERS = (
    Parameter("session", "Of this session; * is any text.", {"type": "string"}),
    Parameter("upstream", "Of this upstream; * is any text.", {"type": "string"}),
    Parameter("model", "For this model; * is any text.", {"type": "string"}),
    Parameter("outcome", "With this outcome.", {"enum": [*_OUTCOMES]}, one_of(*_OUTCOMES)),
    Parameter("status", "With this status.", _STATUS, whole_number(100, 599)),
    Parameter("text", "With this text anywhere in it, in any case.", {"type": "string"}),
)
_AFTER = Parameter("after", "Those after the entry of this number.", _NUMBER, whole_number(0))
_LIMIT = Parameter(
    "limit",
    "How many at most; 100 if it is not given.",
    {"type": "integer", "minimum": 1, "maximum": _MOST_PAGE, "default": 100},
    whole_number(1, _MOST_PAGE),
)
_REQUESTS = Parameter(
    "requests", "Whether to show each request as well.", {"enum": ["true", "false"]},
    one_of("true", "false"),
)  # fmt: skip
_ENTRY_NUMBER = Parameter(
    "number", "The entry.", {"type": "integer", "minimum": 1, "maximum": 2**53}, whole_number(1),
    required=True,
)  # fmt: skip
_SESSION = Parameter("session", "Those of this session only.", {"type": "string"})


def journal_operations(journal: Journal) -> tuple[Operation, ...]:
    """What one can ask of a journal."""
    found = _Api(journal)
    return (
        Operation(
            "GET",
            "/journal",
            "Requests and what became of them, the oldest first",
            found.page,
            {200: Returns("A page.", ref("Journal"))},
            (_AFTER, _LIMIT, _REQUESTS, *_FILTERS),
        ),
        Operation(
            "DELETE",
            "/journal",
            "Forget all entries, or those of a session",
            found.clear,
            {200: Returns("How many there were.", ref("Deleted"))},
            (_SESSION,),
        ),
        Operation(
            "GET",
            "/journal/stream",
            "New entries as they come, as server-sent events, each with its number as id",
            found.stream,
            {200: Returns("Events called `entry`, as in the journal.", media_type=SSE)},
            (_AFTER, *_FILTERS),
        ),
        Operation(
            "GET",
            "/journal/{number}",
            "One entry, with its request",
            found.entry,
            {
                200: Returns("The entry.", ref("Entry")),
                404: Returns("There is none, or no more.", ref("Problem"), PROBLEM),
            },
            (_ENTRY_NUMBER,),
        ),
    )


class _Api:
    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def page(self, asked: Asked) -> Answer:
        limit = asked.query.get("limit", 100)
        found = self._journal.page(asked.query.get("after", 0), limit + 1, **_wanted(asked.query))
        shown = found[:limit]
        if asked.query.get("requests") == "true":
            entries = await asyncio.to_thread(lambda: [*map(_with_request, shown)])
        else:
            entries = [*map(entry_shown, shown)]
        return ok(
            {
                "entries": entries,
                "next": shown[-1].number if len(found) > limit else None,
                "last": self._journal.last_number,
                "dropped": self._journal.dropped,
            }
        )

    async def clear(self, asked: Asked) -> Answer:
        return ok({"deleted": self._journal.clear(asked.query.get("session"))})

    async def entry(self, asked: Asked) -> Answer:
        noted = self._journal.find(asked.names["number"])
        if noted is None:
            raise ProblemError(404, "there is no such entry, or no more")
        return ok(await asyncio.to_thread(_with_request, noted))

    async def stream(self, asked: Asked) -> Streamed:
        return Streamed(self._events(asked))

    async def _events(self, asked: Asked) -> AsyncGenerator[bytes | None]:
        """What is there after the number asked for, then what comes; None while nothing does."""
        wanted = _wanted(asked.query)
        after = _last_seen(asked)
        with self._journal.subscribe(**wanted) as following:
            if after is not None:
                for noted in self._journal.page(after, _MOST_PAGE, **wanted):
                    after = noted.number
                    yield _event(noted)
            dropped = 0
            while True:
                if following.dropped > dropped:
                    yield b": %d entries came too fast and are left out\n\n" % (
                        following.dropped - dropped
                    )
                    dropped = following.dropped
                try:
                    noted = await asyncio.wait_for(anext(following), _LOOK_SECONDS)
                except TimeoutError:
                    yield None
                    continue
                if noted.number > (after or 0):
                    yield _event(noted)


def entry_shown(noted: Noted) -> dict[str, Json]:
    """An entry as JSON."""
    entry = noted.entry
    return {
        "number": noted.number,
        "at": datetime.fromtimestamp(noted.at_s, UTC).isoformat(timespec="milliseconds"),
        "session": entry.session,
        "outcome": entry.outcome,
        "method": entry.method,
        "target": entry.target,
        "status": entry.status,
        "upstream": entry.upstream,
        "model": entry.model,
        "source": entry.source,
        "elapsed_ms": round(entry.elapsed_ms, 3),
        "first_byte_ms": entry.first_byte_ms and round(entry.first_byte_ms, 3),
        "streamed": entry.streamed,
        "drift": entry.drift,
        "faults": entry.faults,
        "detail": entry.detail,
    }


def _with_request(noted: Noted) -> dict[str, Json]:
    """The same with the request, which is redacted now: that takes a while."""
    sent = noted.entry.sent
    request = _request(sent.request()) if sent is not None else None
    return entry_shown(noted) | {"request": request}


def _request(request: Request) -> dict[str, Json]:
    body = request.body
    text = _text(body)
    return {
        "url": request.url,
        "headers": request.headers,
        "json": _json(body),
        "text": text,
        "base64": base64.b64encode(body).decode() if text is None else None,
    }


def _json(body: bytes) -> Json:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _text(body: bytes) -> str | None:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None


def _wanted(query: Mapping[str, Json]) -> dict[str, Json]:
    wanted = {one.name: query.get(one.name) for one in _FILTERS}
    if wanted["outcome"] is not None:
        wanted["outcome"] = Outcome(wanted["outcome"])
    return wanted


def _last_seen(asked: Asked) -> int | None:
    """Where a client that comes again left off; EventSource sends it by itself."""
    given = asked.headers.get("last-event-id", "")
    if given.isascii() and given.isdigit():
        return int(given[:16])
    after: int | None = asked.query.get("after")
    return after


def _event(noted: Noted) -> bytes:
    return b"id: %d\nevent: entry\ndata: %b\n\n" % (
        noted.number,
        orjson.dumps(entry_shown(noted)),
    )
