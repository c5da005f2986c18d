"""Where sessions get their recordings from, and where what they record goes.

Cassettes are loaded when they are first named, and again when their files have changed. Recordings
of sessions that name the same cassettes are in memory once. `serving` makes it, sessions ask it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from llmreplay.core.faults.glob import Glob
from llmreplay.core.policy import Mode
from llmreplay.core.tape import Tape
from llmreplay.errors import UsageError
from llmreplay.service.hosts import FORWARDING
from llmreplay.session import Found

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmreplay.cassettes import Closed, Index, Library, Loaded, Recorder
    from llmreplay.core.hosts import Hosts

__all__ = ["RECORDING", "FromFolder", "KnownHosts", "Reel", "tape_of"]

RECORDING = frozenset({Mode.ALL, Mode.NEW})
"""The modes that store what passes."""

_LATELY = 16
"""Selections of cassettes that stay in memory though no session has them."""

_Stamp = tuple[str, int, int, int]


class Reel:
    """The recordings of some cassettes; what is `loaded` says for which hosts they are."""

    def __init__(self, loaded: Loaded) -> None:
        self.tape = tape_of(loaded)
        self.loaded = loaded


class KnownHosts:
    """The hosts that sessions know, made once for all that are alike."""

    def __init__(self, make: Callable[[Mode, Loaded], Hosts]) -> None:
        self._make = make
        self._made: dict[object, Hosts] = {}

    def of(self, mode: Mode, loaded: Loaded) -> Hosts:
        """The hosts as they are judged in `mode`, where `loaded` is replayed."""
        bases = tuple(sorted(loaded.base_paths.items()))
        key = (mode in FORWARDING, loaded.upstreams, bases)
        if key not in self._made:
            self._made[key] = self._make(mode, loaded)
        return self._made[key]


class FromFolder:
    """The cassettes of one library, and its recorder if there is one. Implements `Sources`."""

    def __init__(  # noqa: PLR0913  # all that sessions may use
        self,
        library: Library,
        index: Index,
        whole: Reel,
        *,
        hosts: KnownHosts,
        recorder: Recorder | None,
        reaches_out: bool,
        keep_errors: bool = False,
        told: Callable[[Closed], None] = lambda _: None,
    ) -> None:
        """`told` is called with what became of each cassette that is closed."""
        self._library = library
        self._index = index
        self._whole = whole
        self._hosts = hosts
        self._recorder = recorder
        self._reaches_out = reaches_out
        self._keep_errors = keep_errors
        self._told = told
        self._reels: WeakValueDictionary[tuple[_Stamp, ...], Reel] = WeakValueDictionary()
        self._lately: deque[Reel] = deque(maxlen=_LATELY)
        self._one_at_a_time = asyncio.Lock()

    def check(self, mode: Mode, record_into: str) -> None:
        """Raises UsageError if this run cannot do what `mode` asks for, or not there."""
        if mode in FORWARDING and not self._reaches_out:
            raise UsageError(
                f"mode {mode}: this run only replays, and nothing leaves this machine; start it "
                "with `llmreplay record`, or with `llmreplay serve --on-miss record`"
            )
        if mode in RECORDING and self._recorder is None:
            raise UsageError(
                f"mode {mode}: this run records nothing; start it with `llmreplay record`, or "
                "with `llmreplay serve --on-miss record`"
            )
        self._library.path(record_into)

    async def find(self, cassettes: tuple[str, ...] | None, mode: Mode) -> Found:
        """The recordings in `cassettes`, names or globs, or in all that the run has loaded.

        Raises:
            UsageError: one of them can be no cassette's name.
            CassetteError: one is broken.
        """
        if cassettes is None:
            reel = self._whole
            hosts = self._hosts.of(mode, reel.loaded)
            return Found(reel.tape, hosts, f"{self._library.folder}/", (), reel)
        async with self._one_at_a_time:
            return await asyncio.to_thread(self._found, cassettes, mode)

    async def close(self, cassette: str, *, keep: bool, fresh: bool) -> Closed | None:
        """End recording into `cassette`; None if nothing is. Raises CassetteError."""
        if self._recorder is None:
            return None
        closed = await self._recorder.close_one(
            cassette, keep=keep, keep_errors=self._keep_errors, fresh=fresh
        )
        if closed is not None:
            self._told(closed)
        return closed

    def _found(self, cassettes: tuple[str, ...], mode: Mode) -> Found:
        stamps, missing = self._named(cassettes)
        reel = self._reels.get(stamps)
        if reel is None:
            names = [name for name, *_ in stamps]
            reel = Reel(self._library.load(self._index, names=names))
            self._reels[stamps] = reel
        self._lately.append(reel)
        shown = ", ".join(str(self._library.folder / f"{name}.yaml") for name in cassettes)
        return Found(reel.tape, self._hosts.of(mode, reel.loaded), shown, missing, reel)

    def _named(self, cassettes: tuple[str, ...]) -> tuple[tuple[_Stamp, ...], tuple[str, ...]]:
        """The cassettes that are there, and the names of those that are not."""
        found: dict[str, _Stamp] = {}
        missing: list[str] = []
        listed: tuple[str, ...] | None = None
        for name in cassettes:
            matching: tuple[str, ...] = (name,)
            if "*" in name:
                if listed is None:
                    listed = self._library.names() if self._library.folder.is_dir() else ()
                matching = tuple(filter(Glob(name).matches, listed))
            stamps = {one: self._stamp(one) for one in matching}
            there = {one: stamp for one, stamp in stamps.items() if stamp is not None}
            found |= there
            if not there:
                missing.append(name)
        return tuple(found.values()), tuple(missing)

    def _stamp(self, name: str) -> _Stamp | None:
        """What changes when a cassette does; None for one that is not there."""
        try:
            stat = self._library.path(name).stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return name, stat.st_mtime_ns, stat.st_size, stat.st_ino


def tape_of(loaded: Loaded) -> Tape:
    """The recordings of cassettes, in their order."""
    tape = Tape()
    for cassette in loaded.cassettes:
        for recording in cassette.recordings:
            tape.add(recording)
    return tape
