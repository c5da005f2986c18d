"""llmreplay, run in this process with as many servers as wanted, so that requests have times."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from llmreplay.replay.background import Background
from llmreplay.service import serving

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from llmreplay.core.journal import Entry
    from llmreplay.settings import Settings

__all__ = ["Seen", "Server", "Servers"]

# Requests are told as they come, and not some together: it is their times that are looked at.
serving._TELL_SECONDS = 0.0


@dataclass(frozen=True, slots=True)
class Seen:
    """A request, or a connection that never brought one: when it came, when it was over."""

    began: float
    ended: float
    status: int
    outcome: str
    faults: tuple[str, ...]


class Server:
    """One llmreplay: its address, and what it saw, by session. A `Report`."""

    def __init__(self, settings: Settings) -> None:
        self.service = serving.Service(settings, self)
        self.seen: dict[str, list[Seen]] = defaultdict(list)
        self.warnings: list[str] = []

    @property
    def url(self) -> str:
        return self.service.url

    def listening(self, url: str, cassettes: int, exchanges: int) -> None:
        """See `Report`."""

    def write(self, entry: Entry) -> None:
        """See `Report`."""
        ended = time.perf_counter()
        began = ended - entry.elapsed_ms / 1000
        seen = Seen(began, ended, entry.status, entry.outcome.value, entry.faults)
        self.seen[entry.session].append(seen)

    def note(self, text: str) -> None:
        """See `Report`."""

    def warn(self, text: str) -> None:
        """See `Report`."""
        self.warnings.append(text)

    def requests(self, session: str) -> tuple[Seen, ...]:
        """Those of a session, in the order in which they came."""
        return tuple(sorted(self.seen[session], key=lambda seen: seen.began))


class Servers:
    """A thread with a loop, in which servers run between `start` and the end of the block."""

    def __init__(self) -> None:
        self._background = Background("servers")
        self._running: list[Server] = []

    def start(self, every: Sequence[Settings]) -> list[Server]:
        """A server for each."""
        return self._background.run(self._start(every))

    async def _start(self, every: Sequence[Settings]) -> list[Server]:
        servers = []
        for settings in every:
            server = Server(settings)
            await server.service.__aenter__()
            self._running.append(server)
            servers.append(server)
        return servers

    async def _stop(self) -> None:
        await asyncio.gather(
            *(server.service.__aexit__(None, None, None) for server in self._running)
        )

    def __enter__(self) -> Self:
        self._background.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._background.run(self._stop())
        self._background.stop()
