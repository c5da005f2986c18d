"""Variables of this very process, set for a while and put back as they were."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Variables"]


class Variables:
    """What was in the environment before it was changed. Children inherit what is set."""

    def __init__(self) -> None:
        self._before: dict[str, str | None] = {}
        self._set: dict[str, str] = {}

    def set(self, values: Mapping[str, str]) -> None:
        """Set `values`; what they had before is kept."""
        for name, value in values.items():
            self._before.setdefault(name, os.environ.get(name))
            os.environ[name] = self._set[name] = value

    def undone(self, environ: Mapping[str, str]) -> dict[str, str]:
        """`environ` without what was set here; what was changed since then holds."""
        before = {
            name: self._before[name] if environ.get(name) == value else environ.get(name)
            for name, value in self._set.items()
        }
        whole = {**environ, **before}
        return {name: value for name, value in whole.items() if value is not None}

    def restore(self) -> None:
        """Put everything back, also what was changed again meanwhile."""
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        self._before.clear()
        self._set.clear()
