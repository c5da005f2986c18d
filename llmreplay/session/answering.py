"""answer(call): the one story of a request, top to bottom.

Read the target, redact, recognise, look for a recording, decide by policy; then replay it,
explain the miss, or ask the upstream. IO comes in from outside: the forwarder, the recorder,
the clock, and `prepare`, which turns a plan into whatever the proxy writes.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

import orjson

from llmreplay.core.exchange import Recorded, Request, header
from llmreplay.core.journal import Entry, Outcome
from llmreplay.core.matching import Hit, Miss, MissReason, match
from llmreplay.core.mismatch import Question, drift, explain
from llmreplay.core.plan import Plan, Step, reason_phrase
from llmreplay.core.policy import Forward, Refuse, Replay, decide, looks_for_recordings
from llmreplay.core.redaction import CREDENTIAL_HEADERS, Redactor
from llmreplay.core.routing import DEFAULT_SESSION, Reading, session_of, valid_name
from llmreplay.dialects.plain import PLAIN
from llmreplay.dialects.registry import recognise
from llmreplay.errors import CassetteError, UpstreamError
from llmreplay.session.calls import SESSION_HEADER, Call, HasSize, Ready, Settled, decoded, shown
from llmreplay.session.forwarding import Forwards
from llmreplay.session.memory import Memory
from llmreplay.session.replaying import Replays
from llmreplay.session.understanding import Understood, model_of, understand

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmreplay.core.clock import Clock
    from llmreplay.core.dialect import Dialect, Json
    from llmreplay.core.live import Forwarder
    from llmreplay.core.tape import Asked, Tape
    from llmreplay.session.forwarding import Recorder
    from llmreplay.session.live import Live

__all__ = ["Answerer"]

CONTROL_PREFIX = "/_llmreplay/"
MISS_PHRASE = "No Recording"

_KNOWN_BYTES = 64 * 2**20
_MEANINGFUL_HEADERS = CREDENTIAL_HEADERS | {
    SESSION_HEADER,
    "content-type",
    "content-encoding",
    "anthropic-version",
}
"""Headers that can change what a request means, or how it is redacted."""

P = TypeVar("P", bound=HasSize)


@dataclass(frozen=True, slots=True)
class _Known:
    """What is kept about request bytes that may come again; `asked` has one for each reading."""

    session: str
    target: str
    model: str | None
    asked: tuple[Asked, ...]
    ids: tuple[str, ...]


class Answerer(Generic[P]):
    """Answers calls, for all sessions of one process.

    `prepare` makes an answer of a plan. `forwarder`, `recorder` and `stamp` (when and in which
    take) are given only where the mode may need them: replay has no way out.
    """

    def __init__(  # noqa: PLR0913  # everything it needs comes in here, and nowhere else
        self,
        tape: Tape,
        settled: Settled,
        *,
        clock: Clock,
        prepare: Callable[[Plan], P],
        forwarder: Forwarder | None = None,
        recorder: Recorder | None = None,
        stamp: Callable[[], Recorded] = lambda: Recorded("", ""),
    ) -> None:
        self._tape = tape
        self._settled = settled
        self._prepare = prepare
        self._known: Memory[tuple[object, ...], _Known] = Memory(max_bytes=_KNOWN_BYTES)
        self._replays = Replays(settled, prepare)
        self._forwards = (
            Forwards(forwarder, recorder, settled, clock, stamp) if forwarder is not None else None
        )
        self._key_headers = _MEANINGFUL_HEADERS | settled.match.header_names

    async def answer(self, call: Call) -> Ready[P] | Live:
        """What this call gets."""
        key = self._key(call)
        known = self._known.get(key)
        if known is None:
            refusal = self._refusal(call)
            if refusal is not None:
                return refusal
            known = self._know(call)
            self._known.put(key, known, len(call.body) + 1024)
        try:
            match decide(self._settled.mode, self._match(known)):
                case Replay(hit):
                    return self._replay(hit, known, call)
                case Refuse(miss):
                    return await self._explain(miss, known, call)
                case Forward(record):
                    return await self._forward(call, known, record=record)
        except CassetteError as error:  # the file is not what it was when it was loaded
            message = f"llmreplay: {error}"
            return self._refuse(call, self._settled.miss_status, message, outcome=Outcome.FAILED)

    # -- understanding ---------------------------------------------------------------------

    def _key(self, call: Call) -> tuple[object, ...]:
        """All of a call that can change its answer."""
        wanted = self._key_headers
        telling = [pair for pair in call.headers if pair[0].lower() in wanted]
        return (call.method, call.target, call.body, *telling)

    def _refusal(self, call: Call) -> Ready[P] | None:
        """The answer to a call that means nothing here."""
        prefix, target = session_of(call.target)
        name = prefix if prefix is not None else header(call.headers, SESSION_HEADER)
        if name is not None and not valid_name(name):
            _, told = shown(call, target, name)
            message = (
                f"llmreplay: {told[:80]!r} cannot name a session: use letters, digits, '.', '_' "
                "and '-', up to 128, with no dot first"
            )
            return self._refuse(call, 400, message)
        if target.startswith(CONTROL_PREFIX):
            place, _ = shown(call, target)
            return self._refuse(call, 404, f"llmreplay: nothing is at {_short(place)}")
        return None

    def _know(self, call: Call) -> _Known:
        prefix, target = session_of(call.target)
        readings = self._settled.upstreams.readings(target)
        sought = readings if looks_for_recordings(self._settled.mode) else ()
        understood = [self._understand(call, reading) for reading in sought]
        model = model_of(decoded(call, readings[0], self._settled.max_decoded_bytes))
        told_target, told_model = shown(call, target, model or "")
        return _Known(
            session=prefix or header(call.headers, SESSION_HEADER) or DEFAULT_SESSION,
            target=told_target,
            model=told_model or None,
            asked=tuple(one.asked for one in understood),
            ids=understood[0].canonical.ids if understood else (),
        )

    def _understand(self, call: Call, reading: Reading) -> Understood:
        """What a call means if its target is read so. The same redaction as for what is stored."""
        request = decoded(call, reading, self._settled.max_decoded_bytes)
        settings = self._settled.match
        return understand(Redactor(settings.header_names).request(request), settings)

    def _best_reading(self, call: Call) -> Reading:
        return self._settled.upstreams.readings(session_of(call.target)[1])[0]

    # -- replaying -------------------------------------------------------------------------

    def _match(self, known: _Known) -> Hit | Miss:
        """The recording for the first reading that has one; if none has, why the best has not."""
        settled = self._settled
        told: Miss | None = None
        for asked in known.asked:
            matched = match(
                self._tape,
                known.session,
                asked,
                strictness=settled.match.strictness,
                after_last=settled.after_last,
            )
            if isinstance(matched, Hit):
                return matched
            if told is None or matched.reason is MissReason.USED_UP:
                told = matched
        return told or Miss(MissReason.NEVER_RECORDED)

    def _replay(self, hit: Hit, known: _Known, call: Call) -> Ready[P]:
        recording = hit.recording
        kept = self._replays.of(recording, known.ids)
        entry = partial(
            Entry,
            session=known.session,
            outcome=Outcome.HIT,
            method=call.method,
            target=known.target,
            status=kept.status,
            upstream=recording.upstream,
            model=known.model,
            source=recording.source,
            streamed=kept.streamed,
            drift=self._drift(hit, known, call) if hit.by_order else (),
        )
        return Ready(kept.answer, entry)

    def _drift(self, hit: Hit, known: _Known, call: Call) -> tuple[str, ...]:
        """What differs from a recording that was found by its place."""
        if any(asked.fingerprint == hit.recording.fingerprint for asked in known.asked):
            return ()
        live = self._understand(call, self._best_reading(call))
        recorded = understand(hit.recording.load().request, self._settled.match)
        return drift(live.canonical, recorded.canonical, live.dialect)

    # -- refusing --------------------------------------------------------------------------

    async def _explain(self, miss: Miss, known: _Known, call: Call) -> Ready[P]:
        """The miss, explained in the dialect's own error shape; worked out beside the loop."""
        settled = self._settled
        live = self._understand(call, self._best_reading(call))
        question = Question(
            request=live.request,
            canonical=live.canonical,
            dialect=live.dialect,
            settings=settled.match,
            session=known.session,
            cassettes=settled.cassettes_shown,
        )
        explanation = await asyncio.to_thread(explain, question, self._tape, miss)
        status = settled.miss_status
        body = live.dialect.error_body(status, explanation.text, "no_recording")
        reason = ("x-llmreplay-miss", miss.reason.value.replace(" ", "-"))
        entry = partial(
            Entry,
            session=known.session,
            outcome=Outcome.MISS,
            method=call.method,
            target=known.target,
            status=status,
            upstream=live.asked.upstream,
            model=known.model,
            detail=explanation.text,
        )
        return Ready(self._prepare(_spoken(status, MISS_PHRASE, body, reason)), entry)

    def _refuse(
        self,
        call: Call,
        status: int,
        message: str,
        *,
        outcome: Outcome = Outcome.REFUSED,
        dialect: Dialect = PLAIN,
    ) -> Ready[P]:
        """An answer of our own that says what is wrong and what to do."""
        body = dialect.error_body(status, message, "llmreplay")
        entry = partial(
            Entry,
            session=DEFAULT_SESSION,
            outcome=outcome,
            method=call.method,
            target=shown(call, call.target)[0],
            status=status,
            detail=message,
        )
        return Ready(self._prepare(_spoken(status, reason_phrase(status), body)), entry)

    # -- forwarding ------------------------------------------------------------------------

    async def _forward(self, call: Call, known: _Known, *, record: bool) -> Ready[P] | Live:
        """Ask the upstream of the best reading, and pass on what it says as it comes."""
        reading = self._best_reading(call)
        dialect = recognise(Request(call.method, reading.url, call.headers), None)
        if reading.upstream is None or self._forwards is None:
            return self._refuse(call, 404, _nowhere(known.target), dialect=dialect)
        facts = Entry(
            session=known.session,
            outcome=Outcome.FORWARDED,
            method=call.method,
            target=known.target,
            status=0,
            upstream=reading.upstream,
            model=known.model,
        )
        try:
            return await self._forwards.ask(call, reading, dialect, facts, record=record)
        except UpstreamError as error:
            message = f"llmreplay: {error}"
            return self._refuse(call, 502, message, outcome=Outcome.FAILED, dialect=dialect)


def _spoken(status: int, reason: str, body: Json, *more: tuple[str, str]) -> Plan:
    """An answer of our own. SDKs are told that asking again is of no use."""
    headers = (("content-type", "application/json"), ("x-should-retry", "false"), *more)
    return Plan(status, reason, headers, (Step(0, orjson.dumps(body)),))


def _nowhere(target: str) -> str:
    return (
        f"llmreplay: no upstream for {_short(target)}: begin the path with a provider's name "
        "(/openai/v1/…, /anthropic/v1/…), or say where the bare path goes with --upstream URL"
    )


def _short(target: str) -> str:
    return target[:200]
