"""Which upstreams and hosts a run knows: the providers, what the user names, what is recorded.

Values from the settings, without IO; `serving` passes them to those who ask.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from llmreplay.certificates import Authority, intercepted
from llmreplay.core.policy import Mode
from llmreplay.core.routing import Upstream, Upstreams
from llmreplay.dialects.providers import PROVIDERS, provider_of_host

if TYPE_CHECKING:
    from llmreplay.cassettes import Loaded
    from llmreplay.settings import Settings

__all__ = ["FORWARDING", "authority_of", "upstreams_of", "vouched_hosts"]

FORWARDING = frozenset({Mode.ALL, Mode.NEW, Mode.FORWARD, Mode.OFF})
"""The modes that have a way out."""


def authority_of(settings: Settings) -> Authority:
    """The local CA for all hosts that may be intercepted; nothing is made yet."""
    urls = _named_by_the_user(settings)
    allowed = (host for host, _ in settings.allow_hosts)
    return Authority(settings.ca_dir, intercepted(urls, allowed))


def upstreams_of(settings: Settings, mode: Mode, loaded: Loaded) -> Upstreams:
    """Known providers, the user's own names over them, and what the bare path reaches.

    A provider whose customers each have an own host is known by name for replay only.
    """
    named = {
        name: Upstream(name, provider.url, versioned=provider.versioned)
        for name, provider in PROVIDERS.items()
        if provider.url is not None or mode not in FORWARDING
    }
    named |= {name: Upstream(name) for name in loaded.upstreams if name not in named}
    given = dict(settings.gateways) | dict(settings.upstreams)
    named |= {name: Upstream(name, url.rstrip("/")) for name, url in given.items()}
    bare = None
    if settings.upstream is not None:
        address = settings.upstream.rstrip("/")
        provider = provider_of_host(_host(address))
        own_paths = provider.own_paths if provider is not None else ()
        bare = Upstream(provider.name if provider is not None else "default", address, own_paths)
    return Upstreams(
        named=named,
        bare=bare,
        configured=frozenset(settings.upstreams),
        gateways=frozenset(settings.gateways.keys() - settings.upstreams.keys()),
        recorded_bases=loaded.base_paths,
        provider_of_host=_provider_name,
        allowed=frozenset(settings.allow_hosts),
    )


def _named_by_the_user(settings: Settings) -> tuple[str, ...]:
    """All addresses that are the user's word and not ours."""
    bare = () if settings.upstream is None else (settings.upstream,)
    return (*settings.upstreams.values(), *settings.gateways.values(), *bare)


def _provider_name(host: str) -> str | None:
    provider = provider_of_host(host)
    return provider.name if provider is not None else None


def vouched_hosts(settings: Settings) -> frozenset[str]:
    """Hosts that may have a private address: those that the user named, and known local ones."""
    local = (
        provider.url
        for provider in PROVIDERS.values()
        if provider.url is not None and provider.url.startswith("http://")
    )
    named = (*_named_by_the_user(settings), *local)
    allowed = (host for host, _ in settings.allow_hosts)
    return frozenset((*map(_host, named), *allowed))


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""
