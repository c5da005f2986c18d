"""The journal of a run: its last entries, numbered, to be paged through, filtered and followed.

It is bounded by count and by bytes; the oldest go first, and numbers are never used again. It
holds requests as they came and shows them redacted. Of one event loop, and of no other thread.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, Self, TypeAlias, TypedDict
from weakref import ref

from llmreplay.core.faults.glob import Glob

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType
    from typing import Unpack

    from llmreplay.core.journal import Entry, Outcome

__all__ = ["Following", "Journal", "Noted", "Wanted"]

MAX_ENTRIES = 10_000
MAX_BYTES = 32 * 2**20

_ENTRY_BYTES = 1_000
"""What an entry takes without its longer texts and its request."""


_Kept: TypeAlias = "tuple[int, float, Entry, int]"
"""As in `Noted`, and its cost: a plain tuple, for there is one for every request."""


class Noted(NamedTuple):
    """An entry, its number from 1, and when it was noted, in seconds since 1970."""

    number: int
    at_s: float
    entry: Entry


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries are wanted: those of which everything holds that is given.

    `session`, `upstream` and `model` are globs; `text` is looked for in all that an entry shows,
    in any case.
    """

    session: str | None = None
    upstream: str | None = None
    model: str | None = None
    outcome: Outcome | None = None
    status: int | None = None
    text: str | None = None

    def holds(self, entry: Entry) -> bool:
        """Whether `entry` is wanted."""
        return (
            (self.outcome is None or entry.outcome is self.outcome)
            and (self.status is None or entry.status == self.status)
            and _like(self.session, entry.session)
            and _like(self.upstream, entry.upstream)
            and _like(self.model, entry.model)
            and (self.text is None or self.text.lower() in _shown(entry).lower())
        )


class _Given(TypedDict, total=False):
    """`Wanted`, as arguments."""

    session: str | None
    upstream: str | None
    model: str | None
    outcome: Outcome | None
    status: int | None
    text: str | None


class Journal:
    """The last entries of a run. `time_of_day` is in seconds since 1970."""

    def __init__(
        self,
        time_of_day: Callable[[], float] = lambda: 0.0,
        *,
        max_entries: int = MAX_ENTRIES,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self.dropped = 0
        """How many entries had to go."""
        self._time_of_day = time_of_day
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._bytes = 0
        self._number = 0
        self._kept: deque[_Kept] = deque()
        self._followers: list[ref[Following]] = []

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def last_number(self) -> int:
        """The number of the last entry that was noted; 0 before the first."""
        return self._number

    @property
    def size_bytes(self) -> int:
        """What the entries take in memory, nearly."""
        return self._bytes

    def add(self, entry: Entry) -> None:
        """Note an entry. A request that would take a quarter of the room is not kept with it."""
        cost = _cost(entry)
        if cost * 4 > self._max_bytes:
            entry = entry._replace(sent=None, detail=entry.detail[: self._max_bytes // 16])
            cost = _cost(entry)
        self._number = number = self._number + 1
        one = (number, self._time_of_day(), entry, cost)
        kept = self._kept
        kept.append(one)
        self._bytes += cost
        while len(kept) > self._max_entries or self._bytes > self._max_bytes:
            self._bytes -= kept.popleft()[3]
            self.dropped += 1
        if self._followers:
            self._tell(Noted(*one[:3]))

    def page(self, after: int = 0, limit: int = 100, **wanted: Unpack[_Given]) -> tuple[Noted, ...]:
        """The first entries with a number above `after` that are `Wanted`, `limit` at most."""
        holds = Wanted(**wanted).holds
        found = (one for one in self._kept if one[0] > after and holds(one[2]))
        return tuple(Noted(*one[:3]) for one in islice(found, limit))

    def newest(self, limit: int = 100, **wanted: Unpack[_Given]) -> tuple[Noted, ...]:
        """The last entries that are `Wanted`, the newest first, `limit` at most."""
        holds = Wanted(**wanted).holds
        found = (one for one in reversed(self._kept) if holds(one[2]))
        return tuple(Noted(*one[:3]) for one in islice(found, limit))

    def find(self, number: int) -> Noted | None:
        """The entry with this number; None if it had to go, or never was."""
        found = self.page(number - 1, 1)
        return found[0] if found and found[0].number == number else None

    def subscribe(self, *, max_waiting: int = 1_000, **wanted: Unpack[_Given]) -> Following:
        """The entries that are `Wanted` as they come, from now on."""
        following = Following(Wanted(**wanted), max_waiting)
        self._followers.append(ref(following, self._followers.remove))
        return following

    def clear(self, session: str | None = None) -> int:
        """Forget all entries, or those of one session; says how many there were."""
        stays = [one for one in self._kept if session not in {None, one[2].session}]
        gone = len(self._kept) - len(stays)
        self._kept = deque(stays)
        self._bytes = sum(one[3] for one in stays)
        return gone

    def _tell(self, noted: Noted) -> None:
        for follower in tuple(self._followers):
            following = follower()
            if following is not None:  # pragma: no branch  # it is taken out as it goes
                following.tell(noted)


class Following:
    """New entries as they come: `async for` waits for each, `close` or the end of `with` ends it.

    Who is slow loses the oldest of those that wait; `dropped` counts them.
    """

    def __init__(self, wanted: Wanted, max_waiting: int) -> None:
        self.dropped = 0
        self._wanted = wanted
        self._waiting: deque[Noted] = deque(maxlen=max_waiting)
        self._more = asyncio.Event()
        self._closed = False

    def tell(self, noted: Noted) -> None:
        """An entry was noted."""
        if self._closed or not self._wanted.holds(noted.entry):
            return
        self.dropped += len(self._waiting) == self._waiting.maxlen
        self._waiting.append(noted)
        self._more.set()

    def close(self) -> None:
        """No entry comes any more; those that wait still do."""
        self._closed = True
        self._more.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Noted:
        while not self._waiting:
            if self._closed:
                raise StopAsyncIteration
            self._more.clear()
            await self._more.wait()
        return self._waiting.popleft()


def _cost(entry: Entry) -> int:
    """Bytes in memory, nearly; always the same for the same entry."""
    sent = entry.sent
    return _ENTRY_BYTES + len(entry.detail) + (sent.size_bytes if sent is not None else 0)


def _like(pattern: str | None, text: str | None) -> bool:
    return pattern is None or _glob(pattern).matches(text or "")


@lru_cache(maxsize=64)
def _glob(pattern: str) -> Glob:
    return Glob(pattern)


def _shown(entry: Entry) -> str:
    return "\n".join(_texts(entry))


def _texts(entry: Entry) -> Iterator[str]:
    yield from (entry.session, entry.outcome, entry.method, entry.target, str(entry.status))
    yield from (entry.upstream or "", entry.model or "", entry.source or "", entry.detail)
    yield from entry.drift
    yield from entry.faults
