"""Failures in words: which upstream, where, what happened, and what a person can do.

No path and no query is ever in them, for credentials hide there. `sending` and `answers`
say with these why there is no answer, or not a whole one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import aiohttp
from aiohttp.http import HttpProcessingError

if TYPE_CHECKING:
    from llmreplay.core.exchange import Request
    from llmreplay.core.proxies import Proxy

__all__ = ["OurselvesError", "Patience", "RefusedAddressError", "Words", "no_proxy"]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long an upstream may take. There is no limit on the whole: streams run for minutes.

    `connect_seconds` is for TCP and TLS; `silence_seconds` for the wait between any two
    pieces, the first included: a model that thinks may be silent for minutes.
    """

    connect_seconds: float = 10.0
    silence_seconds: float = 600.0


class RefusedAddressError(OSError):
    """A name led to an address where no provider is; the text says why."""


class OurselvesError(RefusedAddressError):
    """A name led back to this very process."""


class Words:
    """What to say about one request to one upstream."""

    __slots__ = ("_patience", "_proxy", "_request")

    def __init__(self, request: Request, patience: Patience, proxy: Proxy | None = None) -> None:
        self._request = request
        self._proxy = proxy
        self._patience = patience

    @property
    def _where(self) -> str:
        place = self._request.parts.netloc.rpartition("@")[2] or "an address without a host"
        return f'{place} (upstream "{self._request.upstream or "default"}")'

    @property
    def _secure(self) -> bool:
        return self._request.parts.scheme == "https"

    def about(self, what: str) -> str:
        """The upstream, as the one who did `what`."""
        return f"{self._where} {what}"

    def silent(self) -> str:
        """No byte came for too long."""
        return self.about(f"sent nothing for {self._patience.silence_seconds:g} s")

    def not_let_through(self) -> str:
        """A proxy wants to know who asks."""
        return no_proxy(self._where, str(self._proxy), "Proxy Authentication Required")

    def no_answer(self, error: Exception) -> str:
        """Why there is no answer at all. `error` is aiohttp's, or the system's."""
        cause = getattr(error, "os_error", None) or error
        if self._is_the_proxys(error):
            return no_proxy(self._where, str(self._proxy), _why(cause))
        happened, remedy = next(
            (happened, remedy)
            for kind, happened, remedy in _NO_ANSWER
            if isinstance(error, kind) or isinstance(cause, kind)
        )
        return f"{happened}: {remedy}".format(
            where=self._where,
            why=_why(cause),
            with_tls=" with TLS" if self._secure else "",
            and_scheme=", scheme" if self._secure else "",
            connect_seconds=self._patience.connect_seconds,
            silence_seconds=self._patience.silence_seconds,
        )

    def _is_the_proxys(self, error: Exception) -> bool:
        """Whether it was the proxy that could not be reached, did not want to, or made no sense.

        What aiohttp itself asks for is CONNECT: no other answer has an error of its own.
        """
        if self._proxy is None or isinstance(getattr(error, "os_error", None), OurselvesError):
            return False
        return isinstance(error, aiohttp.ClientResponseError) or (
            isinstance(error, aiohttp.ClientConnectorError) and error.host == self._proxy.host
        )


def no_proxy(where: str, proxy: str, why: str) -> str:
    """What to say if there is no way through a proxy."""
    return (
        f"the proxy {proxy} gives no connection to {where} ({why}): check HTTPS_PROXY, or give "
        "another with --upstream-proxy; with --upstream-proxy none the way is direct"
    )


_SEND_AGAIN: Final = "see its log, then send the request again"

_NO_ANSWER: Final[tuple[tuple[type[Exception], str, str], ...]] = (
    (
        OurselvesError,
        "nothing was sent to {where}, for that is llmreplay itself",
        "change --upstream",
    ),
    (
        RefusedAddressError,
        "nothing was sent to {where}, for {why}",
        "if that is right, name it with --upstream NAME=URL or --allow-host HOST",
    ),
    (
        aiohttp.ClientConnectorDNSError,
        "no address is known for {where}",
        "check its name and the network",
    ),
    (
        aiohttp.ClientConnectorCertificateError,
        "{where} has a certificate that is not trusted ({why})",
        "check its address, or name a file with its CA in the variable SSL_CERT_FILE",
    ),
    (
        aiohttp.ClientConnectorSSLError,
        "{where} does not speak TLS as expected ({why})",
        "check scheme and port of its address",
    ),
    (
        aiohttp.ConnectionTimeoutError,
        "{where} did not accept a connection{with_tls} within {connect_seconds:g} s",
        "check its address{and_scheme} and the network",
    ),
    (
        ConnectionRefusedError,
        "nothing listens at {where}",
        "start it or change --upstream",
    ),
    (
        aiohttp.ClientConnectorError,
        "no connection to {where} ({why})",
        "check its address and the network",
    ),
    (
        TimeoutError,
        "{where} sent nothing for {silence_seconds:g} s",
        "see whether it still works, then send the request again",
    ),
    (
        aiohttp.ServerDisconnectedError,
        "{where} closed the connection before it answered",
        _SEND_AGAIN,
    ),
    (
        HttpProcessingError,
        "{where} did not answer in valid HTTP/1.1 ({why})",
        "check scheme and port of its address",
    ),
    (
        OSError,
        "{where} broke the connection before it answered ({why})",
        _SEND_AGAIN,
    ),
    (
        Exception,
        "nothing was sent to {where} ({why})",
        "change the request",
    ),
)
"""Error, what happened, what to do; the first that fits aiohttp's error or its cause."""


def _why(error: Exception) -> str:
    """The first line of what an error says about itself, system errors without their number."""
    for told in (getattr(error, name, None) for name in ("verify_message", "strerror", "message")):
        if isinstance(told, str) and told:
            return told.strip().partition("\n")[0].rstrip(":")
    return str(error).strip().partition("\n")[0].rstrip(":")
