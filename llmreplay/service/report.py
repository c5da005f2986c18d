"""Who is told what happens in a run: the console is one, tests have their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from llmreplay.core.journal import Entry

__all__ = ["Report"]


class Report(Protocol):
    """Who is told what happens."""

    def listening(self, url: str, cassettes: int, exchanges: int) -> None:
        """The address; said first."""
        ...

    def write(self, entry: Entry) -> None:
        """One request."""
        ...

    def note(self, text: str) -> None:
        """Something worth knowing."""
        ...

    def warn(self, text: str) -> None:
        """Something wrong that does not stop the run."""
        ...
