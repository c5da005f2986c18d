"""A server in this process: `Service` on a loop in a thread, and its parts asked from outside.

It adds nothing to what the service does. `Replay` and the pytest plugin are made of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from llmreplay.control.answers import ProblemError
from llmreplay.control.setups import read_rule_list, read_setup
from llmreplay.core.journal import Outcome
from llmreplay.environment import Served, variables
from llmreplay.errors import UsageError
from llmreplay.replay.background import Background
from llmreplay.replay.driven import Checked, Opened, scoped
from llmreplay.replay.seen import seen
from llmreplay.service import Service
from llmreplay.service.hosts import FORWARDING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from llmreplay.certificates import Files
    from llmreplay.core.dialect import Json
    from llmreplay.core.journal import Entry
    from llmreplay.replay.seen import Seen
    from llmreplay.session import Noted
    from llmreplay.settings import Settings

__all__ = ["Notices", "Server"]

_MOST_AT_ONCE = 1_000

_T = TypeVar("_T")


class Notices:
    """What a run has to say to a person, kept until somebody asks. Nothing is printed."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def listening(self, url: str, cassettes: int, exchanges: int) -> None:
        """Nobody need be told: who started it asks for its `url`."""

    def write(self, entry: Entry) -> None:
        """The journal has it."""

    def note(self, text: str) -> None:
        """Nothing that a test would act upon."""

    def warn(self, text: str) -> None:
        """Keep it."""
        self.warnings.append(text)


class Server:
    """A running service, from `start` to `stop`. Its methods wait; they are for other threads.

    `reaches_out` and `loads` are as for `Service`. Implements `Driven`.
    """

    def __init__(
        self, settings: Settings, *, reaches_out: bool = False, loads: bool = True
    ) -> None:
        self.notices = Notices()
        self._service = Service(settings, self.notices, reaches_out=reaches_out, loads=loads)
        self._background = Background("llmreplay")
        self._files: Files | None = None
        self._rules: dict[str | None, list[str]] = {}

    @property
    def url(self) -> str:
        """The address."""
        return self._service.url

    def start(self) -> None:
        """Load and listen. Raises UsageError or CassetteError."""
        self._background.start()
        try:
            self._background.run(self._service.__aenter__())
        except BaseException:
            self._background.stop()
            raise

    def stop(self) -> None:
        """Close what is recorded, and end."""
        try:
            self._background.run(self._service.__aexit__(None, None, None))
        finally:
            self._background.stop()

    # -- sessions --------------------------------------------------------------------------

    def put(self, name: str, words: Mapping[str, Json]) -> Opened:
        """Set up a session. Raises UsageError or CassetteError."""
        setup = _told(lambda: read_setup(dict(words)))

        async def put() -> Opened:
            sessions = self._service.sessions
            info = await sessions.put(name, setup)
            verdict = sessions.verify(name)
            recordings = verdict.unused if verdict is not None else ()
            return Opened(
                replaying=info.setup.mode not in FORWARDING,
                missing=info.missing,
                recorded=frozenset(one.upstream for one in recordings if one.upstream is not None),
            )

        return self._background.run(put())

    def end(self, name: str, *, keep: bool, fresh: bool = False) -> None:
        """Forget a session, its rules and requests; close its recording. Raises CassetteError."""
        added = self._rules.pop(name, [])

        async def end() -> None:
            try:
                await self._service.sessions.end(name, keep=keep, fresh=fresh)
            finally:
                self._service.rules.remove(added)
                self._service.journal.clear(name)

        self._background.run(end())

    def reset(self, name: str) -> None:
        """Begin a session anew."""
        self._background.ask(lambda: self._service.sessions.reset(name))

    def verify(self, name: str) -> Checked:
        """What there is to say of a session so far."""
        verdict = self._background.ask(lambda: self._service.sessions.verify(name))
        if verdict is None:
            return Checked()
        return Checked(
            missed=verdict.missed,
            explanations=tuple(entry.detail for entry in verdict.misses),
            unused=tuple(recording.source for recording in verdict.unused),
            live_calls=verdict.live_calls,
            drifted=verdict.drifted,
            fired=tuple(verdict.fired.items()),
            never_fired=verdict.never_fired,
        )

    def tally(self, name: str) -> Mapping[Outcome, int]:
        """How many requests of a session had each outcome."""
        return self._background.ask(lambda: self._service.sessions.tally(name))

    def add_rule(self, session: str | None, rule: Mapping[str, Json]) -> None:
        """Lay one more rule over a session, or over all. Raises UsageError."""
        added = self._rules.setdefault(session, [])
        written = scoped(rule, session, len(added) + 1)
        read = _told(lambda: read_rule_list({"rules": [written]}))
        pairs = [(one, written) for one in read]
        added += (one.name for one in read)
        self._background.ask(lambda: self._service.rules.add(pairs))

    # -- the journal -----------------------------------------------------------------------

    @property
    def last_number(self) -> int:
        """The number of the last entry of the journal."""
        return self._background.ask(lambda: self._service.journal.last_number)

    def noted(
        self,
        after: int = 0,
        *,
        session: str | None = None,
        upstream: str | None = None,
        model: str | None = None,
        outcome: Outcome | None = None,
    ) -> tuple[Noted, ...]:
        """The journal's entries behind the number `after` that are wanted, oldest first."""

        def found() -> Iterator[Noted]:
            last, journal = after, self._service.journal
            while page := journal.page(
                last,
                _MOST_AT_ONCE,
                session=session,
                upstream=upstream,
                model=model,
                outcome=outcome,
            ):
                yield from page
                last = page[-1].number

        return self._background.ask(lambda: tuple(found()))

    def requests(
        self,
        *,
        session: str | None = None,
        upstream: str | None = None,
        model: str | None = None,
        outcome: str | None = None,
    ) -> tuple[Seen, ...]:
        """The requests that came, oldest first; what is given are names or globs."""
        try:
            wanted = None if outcome is None else Outcome(outcome)
        except ValueError:
            known = ", ".join(Outcome)
            raise UsageError(f'there is no outcome "{outcome}"; known are {known}') from None
        found = self.noted(session=session, upstream=upstream, model=model, outcome=wanted)
        return tuple(seen(noted.entry) for noted in found)

    # -- the environment -------------------------------------------------------------------

    def environment(
        self, session: str | None, environ: Mapping[str, str], opened: Opened | None = None
    ) -> dict[str, str]:
        """What to set so that clients come here, into `session`. Makes the CA if there is none."""
        files = self._files = self._files or self._service.authority.files()
        service = self._service
        served = Served(
            url=self.url,
            session=session,
            replaying=service.replaying if opened is None else opened.replaying,
            trust=files,
            recorded=service.recorded if opened is None else opened.recorded,
            password=service.password,
        )
        return variables(served, environ)


def _told(read: Callable[[], _T]) -> _T:
    """What is read; a mistake in it is one of whoever wrote the test."""
    try:
        return read()
    except ProblemError as error:
        raise UsageError(error.detail) from error
