"""`Replay`: llmreplay as a test drives it, in this process or as one that runs already."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from llmreplay.core.routing import DEFAULT_SESSION
from llmreplay.errors import UsageError
from llmreplay.replay.remote import Remote
from llmreplay.replay.server import Server
from llmreplay.replay.session import Session, base_url
from llmreplay.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType

    from llmreplay.core.dialect import Json
    from llmreplay.replay.application import Application
    from llmreplay.replay.driven import Driven
    from llmreplay.replay.seen import Seen
    from llmreplay.settings import Flag, Settings

__all__ = ["Replay"]

_MODES = {"replay": "replay", "auto": "new", "record": "all", "once": "once", "off": "off"}


class Replay:
    """A server, from `with` to its end; `async with` is the same without holding up the loop.

    Without a `url` it runs in this process, on a free port, in a thread of its own: `mode` is
    `replay`, `auto`, `record`, `once` or `off`, and `settings` are those of `llmreplay.yaml`
    (`timing="recorded"`, `upstreams={"openai": "http://127.0.0.1:9000"}`), which that file and
    variables give as well. With `reaches_out`, sessions may record though the run replays. With a
    `url` it is the server there.

    Raises:
        UsageError, CassetteError: on entering, what is wrong with settings or cassettes.
    """

    def __init__(
        self,
        cassettes: str | Path = "cassettes",
        *,
        mode: str = "replay",
        url: str | None = None,
        reaches_out: bool = False,
        **settings: Any,  # noqa: ANN401  # each setting has its own type
    ) -> None:
        if mode not in _MODES:
            raise UsageError(f'there is no mode "{mode}"; known are {", ".join(_MODES)}')
        self._mode = mode
        self._url = url
        self._reaches_out = reaches_out
        self._given = {"port": 0, "cassettes": str(cassettes), **settings}
        self._driven: Driven | None = None
        self._own: Session | None = None

    def __enter__(self) -> Self:
        settings = self._settings()
        if self._url is not None:
            remote = Remote(self._url, settings)
            remote.mode()
            self._driven = remote
        else:
            server = Server(settings, reaches_out=self._reaches_out)
            server.start()
            self._driven = server
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        own, self._own = self._own, None
        driven, self._driven = self._driven, None
        try:
            if own is not None:
                own.applications.stop()
        finally:
            if isinstance(driven, Server):
                driven.stop()

    async def __aenter__(self) -> Self:
        return await asyncio.to_thread(self.__enter__)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await asyncio.to_thread(self.__exit__, kind, error, trace)

    @property
    def url(self) -> str:
        """The address: of the control API, and as a proxy."""
        return self._running.url

    def base_url(self, provider: str) -> str:
        """The base URL that the SDK of `provider` (`openai`, `anthropic`, …) is to be given."""
        return base_url(self.url, provider)

    def env(self, session: str | None = None) -> dict[str, str]:
        """The variables that lead a program's requests here, to set beside its own."""
        return self._running.environment(session, os.environ, None)

    def start(
        self,
        command: Sequence[str | Path],
        **how: Any,  # noqa: ANN401  # each has its own type
    ) -> Application:
        """Start an application that lives as long as this does, as `Session.start` would.

        Its requests come in the session `default`. What `session("default", …)` sets up holds for
        it from then on, until the end of that block.
        """
        __tracebackhide__ = True
        self._own = self._own or Session(self._running, DEFAULT_SESSION)
        return self._own.start(command, **how)

    @contextmanager
    def session(self, name: str, **setup: Json) -> Iterator[Session]:
        """A session of its own, from here to the end of the block.

        `setup` is as for `PUT sessions/NAME` of the control API: `mode`, `cassettes` (names or
        globs), `record_into`, `rules`, `overlays`, `seed`, `timing`, `match`, `after_last`. If
        the block raises, nothing that it recorded is kept.

        Raises:
            UsageError, CassetteError: it cannot be set up so.
        """
        driven = self._running
        session = Session(driven, name, driven.put(name, setup))
        try:
            try:
                yield session
            finally:
                session.applications.stop()
        except BaseException:
            driven.end(name, keep=False)
            raise
        driven.end(name, keep=True)

    def add_rule(
        self, fault: Json, *, match: Json = None, when: Json = None, name: str | None = None
    ) -> None:
        """Lay one more rule over all sessions, as it is written in an overlay file."""
        given = {"name": name, "match": match, "when": when, "fault": fault}
        rule = {key: value for key, value in given.items() if value is not None}
        self._running.add_rule(None, rule)

    def requests(self, **wanted: str) -> tuple[Seen, ...]:
        """The requests so far, oldest first: of a `session`, `upstream`, `model`, `outcome`."""
        return self._running.requests(**wanted)

    @property
    def last_request(self) -> Seen:
        """The last request that came. Raises UsageError if there was none."""
        requests = self.requests()
        if not requests:
            raise UsageError("no request has come")
        return requests[-1]

    @property
    def _running(self) -> Driven:
        if self._driven is None:
            raise UsageError("this llmreplay is not running: use it inside its `with`")
        return self._driven

    def _settings(self) -> Settings:
        flags = {name: _flag(value) for name, value in self._given.items()}
        found = load_settings(flags=flags, environ=os.environ, folder=Path())
        # "off" is no word of the command line's: whoever runs a server wants one.
        mode: Any = _MODES[self._mode]
        return replace(found, mode=mode)


def _flag(value: Any) -> Flag | None:  # noqa: ANN401  # whatever a setting may be
    """A setting as the command line would have it."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Mapping):
        return tuple(f"{name}={one}" for name, one in value.items())
    if isinstance(value, list | tuple):
        return tuple(map(str, value))
    return str(value)
