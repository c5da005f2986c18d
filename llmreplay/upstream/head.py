"""The head of a request as it goes out: what the client said, but for what is this hop's.

Text and bytes only. Decides what of a head is rebuilt, and what cannot be sent at all.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import yarl

    from llmreplay.core.exchange import Headers, Request
    from llmreplay.core.proxies import Proxy

__all__ = ["credentials", "end_to_end", "head_of", "parted"]

_HOP_BY_HOP: Final = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",  # codespell:ignore te
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})
"""Methods that announce a body even where there is none (RFC 9110 §8.6)."""
_TOKEN: Final = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+")
_UNFIT: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
"""Control characters: none may stand in a head but the tab (RFC 9110 §5.5)."""
_URL: Final = re.compile("(https?://[^/?#]+)([^#]*)", re.IGNORECASE)


def parted(url: str) -> tuple[str, str]:
    """Scheme and authority of a URL, and the target of a request for it, both as spelled.

    Raises ValueError for what is no http:// or https:// URL.
    """
    found = _URL.match(url)
    if found is None:
        raise ValueError("its URL has no http:// or https:// address")
    origin, target = found.groups()
    return origin, target if target.startswith("/") else f"/{target}"


def head_of(request: Request, origin: yarl.URL, target: str, proxy: Proxy | None) -> bytes:
    """Request line and headers, in the order and spelling of the client.

    `origin` and `target` are the parts of the request's URL; a `proxy` that passes it on in the
    clear is told both, and who asks. Host follows from the URL, unless it is that host however
    spelled (it may be signed so). The length is that of the body as it is sent now; and this is
    here whole, so that nobody need ask for it with Expect. Raises ValueError for what no head
    can hold.
    """
    host = origin.host_port_subcomponent
    hosts = (host, f"{origin.host_subcomponent}:{origin.port}")
    length = str(len(request.body))
    needs_length = request.body or request.method in _WITH_BODY
    lines: list[str] = []
    for name, value in end_to_end(request.headers):
        lower = name.lower()
        if lower == "host":
            host = value if value.lower() in hosts else host
        elif lower == "content-length":
            lines.append(f"{name}: {length}")
            needs_length = False
        elif lower != "expect":
            lines.append(f"{name}: {value}")
    if needs_length:
        lines.append(f"Content-Length: {length}")
    if proxy is not None and origin.scheme == "http":
        target = f"http://{origin.host_port_subcomponent}{target}"
        lines.extend(f"{name}: {value}" for name, value in credentials(proxy).items())
    if not _TOKEN.fullmatch(request.method):
        raise ValueError(f"its method {request.method!a} is not one of HTTP")
    lines = [f"{request.method} {target} HTTP/1.1", f"Host: {host}", *lines]
    for line in lines:
        if _UNFIT.search(line):
            where = f"header {line.partition(':')[0]!a}" if line is not lines[0] else "target"
            raise ValueError(f"its {where} has a control character in it")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape")


def credentials(proxy: Proxy | None) -> dict[str, str]:
    """What a proxy wants to be told: with CONNECT, or with a request that it passes on."""
    authorization = proxy.authorization if proxy is not None else ""
    return {"Proxy-Authorization": authorization} if authorization else {}


def end_to_end(headers: Headers) -> Headers:
    """`headers` without those of this hop: the standard ones, and those that Connection names."""
    named = ",".join(value for name, value in headers if name.lower() == "connection")
    dropped = _HOP_BY_HOP.union(name.strip().lower() for name in named.split(","))
    return tuple(pair for pair in headers if pair[0].lower() not in dropped)
