"""answer(call): the one story of a request, top to bottom.

Read the target, redact, recognise, look for a recording, decide by policy; then replay it,
explain the miss, or ask the upstream. IO comes in from outside: the forwarder, the recorder,
the clock, and `prepare`, which turns a plan into whatever the proxy writes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Generic, Protocol, TypeVar

import orjson

from llmreplay.core.canonical import MatchSettings
from llmreplay.core.capture import Capture
from llmreplay.core.clock import Clock
from llmreplay.core.decoding import DecodingError, acceptable, decode
from llmreplay.core.dialect import Dialect, Json
from llmreplay.core.exchange import (
    Exchange,
    Headers,
    Request,
    Response,
    header,
    without_headers,
)
from llmreplay.core.journal import Entry, Outcome
from llmreplay.core.live import Forwarder
from llmreplay.core.matching import AfterLast, Hit, Miss, MissReason, echo_ids, match
from llmreplay.core.mismatch import Question, drift, explain
from llmreplay.core.plan import Plan, Step, plan_replay, reason_phrase
from llmreplay.core.policy import Forward, Mode, Refuse, Replay, decide
from llmreplay.core.redaction import CREDENTIAL_HEADERS, Redactor, redact_url
from llmreplay.core.routing import (
    DEFAULT_SESSION,
    Reading,
    Upstreams,
    session_of,
    valid_name,
)
from llmreplay.core.tape import Asked, Recording, Tape
from llmreplay.core.timing import Timing
from llmreplay.dialects.plain import PLAIN
from llmreplay.dialects.registry import recognise
from llmreplay.errors import UpstreamError
from llmreplay.session.live import Live, Store
from llmreplay.session.memory import Memory
from llmreplay.session.understanding import Understood, understand

__all__ = ["Answerer", "Call", "Ready", "Recorder", "Settled"]

SESSION_HEADER = "x-llmreplay-session"
CONTROL_PREFIX = "/_llmreplay/"
MISS_PHRASE = "No Recording"

_OWN_HEADERS = frozenset({SESSION_HEADER})
_CODING_HEADER = frozenset({"content-encoding"})
_MEANINGFUL_HEADERS = CREDENTIAL_HEADERS | {
    SESSION_HEADER,
    "content-type",
    "content-encoding",
    "anthropic-version",
}
"""Headers that can change what a request means, or how it is redacted."""

P = TypeVar("P", bound="HasSize")


class HasSize(Protocol):
    """What `prepare` makes: its `size` in bytes bounds how many are kept."""

    @property
    def size(self) -> int:
        """Bytes, nearly."""
        ...


class Recorder(Protocol):
    """Stores exchanges, durably."""

    def reserve(self, cassette: str) -> int:
        """The number of a request that has just arrived."""
        ...

    async def append(self, cassette: str, exchange: Exchange) -> str:
        """Redact and store; return when it is on disk, with its source `cassette#number`.

        Raises `CassetteError` when it could not be stored.
        """
        ...


@dataclass(frozen=True, slots=True)
class Call:
    """A request as it arrived: target, headers and body as on the wire."""

    method: str
    target: str
    headers: Headers
    body: bytes


@dataclass(frozen=True, slots=True)
class Settled:
    """How the answerer is set up: what a person may set, and what was loaded."""

    mode: Mode = Mode.REPLAY
    upstreams: Upstreams = Upstreams()  # noqa: RUF009  # frozen, and empty
    match: MatchSettings = MatchSettings()  # noqa: RUF009  # frozen
    after_last: AfterLast = AfterLast.REPEAT
    timing: Timing = Timing()  # noqa: RUF009  # frozen
    miss_status: int = 470
    cassette: str = DEFAULT_SESSION
    cassettes_shown: str = "cassettes/"
    max_body_bytes: int = 64 * 2**20
    max_decoded_bytes: int = 256 * 2**20
    after_client_seconds: float = 120.0


@dataclass(frozen=True, slots=True)
class Ready(Generic[P]):
    """An answer that is known whole.

    `entry` makes its journal entry, given `elapsed_ms`, once the answer is out.
    """

    prepared: P
    entry: Callable[..., Entry]


@dataclass(frozen=True, slots=True)
class _Known:
    """What is kept about request bytes that may come again."""

    session: str
    target: str
    model: str | None
    asked: tuple[Asked, ...]
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Kept(Generic[P]):
    """A recording made ready: its answer, and the ids of its request."""

    answer: P
    ids: tuple[str, ...]
    status: int
    streamed: bool


class Answerer(Generic[P]):
    """Answers calls, for all sessions of one process.

    `prepare` makes an answer of a plan, once a recording. `forwarder` and `recorder` are
    given only where the mode may need them: replay has no way out.
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
    ) -> None:
        self._tape = tape
        self._settled = settled
        self._clock = clock
        self._prepare = prepare
        self._forwarder = forwarder
        self._recorder = recorder
        self._known: Memory[tuple[object, ...], _Known] = Memory(max_bytes=64 * 2**20)
        self._kept: Memory[Recording, _Kept[P]] = Memory(max_bytes=256 * 2**20)
        self._key_headers = _MEANINGFUL_HEADERS | {
            name.lower() for name in settled.match.headers
        }

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
        matched = self._match(known)
        match decide(self._settled.mode, matched):
            case Replay(hit):
                return self._replay(hit, known, call)
            case Refuse(miss):
                return await self._explain(miss, known, call)
            case Forward(record):
                return await self._forward(call, known, record=record)

    # -- understanding ---------------------------------------------------------------------

    def _key(self, call: Call) -> tuple[object, ...]:
        wanted = self._key_headers
        telling = [pair for pair in call.headers if pair[0].lower() in wanted]
        return (call.method, call.target, call.body, *telling)

    def _refusal(self, call: Call) -> Ready[P] | None:
        """Calls that mean nothing here."""
        session, target = session_of(call.target)
        name = session if session is not None else header(call.headers, SESSION_HEADER)
        if name is not None and not valid_name(name):
            return self._refuse(
                call,
                400,
                f"llmreplay: {name[:80]!r} cannot name a session: use letters, digits, '.', '_' "
                "and '-', up to 128, with no dot first",
            )
        if target.startswith(CONTROL_PREFIX):
            return self._refuse(
                call, 404, f"llmreplay: there is nothing at {redact_url(target)[:200]}"
            )
        return None

    def _know(self, call: Call) -> _Known:
        prefix, target = session_of(call.target)
        session = prefix or header(call.headers, SESSION_HEADER) or DEFAULT_SESSION
        understood = [
            understand(self._redacted(call, reading), self._settled.match)
            for reading in self._settled.upstreams.readings(target)
        ]
        first = understood[0]
        return _Known(
            session=session,
            target=redact_url(target),
            model=first.model,
            asked=tuple(one.asked for one in understood),
            ids=first.canonical.ids,
        )

    def _understood(self, call: Call) -> Understood:
        """The best reading of a call, in full: what `_know` keeps only the essence of."""
        _, target = session_of(call.target)
        reading = self._settled.upstreams.readings(target)[0]
        return understand(self._redacted(call, reading), self._settled.match)

    def _redacted(self, call: Call, reading: Reading) -> Request:
        return Redactor().request(self._decoded(call, reading))

    def _decoded(self, call: Call, reading: Reading) -> Request:
        """The request as it is stored but for its secrets: its body without content coding."""
        headers = without_headers(call.headers, _OWN_HEADERS)
        coding = header(headers, "content-encoding")
        body = call.body
        if coding is not None:
            try:
                body = decode(coding, body, self._settled.max_decoded_bytes)
                headers = without_headers(headers, _CODING_HEADER)
            except DecodingError:
                body = call.body
        return Request(call.method, reading.url, headers, body, reading.upstream)

    # -- replaying -------------------------------------------------------------------------

    def _match(self, known: _Known) -> Hit | Miss:
        """The first reading that has a recording; if none has, the miss of the best."""
        settled = self._settled
        first: Miss | None = None
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
            if first is None or matched.reason is MissReason.USED_UP:
                first = matched
        return first if first is not None else Miss(MissReason.NEVER_RECORDED)

    def _replay(self, hit: Hit, known: _Known, call: Call) -> Ready[P]:
        recording = hit.recording
        kept = self._kept.get(recording)
        if kept is None:
            kept = self._made_ready(recording)
            self._kept.put(recording, kept, kept.answer.size)
        answer = kept.answer
        if known.ids != kept.ids:
            answer = self._with_live_ids(recording, kept.ids, known.ids)
        return Ready(
            answer,
            partial(
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
                drift=self._drift(hit, known, call),
            ),
        )

    def _made_ready(self, recording: Recording) -> _Kept[P]:
        exchange = recording.load()
        recorded = understand(exchange.request, self._settled.match)
        plan = self._plan(recording, exchange, recorded)
        return _Kept(self._prepare(plan), recorded.canonical.ids, plan.status, plan.streamed)

    def _plan(self, recording: Recording, exchange: Exchange, recorded: Understood) -> Plan:
        plan = plan_replay(
            exchange.response,
            self._settled.timing,
            recorded.dialect.least_wait,
            key=recording.source.encode(),
        )
        return replace(plan, headers=(*plan.headers, ("x-llmreplay-exchange", recording.source)))

    def _with_live_ids(
        self, recording: Recording, recorded_ids: tuple[str, ...], live_ids: tuple[str, ...]
    ) -> P:
        """The answer with the ids that this client made in place of those it had made before."""
        exchange = recording.load()
        chunks = tuple(
            replace(chunk, data=echo_ids(chunk.data, recorded_ids, live_ids))
            for chunk in exchange.response.chunks
        )
        echoing = replace(exchange, response=replace(exchange.response, chunks=chunks))
        recorded = understand(exchange.request, self._settled.match)
        return self._prepare(self._plan(recording, echoing, recorded))

    def _drift(self, hit: Hit, known: _Known, call: Call) -> tuple[str, ...]:
        """What differs from the recording, where it was found by its place alone."""
        fingerprints = {asked.fingerprint for asked in known.asked}
        if not hit.by_order or hit.recording.fingerprint in fingerprints:
            return ()
        live = self._understood(call)
        recorded = understand(hit.recording.load().request, self._settled.match)
        return drift(live.canonical, recorded.canonical, live.dialect)

    # -- refusing --------------------------------------------------------------------------

    async def _explain(self, miss: Miss, known: _Known, call: Call) -> Ready[P]:
        """The miss, explained in the dialect's own error shape; worked out beside the loop."""
        settled = self._settled
        live = self._understood(call)
        question = Question(
            request=live.request,
            canonical=live.canonical,
            dialect=live.dialect,
            settings=settled.match,
            after_last=settled.after_last,
            session=known.session,
            cassettes=settled.cassettes_shown,
        )
        explanation = await asyncio.to_thread(explain, question, self._tape, miss)
        status = settled.miss_status
        body = live.dialect.error_body(status, explanation.text, "no_recording")
        plan = _spoken(
            status,
            MISS_PHRASE,
            body,
            ("x-llmreplay-miss", miss.reason.value.replace(" ", "-")),
        )
        return Ready(
            self._prepare(plan),
            partial(
                Entry,
                session=known.session,
                outcome=Outcome.MISS,
                method=call.method,
                target=known.target,
                status=status,
                upstream=live.asked.upstream,
                model=known.model,
                detail=explanation.text,
            ),
        )

    def _refuse(
        self,
        call: Call,
        status: int,
        message: str,
        *,
        outcome: Outcome = Outcome.REFUSED,
        dialect: Dialect = PLAIN,
        code: str = "llmreplay",
    ) -> Ready[P]:
        """An answer of our own that says what is wrong and what to do."""
        body = dialect.error_body(status, message, code)
        return Ready(
            self._prepare(_spoken(status, reason_phrase(status), body)),
            partial(
                Entry,
                session=DEFAULT_SESSION,
                outcome=outcome,
                method=call.method,
                target=redact_url(call.target),
                status=status,
                detail=message,
            ),
        )

    # -- forwarding ------------------------------------------------------------------------

    async def _forward(self, call: Call, known: _Known, *, record: bool) -> Ready[P] | Live:
        """Ask the upstream, and pass on what it says as it comes."""
        settled = self._settled
        _, target = session_of(call.target)
        reading = settled.upstreams.readings(target)[0]
        dialect = recognise(Request(call.method, reading.url, call.headers), None)
        if reading.upstream is None or self._forwarder is None:
            return self._refuse(call, 404, _nowhere(target), dialect=dialect)
        cassette = self._cassette(known.session)
        recorder = self._recorder if record else None
        number = recorder.reserve(cassette) if recorder is not None else 0
        started = self._clock.now()
        try:
            response = await self._forwarder.send(_outgoing(call, reading))
        except UpstreamError as error:
            return self._refuse(
                call, 502, f"llmreplay: {error}", outcome=Outcome.FAILED, dialect=dialect
            )
        capture: Capture | None = None
        store: Store | None = None
        if recorder is not None:
            capture = Capture(
                response.status,
                response.headers,
                content_length=response.content_length,
                ends_stream=dialect.ends_stream,
                limit_bytes=settled.max_decoded_bytes,
            )
            store = self._store(recorder, cassette, number, self._decoded(call, reading), reading)
        return Live(
            response,
            capture,
            store,
            Entry(
                session=known.session,
                outcome=Outcome.FORWARDED,
                method=call.method,
                target=known.target,
                status=response.status,
                upstream=reading.upstream,
                model=known.model,
                streamed=response.content_length is None,
            ),
            clock=self._clock,
            started=started,
            after_client_seconds=settled.after_client_seconds,
        )

    def _cassette(self, session: str) -> str:
        return self._settled.cassette if session == DEFAULT_SESSION else session

    def _store(
        self, recorder: Recorder, cassette: str, number: int, request: Request, reading: Reading
    ) -> Store:
        """What makes an exchange of the response to `request`, and puts it into `cassette`."""

        async def store(response: Response) -> str:
            exchange = Exchange(
                number=number,
                upstream=reading.upstream or DEFAULT_SESSION,
                request=request,
                response=response,
                base_path=reading.base_path,
            )
            return await recorder.append(cassette, exchange)

        return store


def _spoken(status: int, reason: str, body: Json, *more: tuple[str, str]) -> Plan:
    """An answer of our own. SDKs are told that asking again is of no use."""
    headers = (("content-type", "application/json"), ("x-should-retry", "false"), *more)
    return Plan(status, reason, headers, (Step(0, orjson.dumps(body)),))


def _nowhere(target: str) -> str:
    return (
        f"llmreplay: no upstream for {redact_url(target)[:200]}: begin the path with a provider's "
        "name (/openai/v1/…, /anthropic/v1/…), or say where the bare path goes with --upstream URL"
    )


def _outgoing(call: Call, reading: Reading) -> Request:
    """The request for the upstream: the client's own, asking for no coding we cannot take off."""
    headers = tuple(
        (name, acceptable(value) or "identity") if name.lower() == "accept-encoding" else pair
        for pair in without_headers(call.headers, _OWN_HEADERS)
        for name, value in (pair,)
    )
    return Request(call.method, reading.url, headers, call.body, reading.upstream)
