"""The canonical form: one spelling for all requests that mean the same.

It decides what takes part in a match and what does not. What a provider's fields mean is the
dialect's to say; hashing is `fingerprint`'s, comparing `mismatch`'s. Cassettes are run through
it when they are loaded, live requests when they arrive, under the same settings.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmreplay.core.dialect import Dialect, Json
    from llmreplay.core.exchange import Headers, Request

__all__ = ["BodyKind", "Canonical", "MatchSettings", "Strictness", "canonical"]


class Strictness(StrEnum):
    """How recordings are found."""

    EXACT = "exact"
    """By meaning: the fingerprints are equal."""
    ORDER = "order"
    """By place: the n-th request with a method and path gets the n-th recording with them."""


@dataclass(frozen=True, slots=True)
class MatchSettings:
    """What the user says about which requests are the same.

    `ignore` are JSONPaths of body fields to leave out, or `?name` for a query parameter;
    `replace` pairs an RE2 pattern with the text to put in place of what it matches, in every
    string of path, query and body; `headers` are names of headers that take part; `presets`
    are names in `PRESETS`.
    """

    strictness: Strictness = Strictness.EXACT
    ignore: tuple[str, ...] = ()
    replace: tuple[tuple[str, str], ...] = ()
    headers: tuple[str, ...] = ()
    presets: tuple[str, ...] = ()


class BodyKind(StrEnum):
    """What a body turned out to be, by its bytes."""

    NONE = "none"
    JSON = "json"
    MULTIPART = "multipart"
    FORM = "form"
    TEXT = "text"
    BINARY = "binary"


@dataclass(frozen=True, slots=True)
class Canonical:
    """A request in canonical form.

    `body` is a JSON value for every kind of body: a multipart body or a form is a list of its
    parts or fields, a text is a string, bytes are their length and digest.
    `ids` are the ids that the form has names of its own for, in order of first appearance.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Headers = ()
    kind: BodyKind = BodyKind.NONE
    body: Json = None
    ids: tuple[str, ...] = field(default=(), compare=False)


def canonical(request: Request, dialect: Dialect, settings: MatchSettings) -> Canonical:
    """The canonical form of `request`. Never raises for any request."""
    raise NotImplementedError
