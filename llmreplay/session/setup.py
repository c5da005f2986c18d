"""How a session is answered, as it was asked for, and where its recordings come from and go.

Values and the shape of the port; `sessions` uses them, `service` provides the files.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from llmreplay.core.canonical import Strictness
    from llmreplay.core.faults import Rule
    from llmreplay.core.hosts import Hosts
    from llmreplay.core.matching import AfterLast
    from llmreplay.core.policy import Mode
    from llmreplay.core.tape import Tape
    from llmreplay.core.timing import Timing

__all__ = ["AS_THE_RUN", "ClosedTake", "Found", "Setup", "Sources"]


@dataclass(frozen=True, slots=True)
class Setup:
    """How a session is answered; None stands for: as the run is.

    `cassettes` are names or globs, `record_into` is a cassette (usually the session's own name).
    `rules` come after the run's overlays, which `overlays` switches off. With `once`, what `mode`
    says does not count: all is recorded if there is no such cassette, and replayed if there is.
    """

    mode: Mode | None = None
    cassettes: tuple[str, ...] | None = None
    record_into: str | None = None
    rules: tuple[Rule, ...] = ()
    overlays: bool = True
    seed: int | None = None
    timing: Timing | None = None
    after_last: AfterLast | None = None
    strictness: Strictness | None = None
    once: bool = False


AS_THE_RUN = Setup()


class ClosedTake(Protocol):
    """What became of a cassette that was recorded into. Its text is a line for a person."""

    @property
    def new(self) -> int:
        """Exchanges that were not there before."""
        ...

    @property
    def replaced(self) -> int:
        """Old exchanges that gave way to newer ones."""
        ...

    @property
    def unchanged(self) -> int:
        """Exchanges that were recorded again and came out the same."""
        ...

    @property
    def dropped(self) -> int:
        """Exchanges that were not kept."""
        ...


class Found(NamedTuple):
    """What a session replays from, and `shown` for messages.

    `missing` are cassettes that were named and are not there. `shared` lives as long as a session
    that uses the tape.
    """

    tape: Tape
    hosts: Hosts
    shown: str
    missing: tuple[str, ...] = ()
    shared: object = None


class Sources(Protocol):
    """Where cassettes come from, and where recordings go."""

    async def find(self, cassettes: tuple[str, ...] | None, mode: Mode) -> Found:
        """The recordings in `cassettes`, or in all; raises UsageError or CassetteError."""
        ...

    async def close(self, cassette: str, *, keep: bool, fresh: bool) -> ClosedTake | None:
        """End recording into `cassette`; None if nothing is. Raises CassetteError."""
        ...

    def check(self, mode: Mode, record_into: str) -> None:
        """Raises UsageError if this run cannot do what the mode asks for, or not there."""
        ...
