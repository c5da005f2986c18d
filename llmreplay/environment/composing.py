"""All variables for one client: proxies, trust, Node, PHP, Java, base URLs, keys.

A pure function of what is served and of the user's own environment.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import quote, urlsplit

from llmreplay.dialects.providers import PROVIDERS, provider_of_host
from llmreplay.environment.gateways import gateway_of, is_given
from llmreplay.environment.tables import BASE_URLS, KEYS, BaseUrl, When

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PHP_SETTINGS", "PRELOAD", "Served", "is_set_by_us", "variables"]

PRELOAD: Final = Path(__file__).with_name("proxy.cjs")
"""Makes Node honour proxies where it does not by itself."""

PHP_SETTINGS: Final = Path(__file__).with_name("php")
"""A folder with settings that have PHP trust what `SSL_CERT_FILE` names."""

_ESCAPED: Final = str(PRELOAD).replace("\\", "\\\\").replace('"', '\\"')
_REQUIRE: Final = f'--require "{_ESCAPED}"'

JAVA_PASSWORD: Final = "changeit"  # noqa: S105  # what every Java trust store has; it guards nothing

_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
_METADATA: Final = ("169.254.169.254", "169.254.170.2", "metadata.google.internal")
"""Where SDKs on a cloud's machines get their credentials: to record, they need them."""

_Pairs = Iterator[tuple[str, str]]


class Trust(Protocol):
    """Files with which clients trust us."""

    @property
    def ca(self) -> Path:
        """Our CA alone, in PEM."""
        ...

    @property
    def bundle(self) -> Path:
        """All that the user trusts, and our CA, in PEM."""
        ...

    @property
    def java_store(self) -> Path:
        """The same as PKCS 12."""
        ...

    @property
    def folder(self) -> Path | None:
        """Where OpenSSL looks up all that the user trusts; None if there is no such folder."""
        ...


@dataclass(frozen=True, slots=True)
class Served:
    """What a client is to be pointed at.

    `url` is our address, `session` the one that it is to use. `recorded` are the names of the
    upstreams that there are recordings of; empty if that is not known. `password` is the proxy's,
    where it has one.
    """

    url: str
    session: str | None
    replaying: bool
    trust: Trust
    recorded: frozenset[str] = frozenset()
    password: str = ""

    @property
    def proxy_url(self) -> str:
        """The URL for proxy variables, the session in it as the user's name."""
        scheme, _, address = self.url.partition("://")
        if not self.session and not self.password:
            return self.url
        # requests and botocore send a name only with a password beside it.
        user, password = self.session or "default", self.password or "none"
        return f"{scheme}://{quote(user, safe='')}:{quote(password, safe='')}@{address}"

    @property
    def base_url(self) -> str:
        """What goes before `/NAME` in base URLs."""
        return f"{self.url}/_s/{self.session}" if self.session else self.url


def variables(served: Served, environ: Mapping[str, str]) -> dict[str, str]:
    """What to set for a program so that its provider traffic comes to `served`.

    `environ` is the user's own environment. What is not in the result stays as it is there.
    """
    return {
        "LLMREPLAY_URL": served.url,
        **dict(_proxies(served, environ)),
        **dict(_trust(served, environ)),
        **dict(_node(environ)),
        "PHP_INI_SCAN_DIR": _php_folders(environ),
        "JAVA_TOOL_OPTIONS": _java_options(served, environ),
        **dict(_base_urls(served, environ)),
        **(dict(_offline(served, environ)) if served.replaying else {}),
    }


def is_set_by_us(environ: Mapping[str, str]) -> bool:
    """Whether `variables` were set in `environ`: then its proxies are not the user's own."""
    return _REQUIRE in environ.get("NODE_OPTIONS", "")


def _offline(served: Served, environ: Mapping[str, str]) -> _Pairs:
    """What clients need where there is no network: keys, and no news from elsewhere."""
    yield from _keys(served, environ)
    # Without it LiteLLM asks GitHub for prices whenever it is imported, three times.
    yield "LITELLM_LOCAL_MODEL_COST_MAP", "True"


def _proxies(served: Served, environ: Mapping[str, str]) -> _Pairs:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        yield name, served.proxy_url
        yield name.lower(), served.proxy_url
    past_us = ",".join(_no_proxy(served, environ))
    yield "NO_PROXY", past_us
    yield "no_proxy", past_us
    # LiteLLM's aiohttp sessions ask for no proxy unless told to.
    yield "AIOHTTP_TRUST_ENV", "True"


def _no_proxy(served: Served, environ: Mapping[str, str]) -> list[str]:
    """The hosts that are reached directly: the user's own, but for those of providers, and ours.

    httpx before 1.0 takes `::1` and refuses to start with `[::1]`; all others take either.
    """
    given = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    entries = [entry.strip() for entry in given.split(",")]
    kept = [entry for entry in entries if entry and not _hides_a_provider(entry)]
    ours = urlsplit(served.url).hostname or ""
    metadata = () if served.replaying else _METADATA
    return list(dict.fromkeys((*kept, *_LOOPBACK, ours, *metadata)))


def _hides_a_provider(entry: str) -> bool:
    """Whether an entry of NO_PROXY would let requests to a provider go past us."""
    suffix = entry.lower().lstrip("*").lstrip(".").partition(":")[0]
    if not suffix and "*" in entry:
        return True
    if provider_of_host(suffix) is not None:
        return True
    addresses = (provider.url or "" for provider in PROVIDERS.values())
    return bool(suffix) and any(
        address.startswith("https://") and address.endswith(f".{suffix}") for address in addresses
    )


def _trust(served: Served, environ: Mapping[str, str]) -> _Pairs:
    trust = served.trust
    replacing = trust.bundle
    if served.replaying and trust.folder and not _goes_past_us(served, environ):
        # HTTP goes nowhere but here. httpx reads the file four times for each client, and all that
        # a system trusts takes 50 ms each time; other TLS finds that in the folder, one by one.
        replacing = trust.ca
        yield "SSL_CERT_DIR", str(trust.folder)
    # These take the place of the client's own roots.
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE"):
        yield name, str(replacing)
    yield "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", str(trust.bundle)
    # These add to them; what the user has added is in the bundle.
    for name in ("NODE_EXTRA_CA_CERTS", "DENO_CERT"):
        yield name, str(trust.bundle if environ.get(name) else trust.ca)


def _goes_past_us(served: Served, environ: Mapping[str, str]) -> bool:
    """Whether the user has other hosts than this machine reached directly."""
    ours = {*_LOOPBACK, urlsplit(served.url).hostname or "", "[::1]"}
    return not ours.issuperset(_no_proxy(served, environ))


def _node(environ: Mapping[str, str]) -> _Pairs:
    yield "NODE_USE_ENV_PROXY", "1"
    given = environ.get("NODE_OPTIONS", "")
    yield "NODE_OPTIONS", given if _REQUIRE in given else f"{given} {_REQUIRE}".strip()


def _php_folders(environ: Mapping[str, str]) -> str:
    """The user's own folders of settings, and ours. Nothing before the colon is PHP's default."""
    given = environ.get("PHP_INI_SCAN_DIR", "")
    folders = given.split(os.pathsep)
    return given if str(PHP_SETTINGS) in folders else os.pathsep.join((*folders, str(PHP_SETTINGS)))


def _java_options(served: Served, environ: Mapping[str, str]) -> str:
    """Java has no variable for a proxy, but one for its options, of which the last counts."""
    parts = urlsplit(served.url)
    directly = "|".join((*_java_hosts(_no_proxy(served, environ)), "127.*", "[::1]"))
    options = {
        "http.proxyHost": parts.hostname,
        "http.proxyPort": parts.port,
        "https.proxyHost": parts.hostname,
        "https.proxyPort": parts.port,
        "http.nonProxyHosts": directly,
        "javax.net.ssl.trustStore": served.trust.java_store,
        "javax.net.ssl.trustStoreType": "PKCS12",
        "javax.net.ssl.trustStorePassword": JAVA_PASSWORD,
    }
    ours = " ".join(_java_option(name, str(value)) for name, value in options.items())
    given = environ.get("JAVA_TOOL_OPTIONS", "")
    return given if ours in given else f"{given} {ours}".strip()


def _java_option(name: str, value: str) -> str:
    """Java splits its options at blanks, but for those within quotes."""
    return f'"-D{name}={value}"' if " " in value else f"-D{name}={value}"


def _java_hosts(entries: list[str]) -> Iterator[str]:
    """`.corp` is `*.corp` to Java, which takes no address ranges and no bare IPv6 addresses."""
    for entry in entries:
        if ":" not in entry and "/" not in entry:
            yield f"*{entry}" if entry.startswith(".") else entry


def _base_urls(served: Served, environ: Mapping[str, str]) -> _Pairs:
    addresses: dict[str, str | None] = {}
    for row in BASE_URLS:
        gateway = gateway_of(row, environ)
        if gateway is None:
            if _is_pointed_here(row, served, environ):
                yield row.variable, f"{served.base_url}/{row.provider}{row.suffix}"
        elif served.replaying or (
            row.when is not When.REPLAY
            # Of two addresses for one name, only the first is its upstream's.
            and addresses.setdefault(gateway.name, gateway.url) == gateway.url
        ):
            yield row.variable, served.base_url + gateway.suffix


def _is_pointed_here(row: BaseUrl, served: Served, environ: Mapping[str, str]) -> bool:
    """Whether to set a variable that holds no address of an upstream."""
    if is_given(row, environ):
        # It cannot be forwarded to from here, so while recording it stays the client's own affair.
        return served.replaying
    if environ.get(row.variable) or row.when is When.ALWAYS:
        return True
    is_recorded = row.when is When.RECORDED and row.provider in served.recorded
    return served.replaying and (is_recorded or row.when is When.REPLAY)


def _keys(served: Served, environ: Mapping[str, str]) -> _Pairs:
    """Placeholders for the providers that there are recordings of.

    No others: programs choose a provider by the keys that they find.
    """
    needed = served.recorded or _WITH_KEYS - _EXCLUSIVE
    if needed - _WITH_KEYS:
        # Whoever else it is, most speak as OpenAI does, and are spoken to with its SDK.
        needed |= {"openai"}
    for key in KEYS:
        if key.providers & needed and not any(environ.get(one) for one in key.not_beside):
            yield key.variable, key.value


_WITH_KEYS: Final = frozenset().union(*(key.providers for key in KEYS))
_EXCLUSIVE: Final = frozenset({"azure"})
"""openai's module client refuses to choose where it finds these keys beside OPENAI_API_KEY."""
