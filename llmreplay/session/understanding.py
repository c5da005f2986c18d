"""What a request means: its dialect, its canonical form, and what it is looked up by.

The same code reads recorded requests when cassettes are loaded and live ones when they arrive;
that is why they agree.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from llmreplay.core.canonical import Canonical, MatchSettings, canonical
from llmreplay.core.fingerprint import features, fingerprint
from llmreplay.core.tape import Asked, Indexed
from llmreplay.dialects.registry import recognise

if TYPE_CHECKING:
    from llmreplay.core.dialect import Dialect
    from llmreplay.core.exchange import Request

__all__ = ["Understood", "index_request", "model_of", "understand"]


@dataclass(frozen=True, slots=True)
class Understood:
    """A redacted request and its meaning."""

    request: Request
    dialect: Dialect
    canonical: Canonical
    asked: Asked


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
        array("Q", features(understood.canonical, understood.dialect)),
        asked.method,
        asked.path,
    )


def model_of(request: Request) -> str | None:
    """The model that a request asks for, where its dialect knows."""
    try:
        body = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        body = None
    return recognise(request, None).model(request.parts.path, body)
