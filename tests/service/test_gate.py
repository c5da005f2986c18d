"""What the proxy asks about hosts, answered by the hosts, the CA and the way out."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING

import pytest

from llmreplay.certificates import Authority
from llmreplay.core.hosts import Hosts, Way
from llmreplay.core.routing import Upstreams
from llmreplay.errors import UpstreamError
from llmreplay.service.gate import Gate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def gate(folder: Path, *, forwards: bool) -> Gate:
    authority = Authority(folder, ["api.openai.com"])
    upstreams = Upstreams(provider_of_host={"api.openai.com": "openai"}.get)
    hosts = Hosts(upstreams, authority.covers, forwards=forwards)
    return Gate(hosts, authority, nowhere if forwards else None, "")


async def nowhere(
    host: str, port: int, protocol_factory: Callable[[], asyncio.Protocol]
) -> asyncio.Transport:
    protocol_factory()
    raise UpstreamError(f"asked for {host}:{port}")


def test_hosts_are_judged_by_what_is_known(tmp_path: Path) -> None:
    assert gate(tmp_path, forwards=False).judge("api.openai.com", 443).way is Way.INTERCEPT
    assert gate(tmp_path, forwards=False).judge("pypi.org", 443).way is Way.REFUSE
    assert gate(tmp_path, forwards=True).judge("pypi.org", 443).way is Way.TUNNEL


async def test_a_host_has_a_context_of_its_own(tmp_path: Path) -> None:
    context = await gate(tmp_path, forwards=False).secure("api.openai.com")
    assert isinstance(context, ssl.SSLContext)


async def test_replay_has_no_way_out(tmp_path: Path) -> None:
    with pytest.raises(UpstreamError, match=r"replay opens no connection, and none to pypi\.org"):
        await gate(tmp_path, forwards=False).reach("pypi.org", 443, asyncio.Protocol)
    with pytest.raises(UpstreamError, match=r"asked for pypi\.org:443"):
        await gate(tmp_path, forwards=True).reach("pypi.org", 443, asyncio.Protocol)


def test_tunnels_are_counted_by_place(tmp_path: Path) -> None:
    ours = gate(tmp_path, forwards=True)
    for host in ("a.example", "b.example", "b.example"):
        ours.tunnelled(host, 443)
    assert list(ours.tunnels.items()) == [("b.example:443", 2), ("a.example:443", 1)]
