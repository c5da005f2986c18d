"""The tape: recordings in memory, found by fingerprint or by route, and how far each session is.

It decides which recordings a request may get and in which order; what comes after the last one
is `matching`'s to say. It holds no body: a recording loads its exchange when asked. Cassettes
fill it; sessions and explanations read it, the latter also from another thread.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from llmreplay.core.canonical import Strictness

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from llmreplay.core.exchange import Exchange
    from llmreplay.core.fingerprint import Fingerprint

__all__ = ["Asked", "Indexed", "Queue", "Recording", "Route", "Tape"]

Route: TypeAlias = tuple[str, str]
"""Method and canonical path."""


@dataclass(frozen=True, slots=True)
class Indexed:
    """What a recorded request is found by: small, and worth keeping on disk.

    `path` is the canonical one. `features` may be any sequence of ints; an `array("Q")` is a
    quarter of a tuple.
    """

    fingerprint: Fingerprint
    features: Sequence[int]
    method: str
    path: str


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """One recorded exchange, without its bodies: what it is found by, as in `Indexed`, and where.

    `source` is `cassette#number`. `upstream` is None where it is not known: such a recording
    answers for any. `strictness` is what its cassette asks for.
    """

    fingerprint: Fingerprint
    features: Sequence[int]
    upstream: str | None
    method: str
    path: str
    source: str
    load: Callable[[], Exchange]
    strictness: Strictness = Strictness.EXACT


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request is looked up by. Sessions keep it for request bytes that come again."""

    fingerprint: Fingerprint
    method: str
    path: str
    upstream: str | None = None


class Queue:
    """Recordings that answer one after the other. It is itself the key of a session's cursor."""

    __slots__ = ("_parts", "recordings")

    def __init__(self, recordings: list[Recording]) -> None:
        self.recordings = recordings
        self._parts: dict[str | None, Queue] = {}
        """By upstream. Empty as long as all recordings have one upstream, as most have."""

    def add(self, recording: Recording) -> None:
        """Put `recording` after all that are there."""
        first = self.recordings[0].upstream
        self.recordings.append(recording)
        if self._parts:
            self._add_to_parts(recording)
        elif recording.upstream != first:
            self._parts = {name: self._part(name) for name in (first, recording.upstream)}

    def of(self, upstream: str | None) -> Queue | None:
        """Those for a request to `upstream`; None is a request that might go to any."""
        if upstream is None:
            return self
        if self._parts:
            return self._parts.get(upstream) or self._parts.get(None)
        return self if self.recordings[0].upstream in {None, upstream} else None

    def _add_to_parts(self, recording: Recording) -> None:
        name = recording.upstream
        for part_name, part in self._parts.items():
            if name in {None, part_name}:
                part.recordings.append(recording)
        if name not in self._parts:
            self._parts[name] = self._part(name)

    def _part(self, upstream: str | None) -> Queue:
        return Queue([one for one in self.recordings if one.upstream in {None, upstream}])


class Tape:
    """Recordings, and for each session how often it was at each queue."""

    def __init__(self) -> None:
        self._recordings: list[Recording] = []
        self._exact: dict[Fingerprint, Queue] = {}
        self._ordered: dict[Route, Queue] = {}
        self._routes: dict[Route, Queue] = {}
        self._cursors: dict[str, dict[Queue, int]] = {}

    def add(self, recording: Recording) -> None:
        """Put `recording` after all that are there."""
        route = (recording.method, recording.path)
        self._recordings.append(recording)
        _put(self._routes, route, recording)
        if recording.strictness is Strictness.ORDER:
            _put(self._ordered, route, recording)
        else:
            _put(self._exact, recording.fingerprint, recording)

    def __len__(self) -> int:
        return len(self._recordings)

    def __iter__(self) -> Iterator[Recording]:
        """All recordings, in the order they were added."""
        return iter(tuple(self._recordings))

    def by_meaning(self, asked: Asked) -> Queue | None:
        """The recordings with this fingerprint, but for those that are found by order only."""
        queue = self._exact.get(asked.fingerprint)
        return queue.of(asked.upstream) if queue is not None else None

    def by_order(self, asked: Asked, *, every: bool) -> Queue | None:
        """The recordings with this method and path: `every` one, or those that ask for it."""
        queue = (self._routes if every else self._ordered).get((asked.method, asked.path))
        return queue.of(asked.upstream) if queue is not None else None

    def step(self, session: str, queue: Queue) -> int:
        """How often `session` was at `queue` before; it is one more from now on."""
        places = self._cursors.get(session)
        if places is None:
            places = self._cursors[session] = {}
        place = places.get(queue, 0)
        places[queue] = place + 1
        return place

    def forget(self, session: str) -> None:
        """Start `session` anew; nothing of it stays in memory."""
        self._cursors.pop(session, None)

    def unused(self, session: str) -> tuple[Recording, ...]:
        """The recordings that `session` was never given, in the order of the tape."""
        used = {
            recording
            for queue, count in self._cursors.get(session, {}).items()
            for recording in queue.recordings[:count]
        }
        return tuple(recording for recording in self._recordings if recording not in used)

    def on_route(self, method: str, path: str) -> tuple[Recording, ...]:
        """All recordings of this method and path, of any upstream."""
        queue = self._routes.get((method, path))
        return tuple(queue.recordings) if queue is not None else ()

    def routes(self) -> tuple[Route, ...]:
        """The methods and paths that are recorded, in the order of their first recordings."""
        return tuple(self._routes)


Place = TypeVar("Place", bytes, Route)


def _put(queues: dict[Place, Queue], place: Place, recording: Recording) -> None:
    queue = queues.get(place)
    if queue is None:
        queues[place] = Queue([recording])
    else:
        queue.add(recording)
