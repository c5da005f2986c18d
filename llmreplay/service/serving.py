"""One run: its parts, built from the settings, started, and stopped in good order.

`running` gives it a loop, tests their own.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Self

from llmreplay.cassettes import IndexCache, Library, Loaded, Recorder
from llmreplay.control import Rulebook, Stats
from llmreplay.core.faults import Overlay
from llmreplay.core.hosts import Hosts
from llmreplay.core.journal import Outcome
from llmreplay.core.policy import Mode
from llmreplay.core.redaction import Redactor
from llmreplay.errors import LlmreplayError
from llmreplay.overlays import Watched
from llmreplay.proxy.listener import Listener
from llmreplay.proxy.reverse import Reverse
from llmreplay.proxy.wire import Prepared
from llmreplay.service.clock import LoopClock, stamp
from llmreplay.service.controlling import Controlled, control_of
from llmreplay.service.expiring import retire
from llmreplay.service.gate import Gate
from llmreplay.service.hosts import FORWARDING, authority_of, upstreams_of
from llmreplay.service.lasting import lasting
from llmreplay.service.report import Report
from llmreplay.service.settling import index_by, mode_of, settled_of, setup_of
from llmreplay.service.sources import RECORDING, FromFolder, KnownHosts, Reel
from llmreplay.service.telling import Telling
from llmreplay.service.way_out import begin_way_out, open_way_out
from llmreplay.session import (
    Answerer,
    Faults,
    Journal,
    Sessions,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from llmreplay.cassettes import Closed
    from llmreplay.control import Control
    from llmreplay.core.journal import Entry
    from llmreplay.service.reports import Reporting
    from llmreplay.settings import Settings
    from llmreplay.upstream import Upstream

__all__ = ["Report", "Service"]

_GRACE_SECONDS = 10.0
_SWITCH_SECONDS = 0.0005
_MOST_SHOWN = 5
_LOOK_SECONDS = 0.25
"""How often overlay files are looked at."""
_TELL_SECONDS = 0.01
"""How long entries may wait for others."""
_EXPIRE_SECONDS = 60.0
"""How often idle sessions are looked for."""


class Service:
    """All parts of one run, as an async context manager: listening inside, stopped after it.

    `url` is the address; `status` is 1 once something could not be stored; `misses` counts the
    requests that had no recording. `recorded` are the upstreams that there are recordings of.
    `sessions` and `journal` are there once it listens, for those on its loop.

    With `reaches_out`, sessions may record and forward though the run itself only replays. Unless
    `loads`, cassettes are loaded only as sessions name them. With `owns_process` there is nothing
    but this run in the process, whose garbage collector and threads may then be tuned for it.
    `reporting` reads what there is to tell of the run when it stops.
    """

    def __init__(  # noqa: PLR0913  # what a run may be, and who reads of it
        self,
        settings: Settings,
        report: Report,
        *,
        reaches_out: bool = False,
        loads: bool = True,
        owns_process: bool = False,
        reporting: Reporting | None = None,
    ) -> None:
        self.url = ""
        self.status = 0
        self.misses = 0
        self.recorded: frozenset[str] = frozenset()
        self.authority = authority_of(settings)
        self._settings = settings
        self._report = report
        self._library = Library(settings.cassettes)
        self._mode = mode_of(settings, self._library)
        self._reaches_out = reaches_out or self._mode in FORWARDING
        self._records = reaches_out or self._mode in RECORDING
        self._loads = loads
        self._owns_process = owns_process
        self._reporting = reporting
        self._known_hosts = KnownHosts(self._hosts)
        self._sessions: Sessions[Prepared]
        self._journal = Journal(time.time)
        self._stats = Stats()
        self._telling: Telling
        self._forwarder: Upstream | None = None
        self._recorder: Recorder | None = None
        self._listener: Listener | None = None
        self._gate: Gate | None = None
        self._overlays = Watched(settings.overlays)
        self.rules = Rulebook(
            self._overlays.rules, lambda rules: self._sessions.change_rules(Overlay(rules))
        )
        self._control: Control | None = None
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def password(self) -> str:
        """What clients of the proxy must give; empty where they need not."""
        return self._settings.proxy_password

    @property
    def sessions(self) -> Sessions[Prepared]:
        """The sessions, which know of all that has happened."""
        self._telling.settle()
        return self._sessions

    @property
    def journal(self) -> Journal:
        """The journal, up to now."""
        self._telling.settle()
        return self._journal

    @property
    def replaying(self) -> bool:
        """Whether nothing leaves this machine."""
        return self._mode not in FORWARDING

    async def __aenter__(self) -> Self:
        """Load, open and listen."""
        settings = self._settings
        with lasting() if self._owns_process else contextlib.nullcontext():
            loaded = self._load()
            whole = Reel(loaded)
        self.recorded = frozenset(loaded.upstreams)
        for warning in (*loaded.warnings, *(rule.reminder for rule in self._overlays.rules)):
            if warning:
                self._report.warn(warning)
        await self._open_ways_out()
        self._listener = self._parts(whole)
        try:
            self.url = await self._listener.start(
                settings.host, settings.port, allow_remote=settings.allow_remote
            )
        except BaseException:
            await self._close()
            raise
        if self._forwarder is not None:
            begin_way_out(self._forwarder, self._listener.leads_here, self._report)
        self._report.listening(self.url, len(loaded.cassettes), len(whole.tape))
        self._tasks.append(asyncio.create_task(self._expire()))
        if self._settings.overlays:
            self._tasks.append(asyncio.create_task(self._watch_overlays()))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let running answers end, then close the take."""
        for task in self._tasks:
            task.cancel()
        if self._control is not None:
            self._control.close()
        if self._listener is not None:
            await self._listener.stop(_GRACE_SECONDS)
            self._telling.settle()
        try:
            await self._be_read()
        finally:
            await self._close()
        if self._gate is not None and self._gate.tunnels:
            self._report.note(_passed_by(self._gate.tunnels))

    def _load(self) -> Loaded:
        """What is to be replayed: nothing, where everything is recorded."""
        if self._mode is Mode.ALL or self._mode is Mode.OFF or not self._loads:
            return Loaded(())
        if self._mode is not Mode.REPLAY and not self._library.folder.exists():
            return Loaded(())
        return self._library.load(
            index_by(self._settings),
            cache=IndexCache(self._settings.match_digest),
        )

    def _parts(self, whole: Reel) -> Listener:
        """Everything between the socket and the ways out."""
        settings = self._settings
        clock = LoopClock()
        hosts = self._known_hosts.of(self._mode, whole.loaded)
        self._sessions = Sessions(
            self._answerer(whole, hosts, clock),
            setup_of(settings, self._mode),
            self._sources(whole),
            clock=clock,
        )
        if self._reporting is not None:
            self._sessions.when_over = self._reporting.session_over
        self._telling = Telling(
            partial(asyncio.get_running_loop().call_later, _TELL_SECONDS),
            self._judge,
            self._sessions.tell,
            self._journal.add,
            self._stats.add,
            self._report.write,
        )
        self._control = self._controlled(whole.loaded)
        reverse = Reverse(
            self._sessions,
            clock=clock,
            tell=self._telling.add,
            max_body_bytes=settings.limits.max_body_bytes,
            control=self._control,
        )
        way_out = self._forwarder.tunnel if self._forwarder is not None else None
        self._gate = Gate(
            hosts,
            self.authority,
            way_out,
            settings.proxy_password,
            arriving=self._sessions.arriving,
            tell=self._telling.add,
        )
        return Listener(
            reverse.handle,
            settings.limits,
            clock=clock,
            say=self._report.warn,
            gate=self._gate,
            early=reverse,
        )

    def _answerer(self, whole: Reel, hosts: Hosts, clock: LoopClock) -> Answerer[Prepared]:
        """Who answers for the sessions that nobody set up."""
        return Answerer(
            whole.tape,
            settled_of(self._settings, self._mode, hosts),
            clock=clock,
            prepare=Prepared,
            forwarder=self._forwarder,
            recorder=self._recorder,
            stamp=partial(stamp, secrets.token_hex(2)),
            faults=Faults(Overlay(self._overlays.rules), clock=clock, time_of_day=time.time),
        )

    async def _open_ways_out(self) -> None:
        """Upstream and recorder, only where they may be used: replay has no way out."""
        if self._reaches_out:
            self._forwarder = open_way_out(self._settings, os.environ, self._report.warn)
        if self._records:
            if self._owns_process:
                # The writer's thread redacts and dumps; a request must not wait 5 ms for its turn.
                sys.setswitchinterval(_SWITCH_SECONDS)
            self._recorder = Recorder(
                self._library,
                # What requests are to be found by must be stored.
                make_redactor=partial(
                    Redactor.continuing, also_store=self._settings.match.header_names
                ),
                index=index_by(self._settings),
                warn=_on_this_loop(self._report.warn),
            )
            if self._mode in RECORDING:
                await self._recorder.open(self._settings.cassette)

    async def _expire(self) -> None:
        """Forget sessions that nobody has used for long; what they recorded stays."""
        while True:
            await asyncio.sleep(_EXPIRE_SECONDS)
            await retire(self.sessions, self._report)

    async def _watch_overlays(self) -> None:
        """Take overlay files as they change; broken ones are told, and change nothing."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            before = self._overlays.rules
            told = await asyncio.to_thread(self._overlays.changed)
            if told is None:
                continue
            if self._overlays.rules is before:
                self._report.warn(told)
            else:
                self.rules.take_files(self._overlays.rules)
                self._report.note(told)

    def _controlled(self, loaded: Loaded) -> Control:
        """Who answers what is asked of this run."""
        self._run = Controlled(self._mode, loaded, self._library, self.authority)
        return control_of(
            self._run,
            self._sessions,
            self._journal,
            self.rules,
            self._stats,
            settle=self._telling.settle,
            is_here=self._is_here,
            password=self._settings.proxy_password,
        )

    def _is_here(self, host: str, port: int) -> bool:
        return self._listener is not None and self._listener.leads_here(host, port)

    def _judge(self, entry: Entry) -> None:
        """What a request means for the run. If it failed with an answer, that was not stored."""
        if entry.outcome is Outcome.MISS:
            self.misses += 1
        if entry.outcome is Outcome.FAILED and entry.first_byte_ms is not None:
            self.status = 1

    async def _be_read(self) -> None:
        """Let the report read it all, while exchanges have the numbers that they were given."""
        if self._reporting is not None and self._listener is not None:
            await self._reporting.read(
                self.sessions,
                self.journal,
                mode=self._mode,
                stats=self._stats,
                usages=self._run.usages,
                tunnels=self._gate.tunnels if self._gate is not None else {},
            )

    async def _close(self) -> None:
        if self._forwarder is not None:
            await self._forwarder.close()
        if self._recorder is None:
            return
        try:
            closed = await self._recorder.close(
                keep_errors=self._settings.keep_errors, fresh=self._settings.fresh
            )
        except LlmreplayError as error:
            self.status = 1
            self._report.warn(str(error))
            return
        for take in closed:
            self._report.note(str(take))
            self._take_closed(take)

    def _take_closed(self, take: Closed) -> None:
        if self._reporting is not None:
            self._reporting.closed(take.name, take)

    def _hosts(self, mode: Mode, loaded: Loaded) -> Hosts:
        return Hosts(
            upstreams_of(self._settings, mode, loaded),
            covers=self.authority.covers,
            forwards=mode in FORWARDING,
        )

    def _sources(self, whole: Reel) -> FromFolder:
        return FromFolder(
            self._library,
            index_by(self._settings),
            whole,
            hosts=self._known_hosts,
            recorder=self._recorder,
            reaches_out=self._reaches_out,
            keep_errors=self._settings.keep_errors,
            told=self._take_closed,
        )


def _passed_by(tunnels: dict[str, int]) -> str:
    """Connections that were not recorded, for whoever expected them to be."""
    shown = [f"{place} ({count:,})" for place, count in tunnels.items()]
    more = f" and {len(shown) - _MOST_SHOWN:,} more" if len(shown) > _MOST_SHOWN else ""
    return (
        f"not recorded, for no provider is known there: {', '.join(shown[:_MOST_SHOWN])}{more}; "
        "to record one: --allow-host HOST"
    )


def _on_this_loop(warn: Callable[[str], None]) -> Callable[[str], None]:
    """`warn`, for those on other threads."""
    loop = asyncio.get_running_loop()

    def later(text: str) -> None:
        loop.call_soon_threadsafe(warn, text)

    return later
