"""Hosts that clients ask for through the proxy: read and answered, passed by blindly, or refused.

It decides by name and port alone; which address a name leads to is checked where it is
connected to. `proxy` asks it before it opens a tunnel, `session` for each request in the clear.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from llmreplay.core.redaction import redact_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmreplay.core.routing import Upstreams

__all__ = ["Hosts", "Verdict", "Way", "shown_host"]

_HTTPS = 443
_LONGEST_WORD = 20
"""Characters of a host without a dot that is told; what is longer may be a key."""


class Way(Enum):
    """What becomes of what a client sends to a host."""

    INTERCEPT = "intercept"
    """Read it, and answer it as any request."""
    TUNNEL = "tunnel"
    """Pass it on unread, or unrecorded where it is in the clear."""
    REFUSE = "refuse"


class Verdict(NamedTuple):
    """A way, and for a refusal the reason and the remedy, in one line."""

    way: Way
    reason: str = ""


_INTERCEPT, _TUNNEL = Verdict(Way.INTERCEPT), Verdict(Way.TUNNEL)


@dataclass(frozen=True, slots=True)
class Hosts:
    """`upstreams` says whose a host is. `covers` tells names that the local CA may vouch for.

    Others are passed by only where `forwards`; replay has no way out.
    """

    upstreams: Upstreams
    covers: Callable[[str], bool]
    forwards: bool

    def judge(self, host: str, port: int, *, secure: bool = True) -> Verdict:
        """What to do with a tunnel to `host`, or with a request that is not `secure`."""
        if self.upstreams.at_host(host, port, secure=secure) is not None:
            if not secure or self.covers(host):
                return _INTERCEPT
        elif self.forwards and (port == _HTTPS or not secure):
            return _TUNNEL
        return Verdict(Way.REFUSE, self._reason(host, port, secure=secure))

    def _reason(self, host: str, port: int, *, secure: bool) -> str:
        shown = shown_host(host)
        place = shown if port == _HTTPS or not secure else f"{shown}:{port}"
        if self.upstreams.at_host(host, port, secure=secure) is not None:
            wrong = f"{shown} is not covered by the local CA"
        elif self.forwards:
            wrong = f"{place} is not known here, and only port 443 of others is passed by"
        else:
            wrong = f"{place} is no provider known here, and replay lets nothing out"
        return f"{wrong}; to record and replay it: --allow-host {place}"


def shown_host(host: str) -> str:
    """`host` for a message. A key may stand where a host belongs."""
    is_host = "." in host or ":" in host or len(host) <= _LONGEST_WORD
    return redact_text(host) if is_host else "that host"
