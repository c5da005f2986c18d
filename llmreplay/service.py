"""The only wiring: builds the parts from the settings, starts them, stops them.

`run` is the whole life of `record` and `serve`: loop, signals, exit status. It decides nothing
about requests; that is `session`'s. The commands call it.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import secrets
import signal
import sys
import time
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Protocol, Self
from urllib.parse import urlsplit

from llmreplay.cassettes import Index, IndexCache, Library, Loaded, Recorder
from llmreplay.core.exchange import Recorded
from llmreplay.core.hosts import Hosts
from llmreplay.core.journal import Outcome
from llmreplay.core.matching import AfterLast
from llmreplay.core.policy import Mode, on_miss
from llmreplay.core.redaction import Redactor
from llmreplay.core.routing import Upstream, Upstreams
from llmreplay.core.tape import Tape
from llmreplay.dialects.providers import PROVIDERS, provider_of_host
from llmreplay.errors import LlmreplayError
from llmreplay.proxy.listener import Listener
from llmreplay.proxy.reverse import Reverse
from llmreplay.proxy.wire import Prepared
from llmreplay.session import Answerer, Settled, index_request
from llmreplay.upstream import Patience
from llmreplay.upstream import Upstream as Forwarding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from llmreplay.core.exchange import Request
    from llmreplay.core.journal import Entry
    from llmreplay.core.tape import Indexed
    from llmreplay.settings import Settings

__all__ = ["Report", "Service", "run"]

_FORWARDING = frozenset({Mode.ALL, Mode.NEW, Mode.FORWARD, Mode.OFF})
_RECORDING = frozenset({Mode.ALL, Mode.NEW})
_GRACE_SECONDS = 10.0
_SWITCH_SECONDS = 0.0005


class Report(Protocol):
    """Who is told what happens."""

    def listening(self, url: str, cassettes: int, exchanges: int) -> None:
        """The address; said first."""
        ...

    def write(self, entry: Entry) -> None:
        """One request."""
        ...

    def note(self, text: str) -> None:
        """Something worth knowing."""
        ...

    def warn(self, text: str) -> None:
        """Something wrong that does not stop the run."""
        ...


def run(settings: Settings, report: Report) -> int:
    """Serve until SIGINT or SIGTERM; the exit status is 0, or 1 if something was not stored.

    Raises `UsageError` or `CassetteError` for what is wrong before the first request.
    """
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(_run(settings, report))


async def _run(settings: Settings, report: Report) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with Service(settings, report) as service:
        await stop.wait()
    return service.status


class Service:
    """All parts of one run, as an async context manager: listening inside, stopped after it.

    `url` is the address; `status` is 1 once something could not be stored.
    """

    def __init__(self, settings: Settings, report: Report) -> None:
        self.url = ""
        self.status = 0
        self._settings = settings
        self._report = report
        self._library = Library(settings.cassettes)
        self._mode = _mode(settings, self._library)
        self._forwarder: Forwarding | None = None
        self._recorder: Recorder | None = None
        self._listener: Listener | None = None

    async def __aenter__(self) -> Self:
        """Load, open and listen."""
        settings = self._settings
        with _all_of_it_stays():
            loaded = self._load()
            tape = Tape()
            for cassette in loaded.cassettes:
                for recording in cassette.recordings:
                    tape.add(recording)
        for warning in loaded.warnings:
            self._report.warn(warning)
        await self._open_ways_out()
        clock = _LoopClock()
        answerer = Answerer(
            tape,
            self._settled(loaded),
            clock=clock,
            prepare=Prepared,
            forwarder=self._forwarder,
            recorder=self._recorder,
            stamp=partial(_stamp, secrets.token_hex(2)),
        )
        reverse = Reverse(
            answerer,
            clock=clock,
            tell=self._tell,
            max_body_bytes=settings.limits.max_body_bytes,
        )
        self._listener = Listener(reverse.handle, settings.limits, say=self._report.warn)
        try:
            self.url = await self._listener.start(
                settings.host, settings.port, allow_remote=settings.allow_remote
            )
        except BaseException:
            await self._close()
            raise
        self._report.listening(self.url, len(loaded.cassettes), len(tape))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let running answers end, then close the take."""
        if self._listener is not None:
            await self._listener.stop(_GRACE_SECONDS)
        await self._close()

    def _load(self) -> Loaded:
        """What is to be replayed: nothing, where everything is recorded."""
        if self._mode is Mode.ALL or self._mode is Mode.OFF:
            return Loaded(())
        if self._mode is not Mode.REPLAY and not self._library.folder.exists():
            return Loaded(())
        return self._library.load(
            _index_by(self._settings),
            cache=IndexCache(self._settings.match_digest),
        )

    async def _open_ways_out(self) -> None:
        """Upstream and recorder, only where the mode may use them: replay has no way out."""
        if self._mode in _FORWARDING:
            limits = self._settings.limits
            self._forwarder = Forwarding(
                patience=Patience(
                    connect_seconds=limits.connect_timeout_ms / 1000,
                    silence_seconds=limits.upstream_timeout_ms / 1000,
                ),
                vouched_hosts=_vouched_hosts(self._settings),
            )
        if self._mode in _RECORDING:
            # The writer's thread redacts and dumps; a request must not wait 5 ms for its turn.
            sys.setswitchinterval(_SWITCH_SECONDS)
            self._recorder = Recorder(
                self._library,
                # What requests are to be found by must be stored.
                make_redactor=partial(
                    Redactor.continuing, also_store=self._settings.match.header_names
                ),
                index=_index_by(self._settings),
                warn=_on_this_loop(self._report.warn),
            )
            await self._recorder.open(self._settings.cassette)

    def _tell(self, entry: Entry) -> None:
        """Report a request. An answer that came and yet failed is one that was not stored."""
        if entry.outcome is Outcome.FAILED and entry.first_byte_ms is not None:
            self.status = 1
        self._report.write(entry)

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

    def _settled(self, loaded: Loaded) -> Settled:
        settings = self._settings
        return Settled(
            mode=self._mode,
            hosts=Hosts(
                _upstreams(settings, self._mode, loaded),
                covers=lambda _host: True,
                forwards=self._mode in _FORWARDING,
            ),
            match=settings.match,
            after_last=AfterLast(settings.after_last),
            timing=settings.timing,
            miss_status=settings.miss_status,
            cassette=settings.cassette,
            seed=settings.seed,
            cassettes_shown=f"{settings.cassettes}/",
            max_decoded_bytes=settings.limits.max_decoded_bytes,
            after_client_seconds=settings.limits.drain_timeout_ms / 1000,
        )


class _LoopClock:
    """Real time. `perf_counter` costs a quarter of what the loop's own clock does."""

    def now(self) -> float:
        return time.perf_counter()

    async def sleep_until(self, moment: float) -> None:
        await asyncio.sleep(moment - time.perf_counter())


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Take uvloop where it is installed; None stands for asyncio's own."""
    with contextlib.suppress(ImportError):
        import uvloop  # noqa: PLC0415  # not on every platform

        return uvloop.new_event_loop
    return None


def _mode(settings: Settings, library: Library) -> Mode:
    """The settings' words as one mode. `once` is settled here: record if there is no cassette."""
    if settings.mode == "replay":
        return on_miss(settings.on_miss)
    if settings.mode == "once":
        return Mode.REPLAY if library.path(settings.cassette).exists() else Mode.ALL
    return Mode(settings.mode)


def _upstreams(settings: Settings, mode: Mode, loaded: Loaded) -> Upstreams:
    """Known providers, the user's own names over them, and what the bare path reaches.

    A provider whose customers each have an own host is known by name for replay only.
    """
    named = {
        name: Upstream(name, provider.url)
        for name, provider in PROVIDERS.items()
        if provider.url is not None or mode not in _FORWARDING
    }
    named |= {name: Upstream(name) for name in loaded.upstreams if name not in named}
    named |= {name: Upstream(name, url.rstrip("/")) for name, url in settings.upstreams.items()}
    bare = None
    if settings.upstream is not None:
        address = settings.upstream.rstrip("/")
        provider = provider_of_host(_host(address))
        own_paths = provider.own_paths if provider is not None else ()
        bare = Upstream(provider.name if provider is not None else "default", address, own_paths)
    return Upstreams(
        named=named,
        bare=bare,
        configured=frozenset(settings.upstreams),
        recorded_bases=loaded.base_paths,
        provider_of_host=_provider_name,
        allowed=frozenset(settings.allow_hosts),
    )


def _provider_name(host: str) -> str | None:
    provider = provider_of_host(host)
    return provider.name if provider is not None else None


def _index_by(settings: Settings) -> Index:
    def index(request: Request, base_path: str) -> Indexed:  # noqa: ARG001  # the URL has it whole
        return index_request(request, settings.match)

    return index


def _on_this_loop(warn: Callable[[str], None]) -> Callable[[str], None]:
    """`warn`, for those on other threads."""
    loop = asyncio.get_running_loop()

    def later(text: str) -> None:
        loop.call_soon_threadsafe(warn, text)

    return later


def _stamp(take: str) -> Recorded:
    return Recorded(_utc(int(time.time())), take)


@lru_cache(maxsize=1)
def _utc(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _vouched_hosts(settings: Settings) -> frozenset[str]:
    """Hosts that may have a private address: those that the user named, and known local ones."""
    local = (
        provider.url
        for provider in PROVIDERS.values()
        if provider.url is not None and provider.url.startswith("http://")
    )
    named = (*settings.upstreams.values(), *filter(None, (settings.upstream,)), *local)
    return frozenset(_host(url) for url in named)


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


@contextlib.contextmanager
def _all_of_it_stays() -> Iterator[None]:
    """What is made in the block lives as long as the process: the collector need not walk it.

    With 10,000 recordings this is a third of the start, and a pause less in each minute after.
    """
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()
