"""What is passed by unread leads to port 443 of public addresses, or where the user said."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest

from llmreplay.errors import UpstreamError
from llmreplay.upstream import Upstream
from llmreplay.upstream.tunnelling import open_tunnel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CHECK = "check its address and the network"


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """Where somebody echoes what he is sent."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.read(100))
        writer.close()

    async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


def addresses(monkeypatch: pytest.MonkeyPatch, *hosts: str) -> None:
    """Have every name lead to `hosts`."""

    async def found(_loop: object, _host: str, port: int, **_: object) -> list[object]:
        family = {True: socket.AF_INET6, False: socket.AF_INET}
        return [(family[":" in host], socket.SOCK_STREAM, 6, "", (host, port)) for host in hosts]

    monkeypatch.setattr("asyncio.BaseEventLoop.getaddrinfo", found)


async def refusal(host: str, port: int, *, vouched: bool = False, seconds: float = 5) -> str:
    """Why there is no tunnel."""
    with pytest.raises(UpstreamError) as refused:
        await open_tunnel(host, port, asyncio.Protocol, vouched=vouched, connect_seconds=seconds)
    return str(refused.value)


async def test_a_host_that_the_user_named_is_reached_at_any_address_and_port(port: int) -> None:
    upstream = Upstream(vouched_hosts=frozenset({"Localhost"}))
    reader = asyncio.StreamReader()

    transport = await upstream.tunnel(
        "localhost", port, lambda: asyncio.StreamReaderProtocol(reader)
    )
    transport.write(b"hello")

    assert await reader.read() == b"hello"
    transport.close()
    await upstream.close()


async def test_others_only_at_port_443() -> None:
    assert await refusal("example.com", 22) == (
        "no tunnel to example.com:22: only port 443 of hosts that nobody named is passed by; to "
        "record and replay it: --allow-host example.com:22"
    )


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("127.0.0.1", "127.0.0.1 is this machine"),
        ("::1", "::1 is this machine"),
        ("0x7f.1", "127.0.0.1 is this machine"),
        ("2130706433", "127.0.0.1 is this machine"),
        ("10.0.0.1", "10.0.0.1 is not a public address"),
    ],
)
async def test_others_only_at_public_addresses(host: str, reason: str) -> None:
    place = f"[{host}]:443" if ":" in host else f"{host}:443"
    assert await refusal(host, 443) == (
        f"no tunnel to {place}, for {reason}: if that is right, name it with --allow-host {place}"
    )


async def test_the_address_is_checked_and_not_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    addresses(monkeypatch, "104.18.7.192", "169.254.169.254")

    assert "169.254.169.254 is a link-local address" in await refusal("example.com", 443)


async def test_a_name_that_nobody_knows() -> None:
    told = await refusal("nobody.invalid", 443, vouched=True)

    assert told == "no address is known for nobody.invalid:443: check its name and the network"


async def test_a_name_that_cannot_be() -> None:
    told = await refusal("a" * 64, 443)

    assert told == f"no address is known for {'a' * 64}:443: check its name and the network"


async def test_a_place_where_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    told = await refusal("127.0.0.1", port, vouched=True)

    assert told == f"nothing listens at 127.0.0.1:{port}: check its address"


async def test_the_next_address_is_tried_when_one_fails(
    monkeypatch: pytest.MonkeyPatch, port: int
) -> None:
    addresses(monkeypatch, "127.0.0.2", "::1", "127.0.0.1")

    transport = await open_tunnel(
        "three.test", port, asyncio.Protocol, vouched=True, connect_seconds=5
    )

    assert transport.get_extra_info("peername") == ("127.0.0.1", port)
    transport.close()


class Deaf:
    """Somebody at 127.0.0.3 who accepts nobody: his backlog is full."""

    def __init__(self, port: int) -> None:
        self._listener = socket.create_server(("127.0.0.3", port), backlog=0)
        self._waiting = [socket.socket() for _ in range(3)]

    def __enter__(self) -> None:
        for one in self._waiting:
            one.setblocking(False)  # noqa: FBT003  # the standard library's signature
            one.connect_ex(self._listener.getsockname())

    def __exit__(self, *_: object) -> None:
        for one in (*self._waiting, self._listener):
            one.close()


async def test_the_next_address_is_tried_when_one_takes_its_time(
    monkeypatch: pytest.MonkeyPatch, port: int
) -> None:
    addresses(monkeypatch, "127.0.0.3", "127.0.0.1")

    with Deaf(port):
        transport = await open_tunnel(
            "two.test", port, asyncio.Protocol, vouched=True, connect_seconds=5
        )

    assert transport.get_extra_info("peername") == ("127.0.0.1", port)
    transport.close()


async def test_no_longer_than_a_person_would_wait(
    monkeypatch: pytest.MonkeyPatch, port: int
) -> None:
    addresses(monkeypatch, "127.0.0.3")

    with Deaf(port):
        told = await refusal("deaf.test", port, vouched=True, seconds=0.1)

    assert told == f"deaf.test:{port} did not accept a connection within 0.1 s: {CHECK}"
