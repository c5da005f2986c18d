"""What the control API needs of a run besides sessions and journal; `service` gives it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llmreplay.core.dialect import Usage
    from llmreplay.core.policy import Mode

__all__ = ["Run", "Shelved"]


class Shelved(NamedTuple):
    """A cassette that is loaded, by its name."""

    name: str
    exchanges: int


class Run(Protocol):
    """A run of `serve` or `record`."""

    @property
    def mode(self) -> Mode:
        """How its default session treats its cassettes."""
        ...

    def cassettes(self) -> Sequence[Shelved]:
        """What is loaded."""
        ...

    def usages(self, sources: Sequence[str]) -> Mapping[str, Usage]:
        """Tokens of exchanges (`cassette#number`) that can be read. Called in a thread."""
        ...

    def ca_pem(self) -> str:
        """The certificate of the local CA; made, if there is none. Called in a thread.

        Raises:
            UsageError: it cannot be made.
        """
        ...
