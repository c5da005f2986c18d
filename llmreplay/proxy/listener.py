"""The door: opens a port, lets clients in, looks after them, and closes in good order.

Decides where it may listen and how many may come in. Knows nothing of requests, which each
`connection` hands to the handler given here. `service` starts and stops it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from aiohttp import web
from aiohttp.http_parser import HttpRequestParser

from llmreplay.errors import UsageError
from llmreplay.proxy.complaints import Complaints
from llmreplay.proxy.greeting import Greeting
from llmreplay.proxy.ourselves import Ourselves
from llmreplay.proxy.place import BACKLOG, Place
from llmreplay.proxy.shared import Shared

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmreplay.core.clock import Clock
    from llmreplay.proxy.connect import Gate
    from llmreplay.proxy.shared import Counts, Early, Handler, Limits

__all__ = ["Listener"]

_SWEEP_SECONDS: Final = 1.0
_CUT_SECONDS: Final = 5.0
"""How long handlers that are cancelled may take to clean up."""
_FILES_PER_CONNECTION: Final = 2
"""The client's, and one to the upstream."""
_OTHER_FILES: Final = 128


class Listener:
    """Listens on one port, on each address that the host's name has.

    `handler` gets each request; what it returns is written, if it is not written already. What
    clients do wrong goes to `say`, bounded, line by line; without it, to the log. With a
    `gate` it is a proxy, too: it speaks TLS, and does what CONNECT asks for. `early` looks
    at requests first, and may spare them the handler.
    """

    def __init__(  # noqa: PLR0913  # what it is told by, each given by name
        self,
        handler: Handler,
        limits: Limits,
        *,
        clock: Clock,
        say: Callable[[str], None] | None = None,
        gate: Gate | None = None,
        early: Early | None = None,
    ) -> None:
        self._clock = clock
        self._say = say or logging.getLogger(__name__).warning
        self._complaints = Complaints(self._say)
        self._shared = Shared(
            handler,
            limits,
            limits.max_connections,
            clock,
            self._complain,
            gate=gate,
            early=early,
        )
        self._servers: list[asyncio.Server] = []
        self._sweeping: asyncio.Task[None] | None = None

    async def start(self, host: str, port: int, *, allow_remote: bool = False) -> str:
        """Listen, and return the URL of the place; port 0 takes any that is free.

        Raises `UsageError` for a port that is taken or privileged, a host that is none of this
        machine, and, unless `allow_remote`, one that other machines can reach.
        """
        _require_c_parser()
        place = await Place.named(host, port)
        if not place.loopback:
            self._allow_remote(host, allowed=allow_remote)
        self._allow_files()
        sockets = place.open()
        port = sockets[0].getsockname()[1]
        addresses = tuple(address for _, address in place.addresses)
        self._shared.ourselves = Ourselves(host.lower(), addresses, port)
        factory = partial(Greeting, web.Server(self._shared.handler), self._shared)
        loop = asyncio.get_running_loop()
        for sock in sockets:
            self._servers.append(await loop.create_server(factory, sock=sock, backlog=BACKLOG))
        self._sweeping = asyncio.create_task(self._sweep())
        return place.url(port)

    async def stop(self, grace_seconds: float) -> None:
        """Let nobody in, let what is being answered end within `grace_seconds`, cut the rest."""
        for server in self._servers:
            server.close()
        shared = self._shared
        shared.settle()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace_seconds):
                await self._retired()
        for connection in tuple(shared.open):
            connection.cut()
        for task in tuple(shared.finishing):
            task.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CUT_SECONDS):
                await shared.quiet.wait()
        if self._sweeping is not None:
            self._sweeping.cancel()
            await asyncio.wait({self._sweeping})

    def leads_here(self, address: str, port: int) -> bool:
        """Whether a connection to `address` and `port` would end at this listener."""
        return self._shared.ourselves.at(address, port)

    @property
    def open_connections(self) -> int:
        """How many there are now."""
        return len(self._shared.open)

    @property
    def counts(self) -> Counts:
        """What connections have met since the start."""
        return replace(self._shared.counts)

    async def _retired(self) -> None:
        """Close each connection when it falls idle, until there is none."""
        shared = self._shared
        while not shared.quiet.is_set():
            for connection in tuple(shared.open):
                connection.retire()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.05):
                    await shared.quiet.wait()

    async def _sweep(self) -> None:
        """About once a second, look after everybody."""
        while True:
            await self._clock.sleep_until(self._clock.now() + _SWEEP_SECONDS)
            now = self._clock.now()
            self._complaints.settle(now)
            for connection in tuple(self._shared.open):
                try:
                    connection.sweep(now)
                except Exception as error:  # noqa: BLE001  # one must not end the watch over all
                    self._complain(f"looking after a connection failed: {error!r}")

    def _complain(self, line: str) -> None:
        self._complaints.say(self._clock.now(), line)

    def _allow_remote(self, host: str, *, allowed: bool) -> None:
        opens = "every machine that reaches this one can read the recordings and send requests"
        if not allowed:
            raise UsageError(
                f"{host} is not only this machine: {opens}; take --host 127.0.0.1, or say "
                "--allow-remote if that is meant"
            )
        self._say(f"listening on {host}: {opens}")

    def _allow_files(self) -> None:
        """Make room for as many open files as connections need, or for fewer connections."""
        wanted = self._shared.max_connections
        files = _raise_file_limit(wanted * _FILES_PER_CONNECTION + _OTHER_FILES)
        possible = max(1, (files - _OTHER_FILES) // _FILES_PER_CONNECTION)
        if possible < wanted:
            self._shared.max_connections = possible
            self._say(
                f"room for {possible:,} connections at a time, not {wanted:,}, for only "
                f"{files:,} files may be open: raise it with ulimit -n"
            )


def _require_c_parser() -> None:
    """The pure-Python parser is slower by far, and laxer with malformed requests."""
    if HttpRequestParser.__module__ != "aiohttp._http_parser":
        raise UsageError(
            "aiohttp is running without its C parser: unset AIOHTTP_NO_EXTENSIONS, or install "
            "aiohttp from a wheel"
        )


def _raise_file_limit(wanted: int) -> int:
    """How many files may be open now, raised towards `wanted` as far as the system allows."""
    try:
        import resource  # noqa: PLC0415  # not on Windows, where there is no such limit
    except ImportError:
        return wanted
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    if soft == unlimited or soft >= wanted:
        return wanted
    aim = wanted if hard == unlimited else min(wanted, hard)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (aim, hard))
        return aim
    return soft
