"""Where a request is meant to go: session, upstream and path, read from the request's target.

A target may begin with `/_s/NAME/` (the session) and then with an upstream's name
(`/openai/v1/…`). Everything else is a bare path. Whether a reading is right shows only when a
recording is found, so replay asks for all readings, best first; forwarding takes the first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DEFAULT_SESSION", "Reading", "Upstream", "Upstreams", "session_of", "valid_name"]

DEFAULT_SESSION = "default"

_SESSION_PREFIX = "/_s/"
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}")


@dataclass(frozen=True, slots=True)
class Upstream:
    """A provider endpoint under a name.

    `url` is its address, without a slash at the end; it may have a path, which goes before
    the path of each request. `own_paths` are beginnings of its paths that look like another
    upstream's name, as `/openai/` at Groq and Azure. An upstream that replay has only heard
    of by name has no `url`.
    """

    name: str
    url: str | None = None
    own_paths: tuple[str, ...] = ()

    @property
    def base_path(self) -> str:
        """The path of the address: `/v1` of `https://gateway.example/v1`; mostly empty."""
        return urlsplit(self.url).path.rstrip("/") if self.url else ""


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a target: which upstream, which URL there, what of its path is added."""

    upstream: str | None
    url: str
    base_path: str = ""


@dataclass(frozen=True, slots=True)
class Upstreams:
    """All upstreams that a request may name, and the one that a bare path reaches.

    `named` maps names to upstreams, `configured` are the names that the user gave himself.
    `recorded_bases` are base paths met in cassettes, by upstream name: on replay nobody need
    repeat the address that was recorded.
    """

    named: Mapping[str, Upstream] = field(default_factory=dict)
    bare: Upstream | None = None
    configured: frozenset[str] = frozenset()
    recorded_bases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def readings(self, target: str) -> tuple[Reading, ...]:
        """The ways to read `target` (path and query, session prefix taken off), best first.

        Empty only where a bare path has no upstream to go to and nothing is recorded under
        a base path; the last reading is always the bare path as it stands.
        """
        name, rest = _first_segment(target)
        prefixed = self.named.get(name)
        bare = self.bare
        found: list[Reading] = []
        if prefixed is not None and not self._belongs_to_bare(name, target):
            found += self._at(prefixed, rest)
        if bare is not None:
            found += self._at(bare, target)
        found += (
            Reading(None, f"http://localhost{base}{target}", base)
            for bases in self.recorded_bases.values()
            for base in bases
        )
        found.append(Reading(None, f"http://localhost{target}"))
        return tuple(dict.fromkeys(found))

    def _belongs_to_bare(self, name: str, target: str) -> bool:
        """Whether `/openai/…` is the bare upstream's own path and not the upstream openai."""
        bare = self.bare
        return (
            bare is not None
            and name not in self.configured
            and target.startswith(bare.own_paths or ("\0",))
        )

    def _at(self, upstream: Upstream, target: str) -> list[Reading]:
        parts = urlsplit(upstream.url or "http://localhost")
        origin = f"{parts.scheme}://{parts.netloc}"
        own = upstream.base_path
        bases = dict.fromkeys((own, *self.recorded_bases.get(upstream.name, ())))
        return [_joined(upstream.name, origin, base, target) for base in bases]


def session_of(target: str) -> tuple[str | None, str]:
    """`/_s/NAME/rest` → (NAME, `/rest`); any other target → (None, target)."""
    if not target.startswith(_SESSION_PREFIX):
        return None, target
    name, slash, rest = target[len(_SESSION_PREFIX) :].partition("/")
    return name, f"{slash}{rest}" or "/"


def valid_name(name: str) -> bool:
    """Whether a session may be called so: letters, digits, `.`, `_`, `-`; no leading dot."""
    return _NAME.fullmatch(name) is not None


def _first_segment(target: str) -> tuple[str, str]:
    """`/openai/v1/x?y` → (`openai`, `/v1/x?y`)."""
    path, question, query = target.partition("?")
    name, slash, rest = path.lstrip("/").partition("/")
    return name, f"{slash}{rest}{question}{query}" if slash else f"/{question}{query}"


def _joined(name: str, origin: str, base: str, target: str) -> Reading:
    """The base path goes before the target, unless a client's base URL holds it already."""
    if not base or target == base or target.startswith((f"{base}/", f"{base}?")):
        return Reading(name, origin + target)
    return Reading(name, f"{origin}{base}{target}", base)
