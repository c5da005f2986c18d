"""The value that comparing yields."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Difference"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference between a request and a recording, as a sentence.

    `ignore` is what `match.ignore` would name to leave it out, if anything would. `texts` are
    the recorded and the asked text, where words differ. `weight` is what it counts for when
    the nearest of several recordings is chosen.
    """

    sentence: str
    ignore: str | None = None
    texts: tuple[str, str] | None = None
    weight: int = 1
