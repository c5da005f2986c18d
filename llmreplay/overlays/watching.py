"""Overlay files that may change while running: new rules when they are sound, the old ones if not.

It compares what the system says of the files and knows no clock: the service asks it now and then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmreplay.errors import UsageError
from llmreplay.overlays.files import load_overlays

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


__all__ = ["Watched"]


class Watched:
    """The rules of some files, as they were when they last made sense."""

    def __init__(self, paths: Sequence[Path]) -> None:
        """Reads them. Raises UsageError for mistakes: at the start they are not passed over."""
        self._paths = tuple(paths)
        self._seen = self._stamps()
        self.rules = load_overlays(self._paths)

    def changed(self) -> str | None:
        """Looks again. None if nothing changed, else what to tell; `rules` are new if sound."""
        seen = self._stamps()
        if seen == self._seen:
            return None
        self._seen = seen
        try:
            self.rules = load_overlays(self._paths)
        except UsageError as error:
            return f"overlays changed and are not sound, the rules before stay: {error}"
        return f"overlays changed: {len(self.rules)} rules"

    def _stamps(self) -> tuple[tuple[int, int, int] | None, ...]:
        return tuple(map(_stamp, self._paths))


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """What changes when a file does; None for one that is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
