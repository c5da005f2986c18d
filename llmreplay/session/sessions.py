"""Sessions: each request to the answerer of its own session, and what is remembered of each.

A session that was set up has an answerer of its own, which shares the loaded cassettes and the way
out with all others; any other is answered as the run is. It knows sessions by their names only:
where cassettes come from is passed in. The proxy asks it, the control API and tests drive it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Generic, TypeVar

from llmreplay.core.faults import Overlay
from llmreplay.core.journal import Entry, Outcome
from llmreplay.core.policy import Mode
from llmreplay.core.routing import DEFAULT_SESSION, valid_name
from llmreplay.errors import UsageError
from llmreplay.session.calls import HasSize
from llmreplay.session.setup import AS_THE_RUN, Setup
from llmreplay.session.verdict import Ended, Remembered, SessionInfo, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llmreplay.core.clock import Clock
    from llmreplay.core.faults import Arrival, AtConnection
    from llmreplay.session.answering import Answerer
    from llmreplay.session.calls import Call, Ready
    from llmreplay.session.faulting import Faulted
    from llmreplay.session.live import Live
    from llmreplay.session.setup import Found, Sources

__all__ = ["Sessions"]

IDLE_SECONDS = 3600.0

_RECORDING = frozenset({Mode.ALL, Mode.NEW})

P = TypeVar("P", bound=HasSize)


@dataclass(slots=True)
class _State(Generic[P]):
    """A session: how it was set up, if it was, and what happened in it."""

    since_s: float
    used_s: float
    setup: Setup = AS_THE_RUN
    answerer: Answerer[P] | None = None
    found: Found | None = None
    happened: Remembered = field(default_factory=Remembered)


class Sessions(Generic[P]):
    """All sessions of a run. Of one event loop.

    `default` answers for those that nobody set up; `run` is how, with every value filled in but
    `cassettes`.
    """

    def __init__(self, default: Answerer[P], run: Setup, sources: Sources, *, clock: Clock) -> None:
        self._default = default
        self._run = run
        self._sources = sources
        self._clock = clock
        self.when_over: Callable[[SessionInfo, Verdict], None] | None = None
        """Who is told of a session that is about to be forgotten, or begun anew."""
        self._states: dict[str, _State[P]] = {}
        self._set_up: dict[str, Answerer[P]] = {}

    # -- answering -------------------------------------------------------------------------

    async def answer(self, call: Call) -> Ready[P] | Live | Faulted:
        """What this call gets, from its session."""
        return await self._answerer(call).answer(call)

    def at_once(self, call: Call) -> Ready[P] | None:
        """What this call gets, if it came before and is recorded; None if that is to be seen."""
        return self._answerer(call).at_once(call)

    def arriving(self, arrival: Arrival) -> tuple[AtConnection, str] | None:
        """What becomes of a connection before it brings a request, and by which rule; counts it."""
        return self._set_up.get(arrival.session, self._default).faults.arriving(arrival)

    def tell(self, entry: Entry) -> None:
        """A request has been answered. A session is there from its first one on."""
        now_s = self._clock.now()
        state = self._states.get(entry.session)
        if state is None:
            state = self._states[entry.session] = _State(now_s, now_s)
        state.used_s = now_s
        happened = state.happened
        happened.tally[entry.outcome] += 1
        if entry.outcome is not Outcome.HIT or entry.drift or entry.faults:
            happened.add(entry)

    def _answerer(self, call: Call) -> Answerer[P]:
        if not self._set_up:
            return self._default
        return self._set_up.get(call.session or DEFAULT_SESSION, self._default)

    # -- setting up ------------------------------------------------------------------------

    async def put(self, name: str, setup: Setup = AS_THE_RUN) -> SessionInfo:
        """Set up a session, in place of any of this name.

        Raises:
            UsageError: it cannot be called so, or the run cannot do what is asked for.
            CassetteError: a cassette is broken.
        """
        if not valid_name(name):
            raise UsageError(
                f"{name[:80]!r} cannot name a session: use letters, digits, '.', '_' and '-', up "
                "to 128, with no dot first"
            )
        setup = await self._whole(name, setup)
        mode = setup.mode or Mode.REPLAY
        found = await self._sources.find(setup.cassettes, mode)
        answerer = self._default.beside(
            name,
            found.tape,
            replace(
                self._default.settled,
                mode=mode,
                hosts=found.hosts,
                match=replace(
                    self._default.settled.match,
                    strictness=setup.strictness or self._default.settled.match.strictness,
                ),
                after_last=setup.after_last or self._default.settled.after_last,
                timing=setup.timing or self._default.settled.timing,
                seed=setup.seed or 0,
                cassette=setup.record_into or name,
                cassettes_shown=found.shown,
            ),
            self._overlay(name, setup),
        )
        self.delete(name)
        now_s = self._clock.now()
        self._states[name] = _State(now_s, now_s, setup, answerer, found)
        self._set_up[name] = answerer
        return self._info(name, self._states[name])

    def change_rules(self, overlay: Overlay) -> None:
        """Take other rules for the run; sessions keep their own beside them."""
        self._default.change_rules(overlay)
        for name, answerer in self._set_up.items():
            answerer.change_rules(self._overlay(name, self._states[name].setup))

    async def _whole(self, name: str, setup: Setup) -> Setup:
        """`setup` with every value filled in but `cassettes`."""
        run = self._run
        into = setup.record_into or (name if name != DEFAULT_SESSION else run.record_into)
        mode = setup.mode or run.mode or Mode.REPLAY
        if setup.once:
            self._sources.check(Mode.REPLAY, into or name)
            found = await self._sources.find((into or name,), Mode.REPLAY)
            mode = Mode.ALL if found.missing else Mode.REPLAY
        self._sources.check(mode, into or name)
        return replace(
            setup,
            mode=mode,
            record_into=into,
            seed=run.seed if setup.seed is None else setup.seed,
            timing=setup.timing or run.timing,
            after_last=setup.after_last or run.after_last,
            strictness=setup.strictness or run.strictness,
        )

    def _overlay(self, name: str, setup: Setup) -> Overlay:
        run = self._default.faults.overlay
        if not setup.rules and setup.overlays:
            return run
        rules = run.rules if setup.overlays else ()
        if name == DEFAULT_SESSION:  # which connections are taken to be of
            return Overlay((*rules, *setup.rules))
        return Overlay(rules, own=setup.rules)

    # -- reading ---------------------------------------------------------------------------

    def names(self) -> tuple[str, ...]:
        """The names of all sessions, sorted."""
        return tuple(sorted(self._states))

    def get(self, name: str) -> SessionInfo | None:
        """A session as it is; None if there is no such."""
        state = self._states.get(name)
        return self._info(name, state) if state is not None else None

    def tally(self, name: str) -> Mapping[Outcome, int]:
        """How many requests of a session had each outcome; empty if there is no such."""
        state = self._states.get(name)
        return dict(state.happened.tally) if state is not None else {}

    def verify(self, name: str) -> Verdict | None:
        """What there is to say of a session at its end; None if there is no such."""
        state = self._states.get(name)
        if state is None:
            return None
        answerer = state.answerer or self._default
        happened = state.happened
        fired = answerer.faults.ledger.fired(name)
        return Verdict(
            missed=happened.tally[Outcome.MISS],
            misses=tuple(happened.misses),
            unused=answerer.tape.unused(name),
            live_calls=happened.live_calls,
            drifted=happened.drifted,
            drift=tuple(happened.drift),
            fired=fired,
            never_fired=tuple(
                rule.name
                for rule in answerer.faults.overlay.rules
                if rule.name not in fired and rule.match.may_concern(name)
            ),
            not_done=tuple(happened.not_done),
        )

    def _info(self, name: str, state: _State[P]) -> SessionInfo:
        now_s = self._clock.now()
        setup = state.setup
        if state.answerer is None:
            into = name if name != DEFAULT_SESSION else self._run.record_into
            setup = replace(self._run, record_into=into)
        return SessionInfo(
            name=name,
            configured=state.answerer is not None,
            setup=setup,
            age_s=now_s - state.since_s,
            idle_s=now_s - state.used_s,
            tally=dict(state.happened.tally),
            missing=state.found.missing if state.found is not None else (),
        )

    # -- ending ----------------------------------------------------------------------------

    def reset(self, name: str) -> bool:
        """Begin a session anew, set up as it is; whether there is such a session."""
        state = self._states.get(name)
        if state is None:
            return False
        self._over(name)
        (state.answerer or self._default).forget(name)
        state.happened = Remembered()
        return True

    def delete(self, name: str) -> bool:
        """Forget a session; whether there was such. What it recorded stays open, see `end`."""
        self._over(name)
        state = self._states.pop(name, None)
        answerer = self._set_up.pop(name, self._default)
        answerer.forget(name)
        return state is not None

    def delete_prefix(self, prefix: str) -> int:
        """Forget all sessions whose names begin so; says how many there were."""
        return sum(self.delete(name) for name in self._beginning(prefix))

    async def end(self, name: str, *, keep: bool = True, fresh: bool = False) -> Ended:
        """Forget a session and close its recording; without `keep` nothing recorded stays.

        With `fresh`, what its cassette has and was not recorded now goes as well. A cassette that
        other sessions record into stays open for them.

        Raises:
            UsageError: other sessions record into its cassette, and it is not to be kept.
            CassetteError: the recording could not be closed. The session is forgotten all the same.
        """
        info = self.get(name)
        if info is None:
            return Ended(existed=False, closed=None)
        into = info.setup.record_into or name
        others = self._recording_into(into) - {name}
        if others and not keep:
            raise UsageError(
                f"cassette {into}: session {min(others)} records into it as well, so nothing can "
                f"be taken back for {name} alone; give each session a cassette of its own"
            )
        self.delete(name)
        closed = None if others else await self._sources.close(into, keep=keep, fresh=fresh)
        return Ended(existed=True, closed=closed)

    def idle(self, now_s: float | None = None, idle_s: float = IDLE_SECONDS) -> tuple[str, ...]:
        """The sessions that have been idle for so long."""
        now_s = self._clock.now() if now_s is None else now_s
        return tuple(name for name, one in self._states.items() if now_s - one.used_s >= idle_s)

    def expire(self, now_s: float | None = None, idle_s: float = IDLE_SECONDS) -> tuple[str, ...]:
        """Forget the sessions that were idle for so long; gives their names."""
        idle = self.idle(now_s, idle_s)
        for name in idle:
            self.delete(name)
        return idle

    def _over(self, name: str) -> None:
        """Tell what there is to say of a session, as long as it is known."""
        if self.when_over is not None and (verdict := self.verify(name)) is not None:
            self.when_over(self._info(name, self._states[name]), verdict)

    def _recording_into(self, cassette: str) -> set[str]:
        """The sessions that were set up to record into a cassette."""
        return {
            name
            for name in self._set_up
            if (setup := self._states[name].setup).record_into == cassette
            and setup.mode in _RECORDING
        }

    def _beginning(self, prefix: str) -> list[str]:
        return [name for name in self._states if name.startswith(prefix)]
