"""Which dialect a request is in.

Add a provider: one file here, one line in `DIALECTS`. The order decides between two that
recognise the same request; the plain one recognises everything and stands last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmreplay.core.canonical.target import path_of
from llmreplay.dialects.anthropic import ANTHROPIC
from llmreplay.dialects.openai import OPENAI
from llmreplay.dialects.plain import PLAIN

if TYPE_CHECKING:
    from llmreplay.core.dialect import Dialect
    from llmreplay.core.exchange import Request
    from llmreplay.dialects.providers import Provider

__all__ = ["DIALECTS", "by_name", "recognise"]

DIALECTS: tuple[Dialect, ...] = (
    ANTHROPIC,  # before openai: `/v1/models` and `/v1/files` with its header are Anthropic's
    OPENAI,
    PLAIN,
)


def by_name(name: str) -> Dialect | None:
    """The dialect called `name`, or None."""
    return next((dialect for dialect in DIALECTS if dialect.name == name), None)


def recognise(request: Request, provider: Provider | None) -> Dialect:
    """The dialect of `request`: its provider's own where that fits, else the first that does.

    A provider may speak several (Gemini has an OpenAI-compatible side), so its own is asked
    first and not taken for granted; the plain one is nobody's own.
    """
    path = path_of(request.url)
    own = by_name(provider.dialect) if provider is not None else None
    asked = DIALECTS if own is None or own is PLAIN else (own, *DIALECTS)
    return next(
        dialect for dialect in asked if dialect.recognises(request.method, path, request.headers)
    )
