"""A folder of cassettes: names ⇄ paths, listing, loading for replay."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from llmreplay.cassettes.reading import Limits
from llmreplay.core.exchange import Exchange, Request

if TYPE_CHECKING:
    from pathlib import Path

    from llmreplay.cassettes.index_cache import IndexCache
    from llmreplay.core.canonical import Strictness
    from llmreplay.core.fingerprint import Fingerprint
    from llmreplay.core.tape import Recording

__all__ = ["Cassette", "Index", "Indexed", "Library", "Loaded"]


@dataclass(frozen=True, slots=True)
class Indexed:
    """What a request is found by. `path` is the canonical one."""

    fingerprint: Fingerprint
    features: Sequence[int]
    method: str
    path: str


Index: TypeAlias = Callable[[Request, str], Indexed]
"""(stored request with its upstream, base path) → what it is found by. Never raises."""


@dataclass(frozen=True, slots=True)
class Cassette:
    """A loaded cassette. Its recordings are in the order in which they answer."""

    name: str
    path: Path
    strictness: Strictness | None
    """What the cassette's own settings ask for, or None."""
    recordings: tuple[Recording, ...]


@dataclass(frozen=True, slots=True)
class Loaded:
    """All cassettes by name, and what a person should know: torn tails, files passed over."""

    cassettes: tuple[Cassette, ...]
    warnings: tuple[str, ...] = ()


class Library:
    """The cassettes below a folder."""

    def __init__(self, folder: Path, limits: Limits | None = None) -> None:
        """Nothing is read yet, and the folder need not exist."""
        self.folder = folder
        self.limits = limits or Limits()

    def path(self, name: str) -> Path:
        """Where the cassette `name` is or would be.

        Raises:
            UsageError: it is no name of a cassette.
        """
        raise NotImplementedError

    def names(self) -> tuple[str, ...]:
        """The names of all cassettes, sorted.

        Raises:
            UsageError: there is no such folder.
        """
        raise NotImplementedError

    def exchanges(self, name: str) -> tuple[Exchange, ...]:
        """Every exchange in a cassette, by number, whole: for `show`, `ls`, `check`, export.

        Raises:
            CassetteError: there is no such file, or it is broken.
        """
        raise NotImplementedError

    def load(
        self, index: Index, *, names: Sequence[str] | None = None, cache: IndexCache | None = None
    ) -> Loaded:
        """Make all cassettes (or those named) ready for replay.

        Responses stay on disk until they are asked for.

        Raises:
            UsageError: there is no such folder, or no cassette of a given name.
            CassetteError: the mistakes of all files, together.
        """
        raise NotImplementedError
