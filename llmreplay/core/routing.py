"""Where a request is meant to go: session, upstream and path, read from the request's target.

A target may begin with `/_s/NAME/` (the session) and then with an upstream's name
(`/openai/v1/…`). Everything else is a bare path. Whether a reading is right shows only when a
recording is found, so replay asks for all readings, best first; forwarding takes the first.

What comes through the proxy has an origin (`https://api.openai.com`), and its path is the
provider's own: there the host says which upstream is meant.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "DEFAULT_SESSION",
    "SESSION_PREFIX",
    "Reading",
    "Upstream",
    "Upstreams",
    "address_of",
    "name_of",
    "session_of",
    "valid_name",
]

DEFAULT_SESSION = "default"

SESSION_PREFIX = "/_s/"
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}")
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]+")
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Upstream:
    """A provider endpoint under a name.

    `url` is its address, without a slash at the end; it may have a path, which goes before
    the path of each request. `own_paths` are beginnings of its paths that look like another
    upstream's name, as `/openai/` at Groq and Azure. `versioned` are beginnings of paths below
    `/v1` that some clients ask for without it: of one variable, an SDK may want the host and
    another the host with `/v1`. An upstream that replay has only heard of by name has no `url`.
    """

    name: str
    url: str | None = None
    own_paths: tuple[str, ...] = ()
    versioned: tuple[str, ...] = ()

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


def _no_provider(host: str) -> str | None:
    del host
    return None


@dataclass(frozen=True, slots=True)
class Upstreams:
    """All upstreams that a request may name, and the one that a bare path reaches.

    `named` maps names to upstreams, `configured` are the names that the user gave himself.
    `gateways` are names that stand for another address than the provider's by base URL, but not
    for the provider's real hosts.
    `recorded_bases` are base paths met in cassettes, by upstream name: on replay nobody need
    repeat the address that was recorded. `provider_of_host` names the provider behind a host
    (with its port, if that is neither 80 nor 443); `allowed` are further hosts that are
    upstreams of their own, each with a port, or with None for 80 and 443.
    """

    named: Mapping[str, Upstream] = field(default_factory=dict)
    bare: Upstream | None = None
    configured: frozenset[str] = frozenset()
    recorded_bases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    provider_of_host: Callable[[str], str | None] = _no_provider
    allowed: frozenset[tuple[str, int | None]] = frozenset()
    gateways: frozenset[str] = frozenset()

    def readings(self, target: str, origin: str = "") -> tuple[Reading, ...]:
        """The ways to read `target` (path and query, session prefix taken off), best first.

        Without an origin the last reading is always the bare path as it stands. With one, all
        readings are of one upstream.
        """
        if origin:
            return tuple(self._at(self._at_origin(origin), target))
        name, rest = _first_segment(target)
        prefixed = self.named.get(name)
        bare = self.bare
        found: list[Reading] = []
        if prefixed is not None and not self._belongs_to_bare(name, target):
            version = "/v1" if rest.startswith(prefixed.versioned or ("\0",)) else ""
            found += self._at(prefixed, version + rest)
        if bare is not None:
            found += self._at(bare, target)
        found += (
            Reading(None, f"http://localhost{base}{target}", base)
            for bases in self.recorded_bases.values()
            for base in bases
        )
        found.append(Reading(None, f"http://localhost{target}"))
        return tuple(dict.fromkeys(found))

    def at_host(self, host: str, port: int, *, secure: bool = True) -> Upstream | None:
        """The upstream that answers for `host` at `port`; None for a host that is no upstream.

        A provider that the user points elsewhere is asked there, also for its real hosts.
        """
        asked = _authority(host, port)
        name = self.provider_of_host(asked)
        if name is not None:
            configured = self.named.get(name) if name in self.configured else None
            return configured or Upstream(name, _origin(host, port, secure=secure))
        for upstream in (*map(self.named.get, sorted(self.configured | self.gateways)), self.bare):
            if upstream is not None and address_of(upstream.url or "") == (host, port):
                return upstream
        if (host, port) in self.allowed or (asked == host and (host, None) in self.allowed):
            return Upstream(name_of(asked), _origin(host, port, secure=secure))
        return None

    def _at_origin(self, origin: str) -> Upstream:
        """The upstream of an origin; one that is none is asked under its own address."""
        host, port = address_of(origin)
        known = self.at_host(host, port, secure=origin.startswith("https:"))
        return known or Upstream(name_of(_authority(host, port)), origin)

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


def address_of(url: str) -> tuple[str, int]:
    """Host, in lower case, and port of a URL."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)


def session_of(target: str) -> tuple[str | None, str]:
    """`/_s/NAME/rest` → (NAME, `/rest`); any other target → (None, target)."""
    if not target.startswith(SESSION_PREFIX):
        return None, target
    name, slash, rest = target[len(SESSION_PREFIX) :].partition("/")
    return name, f"{slash}{rest}" or "/"


def valid_name(name: str) -> bool:
    """Whether a session may be called so: letters, digits, `.`, `_`, `-`; no leading dot."""
    return _NAME.fullmatch(name) is not None


def name_of(authority: str) -> str:
    """What an upstream is called that nobody has named: `llm.example`, or `localhost-8000`."""
    return _NOT_IN_NAMES.sub("-", authority).strip(".-")


def _authority(host: str, port: int) -> str:
    """Host and port, without one that goes without saying."""
    return host if port in _PORTS.values() else f"{host}:{port}"


def _origin(host: str, port: int, *, secure: bool) -> str:
    scheme = "https" if secure else "http"
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}" if port == _PORTS[scheme] else f"{scheme}://{shown}:{port}"


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
