"""One take of one cassette: opened, appended to, closed. All blocking IO."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self, TypeAlias

if TYPE_CHECKING:
    from pathlib import Path

    from llmreplay.cassettes.library import Index, Library
    from llmreplay.core.exchange import Exchange

__all__ = ["Closed", "Finding", "Scan", "Take"]


class Finding(Protocol):
    """A secret that was left. The secret itself is in nothing that gets printed."""

    @property
    def kind(self) -> str:
        """Which kind of secret, as in `secret-formats`."""
        ...

    @property
    def start(self) -> int:
        """Where it begins in the text."""
        ...


Scan: TypeAlias = Callable[[str], Sequence[Finding]]


@dataclass(frozen=True, slots=True)
class Closed:
    """What closing a take made of its cassette."""

    name: str
    path: Path
    new: int = 0
    """Exchanges that were not there before."""
    replaced: int = 0
    """Old exchanges that gave way to newer ones."""
    unchanged: int = 0
    """Exchanges that were recorded again and came out the same."""
    dropped: int = 0
    """Transient failures and, with `fresh`, exchanges not seen again."""


class Take:
    """One recording run of one cassette. It holds the cassette's lock until it is closed.

    `torn` is where an unfinished last document of an earlier run was put, if there was one.
    """

    torn: Path | None

    @classmethod
    def open(cls, library: Library, name: str, scan: Scan) -> Self:
        """Lock the cassette `name` and be ready to append.

        Raises:
            UsageError: another recorder has it open, or the name or folder cannot be used.
            CassetteError: what is there is broken, so that nothing may be added to it.
        """
        raise NotImplementedError

    def append(self, exchange: Exchange) -> str:
        """Write one exchange and make it durable; gives its source, `cassette#number`.

        Its `number` is its order within this take; `recorded` must be set.

        Raises:
            CassetteError: a secret was left in it, or it could not be written. The file is as
                it was before, and later exchanges may succeed.
        """
        raise NotImplementedError

    def close(self, index: Index, *, keep_errors: bool = False, fresh: bool = False) -> Closed:
        """Rewrite the cassette atomically: this take's exchanges replace older ones.

        Raises:
            CassetteError: it could not be rewritten. Everything recorded is in the file still.
        """
        raise NotImplementedError
