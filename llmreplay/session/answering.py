"""answer(call): the one story of a request, top to bottom.

Read the target, redact, recognise, look for a recording, decide by policy; then replay it,
explain the miss, or ask the upstream. IO comes in from outside: the forwarder, the recorder,
the clock, and `prepare`, which turns a plan into whatever the proxy writes.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Generic, Literal, NamedTuple, TypeVar

from llmreplay.core.exchange import Recorded, Request
from llmreplay.core.hosts import Way
from llmreplay.core.journal import Entry, Outcome
from llmreplay.core.matching import Hit, Miss, MissReason, match
from llmreplay.core.mismatch import Question, drift, explain
from llmreplay.core.policy import Forward, Mode, Refuse, Replay, decide
from llmreplay.core.routing import DEFAULT_SESSION, Reading, valid_name
from llmreplay.dialects.registry import recognise
from llmreplay.errors import CassetteError, UpstreamError
from llmreplay.session.calls import Arrived, Call, HasSize, Ready, Settled
from llmreplay.session.faulting import Applicable, Faulted, Faults
from llmreplay.session.forwarding import Forwards
from llmreplay.session.memory import Memory
from llmreplay.session.refusing import Refusals, mistake_in, nowhere_to_go, unknown_call
from llmreplay.session.shared import Shared
from llmreplay.session.understanding import Understood, understand

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmreplay.core.clock import Clock
    from llmreplay.core.dialect import Dialect
    from llmreplay.core.faults import Injection, Overlay
    from llmreplay.core.live import Forwarder
    from llmreplay.core.mismatch import Explanation
    from llmreplay.core.plan import Plan
    from llmreplay.core.tape import Asked, Tape
    from llmreplay.session.forwarding import Recorder
    from llmreplay.session.live import Live
    from llmreplay.session.meanings import Meaning

__all__ = ["Answerer"]

_RULES_BYTES = 2**20
"""How much is kept, for each session, of which rules are about which requests."""

P = TypeVar("P", bound=HasSize)


class _Known(NamedTuple):
    """What is known of a call before it is answered."""

    mode: Mode
    session: str
    meaning: Meaning
    applicable: Applicable | None = None
    """Rules; None for nearly all requests."""


class Answerer(Generic[P]):
    """Answers calls: for all sessions of one process, or for one with settings of its own.

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
        faults: Faults | None = None,
        shared: Shared[P] | None = None,
        only: str | None = None,
    ) -> None:
        self.tape = tape
        self.settled = settled
        self.faults = faults or Faults(clock=clock)
        self._clock = clock
        self._prepare = prepare
        self._forwarder = forwarder
        self._recorder = recorder
        self._stamp = stamp
        self._only = only
        self._shared = shared or Shared(prepare)
        self._meanings = self._shared.meanings(tape, settled)
        self._replays = self._shared.replays(tape, settled)
        self._refusals = Refusals(prepare)
        self._forwards = (
            Forwards(forwarder, recorder, settled, clock, stamp) if forwarder is not None else None
        )
        self._applicable: dict[str, Memory[tuple[object, ...], Applicable | Literal[False]]] = {}

    async def answer(self, call: Call) -> Ready[P] | Live | Faulted:
        """What this call gets."""
        session, key = self._meanings.key(call)
        meaning = self._meanings.get(key)
        if meaning is None or session is not None:
            mistake = mistake_in(call) or self._turned_away(call)
            if mistake is not None:
                return self._refusals.refused(unknown_call(call), *mistake)
        if meaning is None:
            meaning = self._meanings.find_out(call, key)
        known = self._know(session or DEFAULT_SESSION, meaning, call)
        injection = self.faults.fire(known.applicable)
        if injection is not None and injection.answer is not None:
            return self._given(injection.answer, injection, known, call)
        try:
            match decide(known.mode, self._match(known)):
                case Replay(hit):
                    return self._replay(hit, known, call, injection)
                case Refuse(miss):
                    return await self._refuse(miss, known, call)
                case Forward(record):  # pragma: no branch  # there is no fourth
                    return await self._forward(call, known, injection, record=record)
        except CassetteError as error:
            return self._unreadable(error, known, call)

    def at_once(self, call: Call) -> Ready[P] | None:
        """What this call gets, if it came before and is recorded; None if that is to be seen."""
        if not self._meanings.seeks:
            return None
        session, key = self._meanings.key(call)
        meaning = self._meanings.get(key)
        if meaning is None or not meaning.asked or not (session is None or valid_name(session)):
            return None
        known = self._know(session or DEFAULT_SESSION, meaning, call)
        if known.applicable is not None:
            return None
        decision = decide(known.mode, self._match(known))
        if not isinstance(decision, Replay):
            return None
        try:
            return self._replay(decision.hit, known, call, None)
        except CassetteError as error:
            return self._unreadable(error, known, call)

    def change_rules(self, overlay: Overlay) -> None:
        """Take other rules from now on; what they remember stays."""
        self.faults.overlay = overlay
        self._applicable.clear()

    def beside(self, session: str, tape: Tape, settled: Settled, overlay: Overlay) -> Answerer[P]:
        """One for a single session with settings of its own, and the same way out."""
        return Answerer(
            tape,
            settled,
            clock=self._clock,
            prepare=self._prepare,
            forwarder=self._forwarder,
            recorder=self._recorder,
            stamp=self._stamp,
            faults=self.faults.beside(overlay),
            shared=self._shared,
            only=session,
        )

    def forget(self, session: str) -> None:
        """Begin anew for a session: its place in each sequence, and what rules remember of it."""
        self.tape.forget(session)
        self.faults.ledger.forget(session)
        self._applicable.pop(session, None)

    # -- understanding ---------------------------------------------------------------------

    def _know(self, session: str, meaning: Meaning, call: Call) -> _Known:
        if meaning.passed_by:
            return _Known(Mode.OFF, session, meaning)
        rules = self._rules(session, meaning, call) if self.faults.overlay else None
        return _Known(self.settled.mode, session, meaning, rules)

    def _turned_away(self, call: Call) -> tuple[int, str] | None:
        """The status and the message for a call to a host that is not to be reached from here."""
        verdict = self._meanings.verdict(call)
        return (403, f"llmreplay: {verdict.reason}") if verdict.way is Way.REFUSE else None

    def _rules(self, session: str, meaning: Meaning, call: Call) -> Applicable | None:
        """The rules about a call, kept for when it comes again."""
        known = self._applicable.get(session)
        if known is None:
            known = self._applicable[session] = Memory(max_bytes=_RULES_BYTES)
        looked_at = self.faults.overlay.header_names
        telling = [pair for pair in call.headers if pair[0].lower() in looked_at]
        key = (meaning, *telling)
        found = known.get(key)
        if found is None:
            found = self._applying(session, meaning, call) or False
            known.put(key, found, 4 * len(call.body) + 2048)
        return found or None

    def _applying(self, session: str, meaning: Meaning, call: Call) -> Applicable | None:
        """The rules about a call, read as it is recorded if it is."""
        reading, asked, upstream = meaning.readings[0], next(iter(meaning.asked), None), None
        for place, one in enumerate(meaning.asked):
            queue = self.tape.by_meaning(one)
            if queue is not None:
                upstream = queue.recordings[0].upstream
                reading, asked = meaning.readings[place], one
                break
        if asked is None:
            asked = self._meanings.understand(call, reading).asked
        request = self._meanings.redacted(call, reading)
        request = replace(request, upstream=upstream or request.upstream)
        return self.faults.applicable(
            request, call.headers, session, asked.fingerprint, by_base_url=not call.origin
        )

    def _reading(self, known: _Known, is_meant: Callable[[Asked], bool]) -> Reading:
        """The reading of a call's target that `is_meant`; the best one if none is."""
        meant = (place for place, asked in enumerate(known.meaning.asked) if is_meant(asked))
        return known.meaning.readings[next(meant, 0)]

    # -- replaying -------------------------------------------------------------------------

    def _match(self, known: _Known) -> Hit | Miss:
        """The recording for the first reading that has one; if none has, why the best has not."""
        settled = self.settled
        told: Miss | None = None
        for asked in known.meaning.asked:
            matched = match(
                self.tape,
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

    def _replay(self, hit: Hit, known: _Known, call: Call, injection: Injection | None) -> Ready[P]:
        recording = hit.recording
        kept = self._replays.of(recording, known.meaning.ids)
        answer, plan = kept.answer, kept.plan
        if injection is not None:
            plan = injection.onto(plan)
            answer = self._prepare(plan)
        target, model = known.meaning.told()
        entry = partial(
            Entry,
            session=known.session,
            outcome=Outcome.HIT,
            method=call.method,
            target=target,
            status=plan.status,
            upstream=recording.upstream,
            model=model,
            source=recording.source,
            streamed=kept.streamed,
            drift=self._drift(hit, known, call) if hit.by_order else (),
            faults=injection.told if injection is not None else (),
            sent=Arrived(call),
        )
        return Ready(answer, entry)

    def _given(self, plan: Plan, injection: Injection, known: _Known, call: Call) -> Ready[P]:
        """The whole answer, as a fault gave it."""
        upstream = known.applicable.asked.upstream if known.applicable is not None else None
        facts = _facts(Outcome.FAULT, known, call, upstream)
        facts = facts._replace(status=plan.status, faults=injection.told)
        return Ready(self._prepare(plan), facts._replace)

    def _drift(self, hit: Hit, known: _Known, call: Call) -> tuple[str, ...]:
        """What differs from a recording that was found by its place."""
        if any(asked.fingerprint == hit.recording.fingerprint for asked in known.meaning.asked):
            return ()
        reading = self._reading(known, lambda asked: asked.path == hit.recording.path)
        live = self._meanings.understand(call, reading)
        recorded = understand(hit.recording.load().request, self.settled.match)
        return drift(live.canonical, recorded.canonical, live.dialect)

    def _unreadable(self, error: CassetteError, known: _Known, call: Call) -> Ready[P]:
        """A file is not what it was when it was loaded."""
        facts = _facts(Outcome.FAILED, known, call)
        return self._refusals.refused(facts, self.settled.miss_status, f"llmreplay: {error}")

    # -- refusing --------------------------------------------------------------------------

    async def _refuse(self, miss: Miss, known: _Known, call: Call) -> Ready[P]:
        """Say why there is no recording; worked out beside the loop, for it takes a while."""
        live, explanation = await asyncio.to_thread(self._explained, miss, known, call)
        facts = _facts(Outcome.MISS, known, call)._replace(upstream=live.asked.upstream)
        status = self.settled.miss_status
        return self._refusals.missed(facts, miss, status, explanation.text, live.dialect)

    def _explained(self, miss: Miss, known: _Known, call: Call) -> tuple[Understood, Explanation]:
        """The request that was missed, read as what is recorded if it can be, and why it was."""
        tape, settled = self.tape, self.settled
        reading = self._reading(known, lambda asked: bool(tape.on_route(asked.method, asked.path)))
        live = self._meanings.understand(call, reading)
        question = Question(
            request=live.request,
            canonical=live.canonical,
            dialect=live.dialect,
            settings=settled.match,
            session=known.session,
            cassettes=settled.cassettes_shown,
        )
        return live, explain(question, tape, miss)

    # -- forwarding ------------------------------------------------------------------------

    async def _forward(
        self, call: Call, known: _Known, injection: Injection | None, *, record: bool
    ) -> Ready[P] | Live | Faulted:
        """Ask the upstream of the best reading, and pass on what it says as it comes."""
        reading = known.meaning.readings[0]
        if reading.upstream is None or self._forwards is None:
            facts = _facts(Outcome.REFUSED, known, call)
            message = nowhere_to_go(facts.target)
            return self._refusals.refused(facts, 404, message, _dialect(call, reading))
        told = partial(_facts, Outcome.FORWARDED, known, call, reading.upstream)
        cassette = self._cassette(known.session) if record else None
        started = self._clock.now()
        try:
            live = await self._forwards.ask(
                call, reading, partial(_dialect, call, reading), told, cassette
            )
        except UpstreamError as error:
            facts = told()._replace(outcome=Outcome.FAILED)
            message = f"llmreplay: {error}"
            return self._refusals.refused(facts, 502, message, _dialect(call, reading))
        if injection is None:
            return live
        limit_bytes = self.settled.max_decoded_bytes
        return Faulted(live, injection, clock=self._clock, started=started, limit_bytes=limit_bytes)

    def _cassette(self, session: str) -> str:
        """Where a session records: one that has settings of its own into their cassette."""
        is_own = session == DEFAULT_SESSION or self._only is not None
        return self.settled.cassette if is_own else session


def _dialect(call: Call, reading: Reading) -> Dialect:
    return recognise(Request(call.method, reading.url, call.headers), None)


def _facts(outcome: Outcome, known: _Known, call: Call, upstream: str | None = None) -> Entry:
    """What the journal can say of a call before there is an answer."""
    target, model = known.meaning.told()
    return Entry(
        known.session, outcome, call.method, target, 0, upstream, model, sent=Arrived(call)
    )
