"""The value that comparing yields."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Difference"]


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference between a request and a recording, as a sentence.

    `places` are where it is in the body, as JSONPaths; `ignore` is what `match.ignore` would
    name to leave it out, if anything would. `texts` are what differs of two texts, recorded and
    asked; `names` are two names for what might be taken as one. `answer_form` is whether it
    decides which form the answer has. `weight` and `size` (characters) tell which of several
    recordings is the nearest.
    """

    sentence: str
    places: tuple[str, ...] = ()
    ignore: str | None = None
    texts: tuple[str, str] | None = None
    weight: int = 1
    size: int = 0
    names: tuple[str, str] | None = None
    answer_form: bool = False
