"""Under which upstream's name an imported exchange goes: a known provider's, else its host's.

Imported files know URLs only; names and base paths are llmreplay's own. `assembly` asks.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

__all__ = ["upstream_of"]

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]")


def upstream_of(url: str) -> tuple[str, str]:
    """(upstream's name, base path) for an absolute URL."""
    return _NOT_IN_NAMES.sub("-", urlsplit(url).netloc.rpartition("@")[2]), ""
