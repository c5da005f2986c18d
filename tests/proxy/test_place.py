"""A place to listen is opened as a person means it, or the mistake is named with its remedy."""

from __future__ import annotations

import errno
import socket
from contextlib import ExitStack

import pytest

from llmreplay.errors import UsageError
from llmreplay.proxy import place
from llmreplay.proxy.place import Place

PRIVILEGED = (
    "port 80 is for privileged programs only: take one above 1023 with --port, or any free one "
    "with --port 0"
)


def opened(place: Place) -> list[tuple[str, int]]:
    """The addresses that a place opens, closed again."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(sock) for sock in place.open()]
        return [sock.getsockname()[:2] for sock in sockets]


async def test_a_free_port_is_the_same_at_each_address() -> None:
    place = await Place.named("localhost", 0)

    addresses = opened(place)

    assert len({port for _, port in addresses}) == 1
    assert addresses[0][1] > 0
    assert place.loopback


async def test_urls_are_those_that_clients_can_use() -> None:
    assert (await Place.named("127.0.0.1", 0)).url(8787) == "http://127.0.0.1:8787"
    assert (await Place.named("localhost", 0)).url(1) == "http://localhost:1"
    assert Place("::1", 0, ((socket.AF_INET6, "::1"),)).url(8787) == "http://[::1]:8787"


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("0.0.0.0", False),  # noqa: S104  # not bound to
        ("::", False),
        ("192.0.2.1", False),
    ],
)
async def test_which_hosts_are_this_machine_only(host: str, *, loopback: bool) -> None:
    assert (await Place.named(host, 0)).loopback is loopback


async def test_a_port_that_is_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(UsageError) as refusal:
            (await Place.named("127.0.0.1", port)).open()

    assert str(refusal.value) == (
        f"port {port} of 127.0.0.1 is taken, perhaps by another llmreplay: stop that one, take "
        "another port with --port, or any free one with --port 0"
    )


async def test_a_port_that_was_used_a_moment_ago_is_free() -> None:
    """Connections that wait out their time are no reason to refuse (SO_REUSEADDR)."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            accepted, _ = server.accept()
            accepted.close()

    assert opened(await Place.named("127.0.0.1", port)) == [("127.0.0.1", port)]


async def test_a_host_that_does_not_exist() -> None:
    with pytest.raises(UsageError) as refusal:
        await Place.named("nowhere.invalid", 8787)

    assert str(refusal.value) == "'nowhere.invalid' is not known here: take --host 127.0.0.1"


@pytest.mark.parametrize("port", [-1, 65536])
async def test_a_port_that_cannot_be(port: int) -> None:
    with pytest.raises(UsageError, match=f"there is no port {port}: take one below 65536"):
        await Place.named("127.0.0.1", port)


async def test_a_host_of_another_machine() -> None:
    with pytest.raises(UsageError) as refusal:
        (await Place.named("192.0.2.1", 0)).open()

    assert str(refusal.value) == ("192.0.2.1 is no address of this machine: take --host 127.0.0.1")


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (
            errno.EACCES,
            PRIVILEGED,
        ),
        (errno.ENOBUFS, "cannot listen on 127.0.0.1, port 80: No buffer space available"),
    ],
)
async def test_what_else_may_be_wrong(
    number: int, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> socket.socket:
        raise OSError(number, "No buffer space available")

    monkeypatch.setattr(place, "_listening", refuse)

    with pytest.raises(UsageError) as refusal:
        (await Place.named("127.0.0.1", 80)).open()

    assert str(refusal.value) == expected


async def test_an_address_that_the_system_lacks_is_done_without(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    listening = place._listening

    def without_ipv6(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(errno.EADDRNOTAVAIL, "")
        return listening(family, address, port)

    monkeypatch.setattr(place, "_listening", without_ipv6)
    both = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))

    assert [address for address, _ in opened(Place("localhost", 0, both))] == ["127.0.0.1"]


async def test_a_free_port_that_is_taken_at_the_next_address_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    listening = place._listening
    tries: list[int] = []

    def taken_twice(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
        tries.append(port)
        if port and len(tries) < 6:
            raise OSError(errno.EADDRINUSE, "")
        return listening(family, address, port)

    monkeypatch.setattr(place, "_listening", taken_twice)
    both = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET, "127.0.0.2"))

    addresses = opened(Place("both", 0, both))

    assert [address for address, _ in addresses] == ["127.0.0.1", "127.0.0.2"]
    assert len(tries) == 6
