"""Which proxy leads out of a run: the user's, and never a llmreplay's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from llmreplay.certificates import Files
from llmreplay.core.proxies import Proxy
from llmreplay.environment import Served, variables
from llmreplay.service.way_out import begin_way_out, open_way_out
from llmreplay.settings import Settings
from tests.service.test_serving import Told

if TYPE_CHECKING:
    from collections.abc import Mapping

CORP = {"HTTPS_PROXY": "http://me:secret@proxy.corp:3128", "NO_PROXY": "gw.corp"}
OURS = variables(
    Served(
        "http://127.0.0.1:8787", None, replaying=False, trust=Files(Path(), Path(), Path(), None)
    ),
    CORP,
)


async def led(
    settings: Settings, environ: Mapping[str, str], *here: tuple[str, int]
) -> tuple[list[str], list[str]]:
    """Which proxies lead to a provider and to gw.corp, and what is told about them."""
    told = Told()
    upstream = open_way_out(settings, environ, told.warn)
    begin_way_out(upstream, lambda host, port: (host, port) in here, told)
    hosts = ("api.openai.com", "gw.corp")
    found = [str(upstream.proxies.to(host, 443, secure=True)) for host in hosts]
    await upstream.close()
    return found, [*told.warnings, *told.notes]


CHOSEN = Settings(upstream_proxy=Proxy("other.corp", 8080, "me", "secret"))
NOTE = "providers are reached through the proxy"


@pytest.mark.parametrize(
    ("settings", "environ", "found", "told"),
    [
        (Settings(), {}, "None None", []),
        (Settings(), CORP, "proxy.corp:3128 None", [f"{NOTE} proxy.corp:3128"]),
        (CHOSEN, CORP, "other.corp:8080 None", [f"{NOTE} other.corp:8080"]),
        (CHOSEN, {}, "other.corp:8080 other.corp:8080", [f"{NOTE} other.corp:8080"]),
        (Settings(upstream_proxy=False), CORP, "None None", []),
        (Settings(), OURS, "None None", []),
    ],
    ids=["none", "environment", "setting", "setting alone", "direct", "set by llmreplay"],
)
async def test_what_leads_out(
    settings: Settings, environ: Mapping[str, str], found: str, told: list[str]
) -> None:
    assert await led(settings, environ) == (found.split(), told)


async def test_one_that_leads_here_is_none() -> None:
    environ = {"HTTPS_PROXY": "http://127.0.0.1:8787"}
    assert await led(Settings(), environ, ("127.0.0.1", 8787)) == (["None", "None"], [])


async def test_one_that_is_of_no_use_is_told_without_its_password() -> None:
    environ = {"ALL_PROXY": "socks5://me:secret@proxy.corp:1080"}
    found, (told,) = await led(Settings(), environ)
    assert found == ["None", "None"]
    assert told == (
        "ALL_PROXY: proxies are spoken to as http://, and not socks5://: name one of that kind; "
        "or give one with --upstream-proxy"
    )
