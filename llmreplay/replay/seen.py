"""A request that came, as a test reads it: what was asked, redacted, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from llmreplay.core.exchange import header

if TYPE_CHECKING:
    from llmreplay.core.exchange import Headers
    from llmreplay.core.journal import Entry

__all__ = ["Seen", "seen"]


@dataclass(frozen=True, slots=True)
class Seen:
    """One request, as it was sent but for its secrets, and its outcome.

    `outcome` is `hit`, `miss`, `recorded`, `forwarded`, `failed`, `fault` or `refused`; `path` is
    the target without the session; `faults` tell which rules did what; `detail` explains a miss.
    """

    method: str
    path: str
    headers: Headers
    body: bytes
    session: str
    outcome: str
    status: int
    upstream: str | None = None
    model: str | None = None
    source: str | None = None
    faults: tuple[str, ...] = ()
    drift: tuple[str, ...] = ()
    detail: str = ""

    @property
    def json(self) -> Any:  # noqa: ANN401  # whatever the client sent
        """The body as JSON; None where there is none. Raises ValueError for what is no JSON."""
        return orjson.loads(self.body) if self.body else None

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    def header(self, name: str) -> str | None:
        """The first header of this name, in any case; credentials are not shown."""
        return header(self.headers, name)


def seen(entry: Entry) -> Seen:
    """What a test sees of a journal entry. The request is redacted now."""
    request = entry.sent.request() if entry.sent is not None else None
    return Seen(
        method=entry.method,
        path=entry.target,
        headers=request.headers if request is not None else (),
        body=request.body if request is not None else b"",
        session=entry.session,
        outcome=entry.outcome.value,
        status=entry.status,
        upstream=entry.upstream,
        model=entry.model,
        source=entry.source,
        faults=entry.faults,
        drift=entry.drift,
        detail=entry.detail,
    )
