"""Which names a certificate may be made for, and how a CA says that it vouches for no others.

Pure: texts in, texts out. A CA's name constraints know addresses and suffixes only, so that one for
`api.openai.com` permits `x.api.openai.com` as well; `Names.covers` is the narrower of the two, and
nothing is intercepted that it does not cover.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from llmreplay.dialects.providers import provider_hosts
from llmreplay.dialects.regions import spelled_out
from llmreplay.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "OURSELVES",
    "Names",
    "above",
    "constrained",
    "intercepted",
    "is_address",
    "normal",
]

OURSELVES: Final = ("localhost", "127.0.0.1", "::1")
"""This machine's own names: in every list."""

_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_LONGEST_NAME: Final = 253
_ANY: Final = "*."


@dataclass(frozen=True)
class Names:
    """The hosts that a CA is for: names, addresses, and suffixes written `*.example.com`."""

    hosts: tuple[str, ...]

    @classmethod
    def of(cls, hosts: Iterable[str]) -> Names:
        """`hosts`, normal and sorted, with this machine's own names; inner `*` spelled out.

        Raises UsageError for what is no host, or a pattern that no certificate can express.
        """
        return cls(tuple(sorted({name for host in (*OURSELVES, *hosts) for name in _read(host)})))

    def covers(self, host: str) -> bool:
        """Whether a certificate may be made for `host`, a name or an address."""
        name = normal(host)
        if name is None:
            return False
        return name in self._exact or (not is_address(name) and self._has_suffix(name))

    @cached_property
    def constraints(self) -> tuple[str, ...]:
        """Addresses, and names that stand for themselves and all below; nothing is said twice."""
        bases = {host.removeprefix(_ANY) for host in self.hosts}
        return tuple(
            sorted(base for base in bases if is_address(base) or bases.isdisjoint(above(base)))
        )

    @cached_property
    def _exact(self) -> frozenset[str]:
        return frozenset(host for host in self.hosts if not host.startswith(_ANY))

    @cached_property
    def _suffixes(self) -> frozenset[str]:
        return frozenset(host.removeprefix(_ANY) for host in self.hosts if host.startswith(_ANY))

    def _has_suffix(self, name: str) -> bool:
        return not self._suffixes.isdisjoint(above(name))


def constrained(hosts: Iterable[str]) -> tuple[str, ...]:
    """What a CA for `hosts` is permitted to vouch for: addresses, and names with all below them."""
    return Names.of(hosts).constraints


def intercepted(urls: Iterable[str], allowed: Iterable[str]) -> tuple[str, ...]:
    """The hosts to make an `Authority` for: known providers, those of upstreams, those allowed.

    `urls` are the upstreams' addresses; one whose host no certificate can name is reached through
    base URLs only.
    """
    configured = (urlsplit(url).hostname or "" for url in urls)
    named = (host for host in configured if normal(host) is not None)
    return (*provider_hosts(), *named, *allowed)


def normal(host: str) -> str | None:
    """The one spelling of a name or an address; None if it is neither."""
    if "%" in host:  # an address with a zone means something on one machine only
        return None
    try:
        return str(ip_address(host.removeprefix("[").removesuffix("]")))
    except ValueError:
        pass
    try:
        name = host.lower().removesuffix(".")
        name = name if name.isascii() else name.encode("idna").decode()
    except UnicodeError:
        return None
    # What ends in a number is an address that is spelled in an odd way, to whoever resolves it.
    if len(name) > _LONGEST_NAME or name.rpartition(".")[2].isdigit():
        return None
    return name if _NAME.fullmatch(name) else None


def is_address(name: str) -> bool:
    """Whether a name in its normal spelling is an IP address."""
    return ":" in name or name.rpartition(".")[2].isdigit()


def _read(host: str) -> tuple[str, ...]:
    found = spelled_out(host)
    names = [normal(name.removeprefix(_ANY)) for name in found]
    is_suffix = host.startswith(_ANY)
    if not found or any(name is None or (is_suffix and is_address(name)) for name in names):
        raise UsageError(
            f'"{host}" is no host that a certificate can be made for: write a name, an address, '
            'or a suffix as "*.example.com"'
        )
    if is_suffix and any(name is not None and "." not in name for name in names):
        raise UsageError(
            f'"{host}" is far too much for one certificate authority: name at least two parts, '
            'as "*.example.com"'
        )
    return tuple(f"{_ANY if is_suffix else ''}{name}" for name in names)


def above(name: str) -> list[str]:
    """`a.b.c` → `b.c`, `c`."""
    labels = name.split(".")
    return [".".join(labels[start:]) for start in range(1, len(labels))]
