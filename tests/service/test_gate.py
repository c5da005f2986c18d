"""What the proxy asks about hosts, answered by the hosts, the CA and the way out."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING

import pytest

from llmreplay.certificates import Authority
from llmreplay.core.faults import Arrival, AtConnection
from llmreplay.core.hosts import Hosts, Way
from llmreplay.core.journal import Entry, Outcome
from llmreplay.core.routing import Upstreams
from llmreplay.errors import UpstreamError
from llmreplay.proxy.destination import Destination
from llmreplay.service.gate import Gate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from llmreplay.service.gate import Arriving


def gate(
    folder: Path,
    *,
    forwards: bool,
    arriving: Arriving = lambda _: None,
    tell: Callable[[Entry], None] = lambda _: None,
) -> Gate:
    authority = Authority(folder, ["api.openai.com"])
    upstreams = Upstreams(provider_of_host={"api.openai.com": "openai"}.get)
    hosts = Hosts(upstreams, authority.covers, forwards=forwards)
    way_out = nowhere if forwards else None
    return Gate(hosts, authority, way_out, "", arriving=arriving, tell=tell)


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


OPENAI = Destination("api.openai.com", 443)


@pytest.mark.parametrize(
    ("session", "destination", "arrival", "entry"),
    [
        (None, None, Arrival("default"), ("default", "-", "-", None)),
        (
            "blue",
            OPENAI,
            Arrival("blue", "openai"),
            ("blue", "CONNECT", "api.openai.com:443", "openai"),
        ),
        (
            None,
            Destination("other.test", 443),
            Arrival("default"),
            ("default", "CONNECT", "other.test:443", None),
        ),
    ],
)
def test_rules_are_asked_about_connections_and_what_they_do_is_told(
    tmp_path: Path,
    session: str | None,
    destination: Destination | None,
    arrival: Arrival,
    entry: tuple[str, str, str, str | None],
) -> None:
    arrivals, entries = list[Arrival](), list[Entry]()

    def arriving(one: Arrival) -> tuple[AtConnection, str]:
        arrivals.append(one)
        return AtConnection.REFUSED, "down\n: connection refused"

    ours = gate(tmp_path, forwards=False, arriving=arriving, tell=entries.append)
    trouble = ours.trouble(session, destination)
    assert trouble is not None
    assert (trouble.at, trouble.told) == (AtConnection.REFUSED, "down\n: connection refused")
    assert trouble.header == ("x-llmreplay-fault", "down\\n (connection)")
    assert (arrivals, entries) == ([arrival], [])
    ours.troubled(trouble, status=502)
    named, method, target, upstream = entry
    faults = (trouble.told,)
    told = Entry(named, Outcome.FAULT, method, target, 502, upstream, faults=faults)
    assert entries == [told]


@pytest.mark.parametrize(
    ("status", "outcome"), [(403, Outcome.REFUSED), (0, Outcome.REFUSED), (502, Outcome.FAILED)]
)
def test_tunnels_that_are_not_opened_are_told(
    tmp_path: Path, status: int, outcome: Outcome
) -> None:
    entries = list[Entry]()
    ours = gate(tmp_path, forwards=False, tell=entries.append)
    ours.refused(None, Destination("weather.example", 443), status, "why")
    told = Entry("default", outcome, "CONNECT", "weather.example:443", status, detail="why")
    assert entries == [told]


def test_a_key_where_a_host_belongs_is_not_told(tmp_path: Path) -> None:
    entries = list[Entry]()
    ours = gate(tmp_path, forwards=False, tell=entries.append)
    key = "sk-proj-" + "a1B2" * 12
    ours.refused(None, Destination(key, 443), 502, f"no address is known for {key}:443")
    assert "a1B2" not in str(entries)
    assert entries[0].target == "that host:443"


def test_most_connections_are_let_in(tmp_path: Path) -> None:
    assert gate(tmp_path, forwards=False).trouble(None, OPENAI) is None


async def test_a_host_has_certificates_that_are_to_be_refused(tmp_path: Path) -> None:
    ours = gate(tmp_path, forwards=False)
    wanted = (None, AtConnection.EXPIRED_CERTIFICATE, AtConnection.WRONG_HOST)
    contexts = [await ours.secure("api.openai.com", trouble) for trouble in wanted]
    assert len(set(contexts)) == 3
