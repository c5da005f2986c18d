"""Under which upstream's name an imported exchange goes: a known provider's, else its host's.

Imported files know URLs only; names are llmreplay's own. `assembly` asks.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from llmreplay.core.routing import name_of
from llmreplay.dialects.providers import provider_of_host

__all__ = ["upstream_name"]


def upstream_name(url: str) -> str:
    """The name for an absolute URL: `openai`, or `llm.example`, or `localhost-8000`."""
    host = urlsplit(url).netloc.rpartition("@")[2]
    provider = provider_of_host(host)
    return provider.name if provider is not None else name_of(host)
