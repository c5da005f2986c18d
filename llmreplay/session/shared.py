"""What the answerers of a run have in common.

Those who replay from the same tape share what was worked out: meanings, if they know the same
hosts, and answers, if they have the same timing. It goes with the tape.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar
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


class Shared(Generic[P]):
    """Meanings and made answers, by what they depend on."""

    def __init__(self, prepare: Callable[[Plan], P]) -> None:
        self._prepare = prepare
        self._by_tape: WeakKeyDictionary[Tape, _OfTape[P]] = WeakKeyDictionary()

    def meanings(self, tape: Tape, settled: Settled) -> Meanings:
        """Those of calls that are answered from a tape, under these settings."""
        known = self._of(tape).meanings
        seeks = looks_for_recordings(settled.mode)
        key = (id(settled.hosts), seeks)  # which it holds, so that no others get their id
        found = known.get(key)
        if found is None:
            found = known[key] = Meanings(
                settled.hosts,
                settled.match,
                max_decoded_bytes=settled.max_decoded_bytes,
                seeks=seeks,
            )
        return found

    def replays(self, tape: Tape, settled: Settled) -> Replays[P]:
        """Those of a tape's recordings, under these settings."""
        of_tape = self._of(tape)
        key = (settled.timing, settled.seed)
        found = of_tape.replays.get(key)
        if found is None:
            found = of_tape.replays[key] = Replays(settled, self._prepare)
        of_tape.latest = found
        return found

    def _of(self, tape: Tape) -> _OfTape[P]:
        found = self._by_tape.get(tape)
        if found is None:
            found = self._by_tape[tape] = _OfTape()
        return found


class _OfTape(Generic[P]):
    """What is worked out for one tape. Seeds are many: of unused answers only the latest stay."""

    def __init__(self) -> None:
        self.meanings: dict[tuple[int, bool], Meanings] = {}
        self.replays: WeakValueDictionary[tuple[Timing, int], Replays[P]] = WeakValueDictionary()
        self.latest: Replays[P] | None = None
