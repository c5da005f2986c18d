"""What forwarding looks like to those who ask for it: a request out, a live response back.

`session` names these shapes without knowing which HTTP client is behind them; `upstream`
provides the real one, tests their own. A forwarder that finds nobody raises `UpstreamError`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from llmreplay.core.exchange import Ending, Headers, Request

__all__ = ["Forwarder", "LiveResponse"]


class LiveResponse(Protocol):
    """A response whose head is here and whose body is on its way, still content-encoded."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        ...

    @property
    def reason(self) -> str:
        """The reason phrase as sent; may be empty."""
        ...

    @property
    def headers(self) -> Headers:
        """The headers as sent, less the hop-by-hop ones; content-length is kept."""
        ...

    @property
    def content_length(self) -> int | None:
        """Bytes of the body as announced (before decoding); None when it was not."""
        ...

    @property
    def has_begun(self) -> bool:
        """Whether some of the body is here already, or its end."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives, in pieces as the network gave them. Never raises.

        How it ended is in `ending`, known once this is exhausted. To be iterated once.
        """
        ...

    @property
    def ending(self) -> Ending:
        """How the message ended; RESET for one that was left before its end."""
        ...

    @property
    def problem(self) -> str:
        """What went wrong if it did not end well, in plain words; else empty."""
        ...

    async def close(self) -> None:
        """Let go of the connection; harmless when the body was read to its end."""
        ...


class Forwarder(Protocol):
    """Sends requests to where their URL points."""

    async def send(self, request: Request) -> LiveResponse:
        """The response to `request`, as soon as its head is here.

        `request` has its headers whole and its body as the client sent it. Raises
        `UpstreamError`, with a message to act on, when there was no answer at all.
        """
        ...
