"""Base URLs that the user has set himself: which upstream each one is, and how it is reached here.

A gateway of his own takes the place of the provider whose variable names it; a known provider's
address (`OPENAI_BASE_URL=https://api.groq.com/openai/v1`) is that provider.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, urlsplit

from llmreplay.dialects.providers import PROVIDERS, provider_of_host
from llmreplay.environment.tables import BASE_URLS, BaseUrl, When

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Gateway", "gateway_of", "is_given", "upstreams_of"]

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_OUR_PORT: Final = 8787
_OLLAMA_PORT: Final = 11434


@dataclass(frozen=True, slots=True)
class Gateway:
    """Where a variable leads: `url` under `name`, and the path that the client has in its base URL.

    `url` is None where the name alone tells the address.
    """

    name: str
    url: str | None
    path: str

    @property
    def suffix(self) -> str:
        """What follows our own address in the variable's new value."""
        return f"/{self.name}{self.path}"


def upstreams_of(environ: Mapping[str, str]) -> dict[str, str]:
    """The addresses, by upstream name, that SDK variables in `environ` lead to.

    Known addresses of providers are left out, and so are variables whose requests are signed for
    the address that they name. Of two addresses for one name, the first in the table counts.
    """
    found: dict[str, str] = {}
    for row in BASE_URLS:
        gateway = gateway_of(row, environ)
        if gateway is not None and gateway.url is not None and row.when is not When.REPLAY:
            found.setdefault(gateway.name, gateway.url)
    return found


def is_given(row: BaseUrl, environ: Mapping[str, str]) -> bool:
    """Whether the user has set `row`'s variable to something that is not an llmreplay."""
    parts = _parts(row, environ)
    return bool(environ.get(row.variable)) and not (parts is not None and _is_ours(parts))


def gateway_of(row: BaseUrl, environ: Mapping[str, str]) -> Gateway | None:
    """What the user has set `row`'s variable to, if it is given and can be an upstream."""
    parts = _parts(row, environ)
    if parts is None or _is_ours(parts):
        return None
    origin, path = f"{parts.scheme}://{parts.netloc}".lower(), parts.path.rstrip("/")
    provider = provider_of_host(parts.netloc)
    if provider is not None:
        known = PROVIDERS[provider.name].url
        return Gateway(provider.name, None if known == origin else origin, path)
    if path.endswith(row.suffix):
        return Gateway(row.provider, origin + path.removesuffix(row.suffix), row.suffix)
    return Gateway(row.provider, origin + path, "")


def _parts(row: BaseUrl, environ: Mapping[str, str]) -> SplitResult | None:
    """The URL in `row`'s variable, if it is one that an upstream can have."""
    given = environ.get(row.variable, "").strip()
    if not given:
        return None
    try:
        parts = urlsplit(_ollama(given) if row.provider == "ollama" else given)
        has_port = parts.port != 0
    except ValueError:
        return None
    is_plain = parts.username is None and not parts.query and not parts.fragment
    is_http = parts.scheme in {"http", "https"} and bool(parts.hostname)
    return parts if is_http and is_plain and has_port else None


def _ollama(given: str) -> str:
    """`OLLAMA_HOST` may be a bare host, and is what the server listens on, too: `0.0.0.0`."""
    if "://" in given:
        return given
    parts = urlsplit(f"http://{given}")
    host = parts.hostname or "127.0.0.1"
    shown = "127.0.0.1" if host == "0.0.0.0" else f"[{host}]" if ":" in host else host  # noqa: S104  # read, not bound
    return f"http://{shown}:{parts.port or _OLLAMA_PORT}{parts.path}"


def _is_ours(parts: SplitResult) -> bool:
    """Whether this is an llmreplay's own address, as the documentation tells people to set it."""
    if parts.hostname not in _LOOPBACK:
        return False
    return parts.port == _OUR_PORT or parts.path.startswith("/_s/")
