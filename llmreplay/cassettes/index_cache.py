"""What loading found out, kept in the user's cache folder so that the next start is quick."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["IndexCache"]


class IndexCache:
    """Indexes of cassettes, by the digest of their contents.

    `settings_digest` names everything that the injected `Index` depends on: match settings and
    the version of the code. A cache that cannot be read or written is no error: it is empty.
    """

    def __init__(self, settings_digest: str, folder: Path | None = None) -> None:
        raise NotImplementedError
