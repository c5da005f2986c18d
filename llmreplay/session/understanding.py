"""What a request means: its dialect, its canonical form, and what it is looked up by.

The same code reads recorded requests when cassettes are loaded and live ones when they arrive;
that is why they agree.
"""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from llmreplay.core.canonical import Canonical, MatchSettings, canonical
from llmreplay.core.dialect import Dialect, Json
from llmreplay.core.exchange import Request
from llmreplay.core.fingerprint import Fingerprint, features, fingerprint
from llmreplay.core.tape import Asked
from llmreplay.dialects.registry import recognise

__all__ = ["Indexed", "Understood", "index_request", "understand"]


@dataclass(frozen=True, slots=True)
class Understood:
    """A redacted request and its meaning."""

    request: Request
    dialect: Dialect
    canonical: Canonical
    asked: Asked

    @property
    def model(self) -> str | None:
        """The model asked for, where the dialect knows."""
        return self.dialect.model(self.request.parts.path, _json(self.request.body))


@dataclass(frozen=True, slots=True)
class Indexed:
    """What a recording is found by; small, and worth keeping on disk."""

    fingerprint: Fingerprint
    features: tuple[int, ...]
    method: str
    path: str


def understand(request: Request, settings: MatchSettings) -> Understood:
    """The meaning of a request that is redacted already.

    The dialect is told by the request's shape alone and never by the host, since a request by
    base URL does not name one.
    """
    dialect = recognise(request, None)
    meaning = canonical(request, dialect, settings)
    asked = Asked(fingerprint(meaning), meaning.method, meaning.path, request.upstream)
    return Understood(request, dialect, meaning, asked)


def index_request(request: Request, settings: MatchSettings) -> Indexed:
    """What a recorded request is found by."""
    understood = understand(request, settings)
    asked = understood.asked
    return Indexed(
        asked.fingerprint,
        features(understood.canonical, understood.dialect),
        asked.method,
        asked.path,
    )


def _json(body: bytes) -> Json:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
