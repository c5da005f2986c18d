"""The way out to providers: through the proxy that the user has, if he has one.

`serving` opens it where a run may use it; replay has none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmreplay.core.proxies import Proxies, past_of
from llmreplay.environment import is_set_by_us
from llmreplay.service.hosts import vouched_hosts
from llmreplay.upstream import Patience, Upstream

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llmreplay.service.report import Report
    from llmreplay.settings import Settings

__all__ = ["begin_way_out", "open_way_out"]


def open_way_out(
    settings: Settings, environ: Mapping[str, str], warn: Callable[[str], None]
) -> Upstream:
    """A way out, as settings and environment are now. `warn` is told of proxies of no use."""
    limits = settings.limits
    return Upstream(
        patience=Patience(
            connect_seconds=limits.connect_timeout_ms / 1000,
            silence_seconds=limits.upstream_timeout_ms / 1000,
        ),
        vouched_hosts=vouched_hosts(settings),
        proxies=_proxies(settings, environ, warn),
    )


def begin_way_out(
    upstream: Upstream, leads_here: Callable[[str, int], bool], report: Report
) -> None:
    """From now on it is known which addresses lead back here: those it does not go to."""
    upstream.addresses.leads_here = leads_here
    upstream.proxies = upstream.proxies.but_for(leads_here)
    if upstream.proxies:
        shown = " and ".join(map(str, upstream.proxies.all))
        report.note(f"providers are reached through the proxy {shown}")


def _proxies(
    settings: Settings, environ: Mapping[str, str], warn: Callable[[str], None]
) -> Proxies:
    chosen = settings.upstream_proxy
    if chosen is False:
        return Proxies()
    if chosen is not None:
        return Proxies(chosen, chosen, past_of(environ))
    if is_set_by_us(environ):
        return Proxies()
    found, wrong = Proxies.of_environment(environ)
    for one in wrong:
        warn(f"{one}; or give one with --upstream-proxy")
    return found
