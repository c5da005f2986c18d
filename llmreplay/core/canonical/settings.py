"""What a user can say about which requests are the same."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["MatchSettings", "Strictness"]


class Strictness(StrEnum):
    """How recordings are found."""

    EXACT = "exact"
    """By meaning: the fingerprints are equal."""
    ORDER = "order"
    """By place: the n-th request with a method and path gets the n-th recording with them."""


@dataclass(frozen=True, slots=True)
class MatchSettings:
    """`match:` in the settings file.

    `ignore` are JSONPaths of body fields to leave out, as the client spells them, or `?name`
    for a query parameter. `replace` pairs an RE2 pattern with the text, taken as it stands, to
    put in place of what it matches, in any string of path, query and body. `headers` are names
    of headers that take part; `presets` are names in `PRESETS`.
    """

    strictness: Strictness = Strictness.EXACT
    ignore: tuple[str, ...] = ()
    replace: tuple[tuple[str, str], ...] = ()
    headers: tuple[str, ...] = ()
    presets: tuple[str, ...] = ()

    @property
    def header_names(self) -> frozenset[str]:
        """The names in `headers`, in lower case."""
        return frozenset(name.lower() for name in self.headers)
