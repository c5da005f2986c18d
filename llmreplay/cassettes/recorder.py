"""Recording for those who must not wait on a disk: one writer thread for all cassettes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmreplay.cassettes.library import Index, Library
    from llmreplay.cassettes.take import Closed, Scan
    from llmreplay.core.exchange import Exchange

__all__ = ["MakeRedact", "Recorder", "Redact"]

Redact: TypeAlias = "Callable[[Exchange], Exchange]"


class MakeRedact(Protocol):
    """Makes the redaction of one cassette from the text that is in it already."""

    def __call__(self, existing_text: str) -> Redact:
        """One function for all exchanges of the cassette: its placeholders go on counting."""
        ...


class Recorder:
    """The takes of one run, for the event loop.

    Each cassette is opened when it is first needed, or by `open`, and closed by `close`.
    """

    def __init__(
        self, library: Library, *, make_redact: MakeRedact, scan: Scan, index: Index
    ) -> None:
        raise NotImplementedError

    async def open(self, cassette: str) -> None:
        """Open a cassette now, so that what is wrong with it shows at the start.

        Raises:
            UsageError, CassetteError: as `Take.open`.
        """
        raise NotImplementedError

    def reserve(self, cassette: str) -> int:
        """The number of a request that has just arrived; waits for nothing."""
        raise NotImplementedError

    async def append(self, cassette: str, exchange: Exchange) -> str:
        """Redact and store `exchange` (its `number` was reserved); gives its source.

        When it returns, the exchange is durable.

        Raises:
            UsageError, CassetteError: as `Take.open` and `Take.append`.
        """
        raise NotImplementedError

    async def close(self, *, keep_errors: bool = False, fresh: bool = False) -> tuple[Closed, ...]:
        """Close all takes, whatever becomes of any one of them.

        Raises:
            CassetteError: the messages of those that could not be closed.
        """
        raise NotImplementedError
