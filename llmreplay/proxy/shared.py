"""What all connections of one listener share: limits, counts, who is there now.

`listener` makes one `Shared`; `greeting`, `connection` and `relay` keep themselves in it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeAlias

from llmreplay.proxy.ourselves import Ourselves

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp import web
    from aiohttp.http import RawRequestMessage
    from aiohttp.streams import StreamReader

    from llmreplay.core.clock import Clock
    from llmreplay.proxy.connect import Came, Gate

__all__ = ["Begun", "Counts", "Early", "Guest", "Handler", "Limits", "Shared"]

Handler: TypeAlias = "Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]"


class Begun(Protocol):
    """A request that was looked at on arrival: read, and answered if that took no waiting."""

    @property
    def instant(self) -> bytes | None:
        """The whole answer, if it may be written at once."""
        ...

    def told(self) -> None:
        """It was written."""
        ...

    def keep(self, came: Came, data: bytes) -> None:
        """Remember that these bytes are this request, and nothing besides."""
        ...


class Early(Protocol):
    """Looks at requests as their bytes arrive, and answers what takes no waiting."""

    def at_once(
        self, came: Came, message: RawRequestMessage, payload: StreamReader
    ) -> Begun | None:
        """A request that is here whole; None for one that is left as it was."""
        ...

    def again(self, came: Came, data: bytes) -> Begun | None:
        """The request that these bytes are, if they were kept."""
        ...


class Limits(Protocol):
    """What one client may make this process hold or wait for; see `llmreplay.settings`."""

    @property
    def max_connections(self) -> int:
        """At a time."""
        ...

    @property
    def max_header_bytes(self) -> int:
        """Of each line of a head, and of a head that comes in pieces."""
        ...

    @property
    def max_body_bytes(self) -> int:
        """Of a body that is announced; who reads it counts one that is not."""
        ...

    @property
    def header_timeout_ms(self) -> float:
        """From the first byte of a head to its end, and for a TLS handshake."""
        ...

    @property
    def body_timeout_ms(self) -> float:
        """The longest silence within a body."""
        ...

    @property
    def idle_timeout_ms(self) -> float:
        """The longest silence between requests."""
        ...


class Guest(Protocol):
    """A connection, whatever is spoken on it."""

    def sweep(self, now: float) -> None:
        """Look at how the client has been doing, at `now` on the shared clock."""
        ...

    def retire(self) -> None:
        """Close as soon as what was asked for is answered."""
        ...

    def cut(self) -> None:
        """Close now, whatever is going on."""
        ...


@dataclass(slots=True)
class Counts:
    """What connections have met since the start."""

    accepted: int = 0
    turned_away: int = 0
    """For want of room."""
    refused: int = 0
    """Requests that were malformed or too large, and hosts that are not to be reached."""
    slow: int = 0
    failed: int = 0
    """Requests that met a fault of ours."""
    tunnels: int = 0
    """Connections that were passed by unread."""


@dataclass(slots=True)
class Shared:
    """What all connections of one listener share."""

    handler: Handler
    limits: Limits
    max_connections: int
    clock: Clock
    say: Callable[[str], None]
    gate: Gate | None = None
    early: Early | None = None
    ourselves: Ourselves = field(default_factory=Ourselves)
    counts: Counts = field(default_factory=Counts)
    open: set[Guest] = field(default_factory=set)
    finishing: set[asyncio.Task[None]] = field(default_factory=set)
    """Handlers that go on although their client has left."""
    quiet: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while there is neither a connection nor such a handler."""

    def enter(self, guest: Guest) -> None:
        """A connection is open."""
        self.open.add(guest)
        self.settle()

    def leave(self, guest: Guest) -> None:
        """It is closed."""
        self.open.discard(guest)
        self.settle()

    def replace(self, guest: Guest, by: Guest) -> None:
        """From now on it is in the care of `by`."""
        self.open.discard(guest)
        self.open.add(by)

    def settle(self) -> None:
        """Say whether all is quiet."""
        if self.open or self.finishing:
            self.quiet.clear()
        else:
            self.quiet.set()
