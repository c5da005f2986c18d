"""Addresses that nobody vouched for are public ones, or are not connected to."""

from __future__ import annotations

import socket

import pytest

from llmreplay.core.exchange import Request
from llmreplay.errors import UpstreamError
from llmreplay.upstream import Upstream
from llmreplay.upstream.pool import refused_address
from tests.fakes.origin import Origin

THIS_MACHINE = "127.0.0.1 is this machine"


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("127.0.0.1", THIS_MACHINE),
        ("127.9.9.9", "127.9.9.9 is this machine"),
        ("0.0.0.0", "0.0.0.0 is this machine"),  # noqa: S104  # not bound to
        ("::1", "::1 is this machine"),
        ("::", ":: is this machine"),
        ("::ffff:127.0.0.1", THIS_MACHINE),
        (
            "169.254.169.254",
            "169.254.169.254 is a link-local address, where clouds keep their metadata",
        ),
        ("fe80::1%eth0", "fe80::1 is a link-local address, where clouds keep their metadata"),
        ("10.1.2.3", "10.1.2.3 is not a public address"),
        ("192.168.0.1", "192.168.0.1 is not a public address"),
        ("100.64.0.1", "100.64.0.1 is not a public address"),
        ("fd00:ec2::254", "fd00:ec2::254 is not a public address"),
        ("::ffff:10.0.0.1", "10.0.0.1 is not a public address"),
        ("224.0.0.1", "224.0.0.1 is not a public address"),
        ("104.18.7.192", None),
        ("2606:4700::6812:7c0", None),
        ("api.openai.com", None),
    ],
)
def test_which_addresses_are_refused(address: str, reason: str | None) -> None:
    assert refused_address(address) == reason


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0x7f.1", "LOCALHOST"])
async def test_a_host_that_nobody_named_is_not_reached_on_this_machine(host: str) -> None:
    async with Origin(lambda _: []) as origin:
        upstream = Upstream()
        request = Request("GET", f"http://{host}:{origin.port}/secret", upstream="openai")

        with pytest.raises(UpstreamError) as refusal:
            await upstream.send(request)

        await upstream.close()
        assert origin.asked == []
    assert str(refusal.value).startswith(
        f'nothing was sent to {host}:{request.parts.port} (upstream "openai"), for '
    )
    assert str(refusal.value).endswith(
        " is this machine: if that is right, name it with --upstream NAME=URL or --allow-host HOST"
    )


async def test_a_provider_that_dns_puts_into_this_network_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The address is checked, not the name."""

    async def poisoned(*_: object, **__: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", 443))]

    upstream = Upstream()
    monkeypatch.setattr("asyncio.BaseEventLoop.getaddrinfo", poisoned)

    with pytest.raises(UpstreamError, match=r"for 169\.254\.169\.254 is a link-local address"):
        await upstream.send(Request("GET", "https://api.openai.com/v1/models", upstream="openai"))

    await upstream.close()
