"""What the answerers of a run have in common, as long as any of them has it.

Meanings depend on the hosts that are known, answers on the recordings and their timing: those who
have the same share what was worked out, and when the last of them goes, all of it goes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar
from weakref import WeakKeyDictionary, WeakValueDictionary

from llmreplay.core.policy import looks_for_recordings
from llmreplay.session.calls import HasSize
from llmreplay.session.meanings import Meanings
from llmreplay.session.replaying import Replays

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmreplay.core.plan import Plan
    from llmreplay.core.tape import Tape
    from llmreplay.core.timing import Timing
    from llmreplay.session.calls import Settled

__all__ = ["Shared"]

P = TypeVar("P", bound=HasSize)

_ByPace: TypeAlias = "WeakValueDictionary[tuple[Timing, int], Replays[P]]"


class Shared(Generic[P]):
    """Meanings and made answers, by what they depend on."""

    def __init__(self, prepare: Callable[[Plan], P]) -> None:
        self._prepare = prepare
        self._meanings: WeakValueDictionary[tuple[int, bool], Meanings] = WeakValueDictionary()
        self._replays: WeakKeyDictionary[Tape, _ByPace[P]] = WeakKeyDictionary()

    def meanings(self, settled: Settled) -> Meanings:
        """Those of calls that are answered under these settings."""
        seeks = looks_for_recordings(settled.mode)
        key = (id(settled.hosts), seeks)  # which it holds, so that they live as long
        found = self._meanings.get(key)
        if found is None:
            found = self._meanings[key] = Meanings(
                settled.hosts,
                settled.match,
                max_decoded_bytes=settled.max_decoded_bytes,
                seeks=seeks,
            )
        return found

    def replays(self, tape: Tape, settled: Settled) -> Replays[P]:
        """Those of a tape's recordings, under these settings."""
        by_pace = self._replays.setdefault(tape, WeakValueDictionary())
        key = (settled.timing, settled.seed)
        found = by_pace.get(key)
        if found is None:
            found = by_pace[key] = Replays(settled, self._prepare)
        return found
