"""What a client says first decides what is spoken with it; tunnels are opened, or refused."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from llmreplay.core.faults import AtConnection
from llmreplay.errors import UpstreamError, UsageError
from llmreplay.proxy.connection import Connection
from tests.proxy.gates import FakeGate, HandTls, connect, trusting
from tests.proxy.guests import Guest, House, Rules, echo, eventually, far_side, house

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmreplay.certificates import Authority
    from tests.proxy.conftest import Run

GET = b"GET /v1 HTTP/1.1\r\nHost: x\r\n\r\n"
OPENAI = "api.openai.com"
ESTABLISHED = b"HTTP/1.1 200 Connection Established\r\n\r\n"
BROKEN = (ConnectionError, ssl.SSLError)


def open_files() -> int:
    """How many this process has."""
    return len(list(Path("/proc/self/fd").iterdir()))


def message(answer: bytes) -> str:
    """What an error body says."""
    told: str = json.loads(answer)["error"]["message"]
    return told.removeprefix("llmreplay: ")


async def came(request: web.BaseRequest) -> web.StreamResponse:
    """Answers with how the request came here."""
    connection = request.protocol
    assert isinstance(connection, Connection)
    origin, session, _ = connection.came
    return web.Response(text=f"{origin or '-'} {session or '-'} {request.raw_path}")


async def tunnel(home: House, place: str, *headers: str) -> Guest:
    """A client in a tunnel that was opened for it."""
    guest = await home.guest()
    await guest.send(connect(place, *headers))
    assert await guest.until(b"\r\n\r\n") == ESTABLISHED
    return guest


async def asked(guest: Guest, path: str = "/v1") -> str:
    """What a request is answered with."""
    await guest.send(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    status, body = await guest.answer()
    assert status == 200
    return body.decode()


async def refusal(guest: Guest) -> tuple[bytes, int, str]:
    """Status line, status and message of an answer after which nothing comes."""
    line = await guest.until(b"\r\n")
    head = await guest.until(b"\r\n\r\n")
    length = int(head.partition(b"content-length: ")[2].partition(b"\r")[0])
    body = await guest.some(length)
    assert await guest.rest() == b""
    return line, int(line.split()[1]), message(body)


# -- TLS in a tunnel ----------------------------------------------------------------------------


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_tunnel_to_a_known_host_is_answered_here_and_kept(
    run: Run, authority: Authority, version: ssl.TLSVersion
) -> None:
    async def converse() -> None:
        async with house(came, gate=FakeGate(authority)) as home:
            with await tunnel(home, f"{OPENAI}:443") as guest:
                await guest.secure(trusting(authority, version), OPENAI)
                assert guest.tls.selected_alpn_protocol() == "http/1.1"
                for number in range(3):
                    assert await asked(guest, f"/{number}") == f"https://{OPENAI} - /{number}"
            await eventually(lambda: home.listener.open_connections == 0)
        assert home.said == []

    run(converse())


@pytest.mark.parametrize("step", [1, 100, 10_000])
def test_what_follows_connect_at_once_is_not_lost(
    run: Run, authority: Authority, step: int
) -> None:
    """The hello in one packet with CONNECT, and the request in one with the handshake's end."""

    async def converse() -> None:
        tls = HandTls(trusting(authority), OPENAI)
        async with house(came, gate=FakeGate(authority)) as home, asyncio.timeout(20):
            with await home.guest() as guest:
                first = connect(f"{OPENAI}:443") + tls.said()
                for start in range(0, len(first), step):
                    await guest.send(first[start : start + step], wait=0.0001)
                assert await guest.until(b"\r\n\r\n") == ESTABLISHED
                finished = b""
                while not finished:
                    finished = tls.said(await guest.any())
                await guest.send(finished + tls.sealed(GET))
                heard = b""
                while b"/v1" not in heard:
                    heard += tls.opened(await guest.any())
                assert heard.endswith(f"https://{OPENAI} - /v1".encode())

    run(converse())


@pytest.mark.parametrize(
    ("place", "named", "shown", "origin"),
    [
        (f"{OPENAI}:443", OPENAI, OPENAI, f"https://{OPENAI}"),
        (f"{OPENAI.upper()}.:443", OPENAI, OPENAI, f"https://{OPENAI}"),
        (f"{OPENAI}:8443", OPENAI, OPENAI, f"https://{OPENAI}:8443"),
        # The name in TLS decides on the certificate; the tunnel's, on where it leads.
        (f"{OPENAI}:443", "api.anthropic.com", "api.anthropic.com", f"https://{OPENAI}"),
        (f"{OPENAI}:443", "other.test", OPENAI, f"https://{OPENAI}"),
        (f"{OPENAI}:443", None, OPENAI, f"https://{OPENAI}"),
        # Unless it leads to an address.
        ("192.0.2.1:443", None, "192.0.2.1", "https://192.0.2.1"),
        ("192.0.2.1:443", OPENAI, OPENAI, f"https://{OPENAI}"),
        ("192.0.2.1:8443", OPENAI, OPENAI, f"https://{OPENAI}:8443"),
        ("192.0.2.1:443", "other.test", "192.0.2.1", "https://192.0.2.1"),
        ("[2001:DB8::1]:443", None, "2001:DB8:0:0:0:0:0:1", "https://[2001:db8::1]"),
        ("[2001:db8::1]:8443", None, "2001:DB8:0:0:0:0:0:1", "https://[2001:db8::1]:8443"),
    ],
)
async def test_the_certificate_and_the_origin(
    authority: Authority, place: str, named: str | None, shown: str, origin: str
) -> None:
    context = trusting(authority)
    context.check_hostname = False
    async with house(came, gate=FakeGate(authority)) as home:
        with await tunnel(home, place) as guest:
            await guest.secure(context, named)
            assert guest.names_shown == [shown]
            assert await asked(guest) == f"{origin} - /v1"


async def test_the_user_name_of_the_proxy_is_the_session(authority: Authority) -> None:
    proxy = "Proxy-Authorization: Basic " + base64.b64encode(b"alice:").decode()
    async with house(came, gate=FakeGate(authority)) as home:
        with await tunnel(home, f"{OPENAI}:443", proxy) as guest:
            await guest.secure(trusting(authority), OPENAI)
            assert await asked(guest) == f"https://{OPENAI} alice /v1"


async def test_what_is_in_the_clear_in_a_tunnel(authority: Authority) -> None:
    gate = FakeGate(authority)
    async with house(came, gate=gate) as home:
        for place, origin in (
            ("plain.test:11434", "http://plain.test:11434"),
            (f"{OPENAI}:80", f"http://{OPENAI}"),
            (f"{OPENAI}:443", f"http://{OPENAI}:443"),
        ):
            with await tunnel(home, place) as guest:
                assert await asked(guest) == f"{origin} - /v1"


async def test_a_tunnel_for_what_is_in_the_clear_takes_no_tls(authority: Authority) -> None:
    gate = FakeGate(authority)
    async with house(came, gate=gate) as home:
        with await tunnel(home, "plain.test:11434") as guest, pytest.raises(BROKEN):
            await guest.secure(trusting(authority), "plain.test")
    why = "plain.test is not known here; say --allow-host plain.test"
    told = f"TLS in this tunnel is refused: {why}"
    assert gate.refusals == [(None, "plain.test:11434", 0, told)]


async def test_http_2_is_refused_in_words(authority: Authority) -> None:
    async with house(came, gate=FakeGate(authority)) as home:
        with await tunnel(home, f"{OPENAI}:443") as guest:
            context = trusting(authority)
            context.set_alpn_protocols(["h2"])
            await guest.secure(context, OPENAI)
            await guest.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            status, body = await guest.answer()
    assert (status, message(body)) == (400, "the request is not valid HTTP/1.1: it is HTTP/2")


async def test_a_websocket_is_answered_as_any_request(authority: Authority) -> None:
    async with house(echo, gate=FakeGate(authority)) as home:
        with await tunnel(home, f"{OPENAI}:443") as guest:
            await guest.secure(trusting(authority), OPENAI)
            await guest.send(GET[:-2] + b"Connection: upgrade\r\nUpgrade: websocket\r\n\r\n")
            assert await guest.answer() == (200, b"GET /v1 ")


# -- TLS with this port itself ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("named", "shown", "origin"),
    [
        (None, "127.0.0.1", "-"),
        ("localhost", "localhost", "-"),
        (OPENAI, OPENAI, f"https://{OPENAI}"),
        ("refused.test", "localhost", "-"),
    ],
)
def test_tls_with_this_port(
    run: Run, authority: Authority, named: str | None, shown: str, origin: str
) -> None:
    async def converse() -> None:
        context = trusting(authority)
        context.check_hostname = named != "refused.test" and named is not None
        async with house(came, gate=FakeGate(authority)) as home:
            with await home.guest() as guest:
                await guest.secure(context, named)
                assert guest.names_shown == [shown]
                assert await asked(guest) == f"{origin} - /v1"
                assert await asked(guest) == f"{origin} - /v1"

    run(converse())


def test_a_tunnel_within_tls(run: Run, authority: Authority) -> None:
    """`HTTPS_PROXY=https://…`: TLS with the proxy, and in it TLS with the host."""

    async def converse() -> None:
        async with house(came, gate=FakeGate(authority)) as home, asyncio.timeout(10):
            with await home.guest() as guest:
                await guest.secure(trusting(authority), "localhost")
                await guest.send(connect(f"{OPENAI}:443"))
                assert await guest.until(b"\r\n\r\n") == ESTABLISHED
                inner = HandTls(trusting(authority), OPENAI)
                await guest.send(inner.said())
                finished = b""
                while not finished:
                    finished = inner.said(await guest.any())
                await guest.send(finished + inner.sealed(GET))
                heard = b""
                while b"/v1" not in heard:
                    heard += inner.opened(await guest.any())
                assert heard.endswith(f"https://{OPENAI} - /v1".encode())

    run(converse())


# -- TLS that fails -----------------------------------------------------------------------------


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_that_does_not_trust_the_ca(
    run: Run, authority: Authority, version: ssl.TLSVersion
) -> None:
    context = ssl.create_default_context()
    context.maximum_version = version

    async def converse() -> None:
        async with house(came, gate=FakeGate(authority)) as home:
            with await tunnel(home, f"{OPENAI}:443") as guest:
                tls = HandTls(context, OPENAI)
                await guest.send(tls.said())
                await guest.send(tls.said(await guest.any()))
                await guest.rest_or_reset()
            await eventually(lambda: home.listener.open_connections == 0)
        assert home.said == [f"a client did not trust the CA for {OPENAI}: see `llmreplay ca`"]

    run(converse())


def test_a_client_that_leaves_in_the_handshake(run: Run, authority: Authority) -> None:
    async def converse() -> None:
        async with house(came, gate=FakeGate(authority)) as home:
            for leaves in (Guest.send_no_more, Guest.reset):
                with await tunnel(home, f"{OPENAI}:443") as guest:
                    await guest.send(HandTls(trusting(authority), OPENAI).said())
                    leaves(guest)
                    await eventually(lambda: home.listener.open_connections == 0)
        left = f"a client left in the middle of the TLS handshake for {OPENAI}"
        assert home.said == [f"{left}; if it does not trust the CA, see `llmreplay ca`"] * 2

    run(converse())


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (b"\x16\x03\x01\x00\x05hello", "unexpected message"),
        (b"\x16\x03\x01\xff\xffhello", "packet length too long"),
        (b"\x16aaaa" + b"a" * 30_000, "wrong version number"),
    ],
)
def test_a_client_that_speaks_no_tls(
    run: Run, authority: Authority, said: bytes, told: str
) -> None:
    async def converse() -> None:
        async with house(came, gate=FakeGate(authority)) as home:
            with await tunnel(home, f"{OPENAI}:443") as guest:
                await guest.send(said)
                await guest.rest_or_reset()
            await eventually(lambda: home.listener.open_connections == 0)
        assert home.said == [f"no TLS with a client that wants to reach {OPENAI}: {told}"]

    run(converse())


def test_tls_that_is_too_old(run: Run, authority: Authority) -> None:
    async def converse() -> None:
        context = trusting(authority)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
        hello = bytearray(HandTls(context, OPENAI).said())
        hello[9:11] = b"\x03\x01"  # TLS 1.0
        async with house(came, gate=FakeGate(authority)) as home:
            with await tunnel(home, f"{OPENAI}:443") as guest:
                await guest.send(bytes(hello))
                await guest.rest_or_reset()
            await eventually(lambda: home.listener.open_connections == 0)
        told = "unsupported protocol"
        assert home.said == [f"no TLS with a client that wants to reach {OPENAI}: {told}"]

    run(converse())


# -- what rules do to connections ---------------------------------------------------------------

CUT = [AtConnection.REFUSED, AtConnection.RESET_EARLY]


@pytest.mark.parametrize("at", CUT)
def test_a_connection_in_the_clear_is_reset_with_its_first_bytes(
    run: Run, authority: Authority, at: AtConnection
) -> None:
    async def converse() -> None:
        gate = FakeGate(authority, troubles=[at])
        async with house(came, gate=gate) as home:
            with await home.guest() as guest:
                await guest.send(GET)
                with pytest.raises(ConnectionResetError):
                    await guest.rest()
            with await home.guest() as guest:
                assert await asked(guest) == "- - /v1"
                assert await asked(guest) == "- - /v1"
            await eventually(lambda: home.listener.open_connections == 0)
        assert gate.done == [at]
        assert gate.arrived == [(None, None, False)] * 2
        assert home.said == []

    run(converse())


@pytest.mark.parametrize("at", CUT)
@pytest.mark.parametrize(
    ("named", "meant"), [(OPENAI, f"{OPENAI}:443"), (None, None), ("localhost", None)]
)
def test_a_connection_with_tls_is_reset_when_it_is_known_whom_it_is_for(
    run: Run, authority: Authority, at: AtConnection, named: str | None, meant: str | None
) -> None:
    async def converse() -> None:
        gate = FakeGate(authority, troubles=[at])
        async with house(came, gate=gate) as home:
            with await home.guest() as guest:
                await guest.send(HandTls(trusting(authority), named or "127.0.0.1").said())
                with pytest.raises(ConnectionResetError):
                    await guest.rest()
            await eventually(lambda: home.listener.open_connections == 0)
        assert gate.done == [at]
        assert gate.arrived == [(None, meant, True)]
        assert home.said == []

    run(converse())


async def test_a_tunnel_that_is_refused(authority: Authority) -> None:
    proxy = "Proxy-Authorization: Basic " + base64.b64encode(b"alice:").decode()
    gate = FakeGate(authority, troubles=[AtConnection.REFUSED])
    async with house(came, gate=gate) as home:
        with await home.guest() as guest:
            await guest.send(connect(f"{OPENAI}:443", proxy))
            head = await guest.until(b"\r\n\r\n")
            told = f"{OPENAI}:443 refuses connections, as a rule has it: rule: connection refused"
            assert head.startswith(f"HTTP/1.1 502 llmreplay: {told}\r\n".encode())
            assert b"\r\nx-llmreplay-fault: rule (connection)\r\n" in head
            assert message(await guest.rest()) == told
        with await tunnel(home, f"{OPENAI}:443") as guest:
            await guest.secure(trusting(authority), OPENAI)
            assert await asked(guest) == f"https://{OPENAI} - /v1"
        assert home.listener.counts.refused == 0
    assert gate.done == [AtConnection.REFUSED]
    assert gate.arrived == [("alice", f"{OPENAI}:443", True), (None, f"{OPENAI}:443", True)]
    assert home.said == []


@pytest.mark.parametrize("said", [GET, b"\x16\x03"])
def test_a_tunnel_that_is_reset_by_what_is_said_first_in_it(
    run: Run, authority: Authority, said: bytes
) -> None:
    async def converse() -> None:
        gate = FakeGate(authority, troubles=[AtConnection.RESET_EARLY])
        async with house(came, gate=gate) as home:
            with await tunnel(home, f"{OPENAI}:443") as guest:
                assert await guest.hears_nothing()
                await guest.send(said)
                with pytest.raises(ConnectionResetError):
                    await guest.rest()
            await eventually(lambda: home.listener.open_connections == 0)
        assert gate.done == [AtConnection.RESET_EARLY]

    run(converse())


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("in_tunnel", [True, False])
def test_tls_that_is_aborted(
    run: Run,
    authority: Authority,
    version: ssl.TLSVersion,
    in_tunnel: bool,  # noqa: FBT001  # from the table
) -> None:
    async def converse() -> None:
        gate = FakeGate(authority, troubles=[AtConnection.TLS_ABORT])
        async with house(came, gate=gate) as home:
            with await (tunnel(home, f"{OPENAI}:443") if in_tunnel else home.guest()) as guest:
                await guest.send(HandTls(trusting(authority, version), OPENAI).said())
                assert await guest.rest() == b"\x15\x03\x03\x00\x02\x02\x28"
            gate.troubles = [AtConnection.TLS_ABORT]
            with (
                await (tunnel(home, f"{OPENAI}:443") if in_tunnel else home.guest()) as guest,
                pytest.raises(ssl.SSLError, match="handshake failure"),
            ):
                await guest.secure(trusting(authority, version), OPENAI)
            await eventually(lambda: home.listener.open_connections == 0)
        assert gate.done == [AtConnection.TLS_ABORT] * 2
        assert home.said == []

    run(converse())


@pytest.mark.parametrize(
    ("at", "told"),
    [
        (AtConnection.EXPIRED_CERTIFICATE, "certificate has expired"),
        (AtConnection.WRONG_HOST, f"Hostname mismatch, certificate is not valid for '{OPENAI}'"),
    ],
)
@pytest.mark.parametrize("in_tunnel", [True, False])
def test_a_certificate_that_has_to_be_refused(
    run: Run,
    authority: Authority,
    at: AtConnection,
    told: str,
    in_tunnel: bool,  # noqa: FBT001  # from the table
) -> None:
    async def converse() -> None:
        gate = FakeGate(authority, troubles=[at])
        async with house(came, gate=gate) as home:
            with (
                await (tunnel(home, f"{OPENAI}:443") if in_tunnel else home.guest()) as guest,
                pytest.raises(ssl.SSLCertVerificationError, match=told),
            ):
                await guest.secure(trusting(authority), OPENAI)
            await eventually(lambda: home.listener.open_connections == 0)
            with await (tunnel(home, f"{OPENAI}:443") if in_tunnel else home.guest()) as guest:
                await guest.secure(trusting(authority), OPENAI)
                assert await asked(guest) == f"https://{OPENAI} - /v1"
        assert gate.done == [at]
        assert home.said == []  # of a CA that is not trusted

    run(converse())


async def test_a_client_that_takes_any_certificate_comes_in(authority: Authority) -> None:
    context = trusting(authority)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    async with house(
        came, gate=FakeGate(authority, troubles=[AtConnection.EXPIRED_CERTIFICATE])
    ) as home:
        with await tunnel(home, f"{OPENAI}:443") as guest:
            await guest.secure(context, OPENAI)
            assert await asked(guest) == f"https://{OPENAI} - /v1"


@pytest.mark.parametrize("in_tunnel", [True, False])
async def test_what_needs_tls_is_not_done_without_and_said(
    authority: Authority,
    in_tunnel: bool,  # noqa: FBT001  # from the table
) -> None:
    gate = FakeGate(authority, troubles=[AtConnection.TLS_ABORT])
    async with house(came, gate=gate) as home:
        with await (tunnel(home, f"{OPENAI}:80") if in_tunnel else home.guest()) as guest:
            assert await asked(guest) == f"{f'http://{OPENAI}' if in_tunnel else '-'} - /v1"
    assert gate.done == []
    assert home.said == [
        "fault not done: rule: connection tls_abort: the client speaks no TLS",
    ]


async def test_a_tunnel_within_tls_is_a_connection_of_its_own(authority: Authority) -> None:
    gate = FakeGate(authority, troubles=[None, AtConnection.REFUSED])
    async with house(came, gate=gate) as home:
        with await home.guest() as guest:
            await guest.secure(trusting(authority), "localhost")
            await guest.send(connect(f"{OPENAI}:443"))
            assert (await refusal(guest))[1] == 502
    assert gate.arrived == [(None, None, True), (None, f"{OPENAI}:443", True)]


async def test_what_is_passed_by_or_turned_away_is_let_be(authority: Authority) -> None:
    async with far_side(greeting=b"hello") as far:
        gate = FakeGate(authority, far=far, troubles=[AtConnection.REFUSED] * 3)
        async with house(came, Rules(max_connections=1), gate) as home:
            with await home.guest() as first, await home.guest() as second:
                await first.send(connect("far.test:443"))
                assert await first.until(b"hello") == ESTABLISHED + b"hello"
                await second.send(GET)
                assert (await second.answer())[0] == 503
    assert gate.arrived == []


# -- clients that take their time ---------------------------------------------------------------


async def test_a_client_that_sends_nothing(authority: Authority) -> None:
    async with house(came, gate=FakeGate(authority)) as home:
        with await home.guest() as first, await tunnel(home, f"{OPENAI}:443") as second:
            await home.seconds_pass(70)
            assert await first.hears_nothing()
            assert await second.hears_nothing()
            await home.seconds_pass(10)
            assert await first.rest() == b""
            assert await second.rest() == b""
        await eventually(lambda: home.listener.open_connections == 0)


@pytest.mark.parametrize("part", [b"CON", b"CONNECT ", connect(f"{OPENAI}:443")[:-1]])
async def test_half_a_head(authority: Authority, part: bytes) -> None:
    async with house(came, gate=FakeGate(authority)) as home:
        with await home.guest() as guest:
            await guest.send(part)
            await home.seconds_pass(8)
            assert await guest.hears_nothing()
            await home.seconds_pass(2)
            _, status, told = await refusal(guest)
            slow = "the CONNECT request's head is too slow"
            told_whole = f"{slow}; see limits.header_timeout in llmreplay.yaml"
            assert (status, told) == (408, told_whole)
        assert home.listener.counts.slow == 1


@pytest.mark.parametrize("half", [True, False], ids=["half a hello", "half a handshake"])
def test_tls_that_stalls(run: Run, authority: Authority, half: bool) -> None:  # noqa: FBT001  # from the table
    async def converse() -> None:
        async with house(came, gate=FakeGate(authority)) as home:
            with await tunnel(home, f"{OPENAI}:443") as guest:
                hello = HandTls(trusting(authority), OPENAI).said()
                await guest.send(hello[:100] if half else hello)
                if not half:
                    assert await guest.any() != b""
                await home.seconds_pass(12)
                await guest.rest_or_reset()
            await eventually(lambda: home.listener.open_connections == 0)
            assert home.listener.counts.slow == 1
        assert home.said[0] == (
            "a client is too slow with TLS; see limits.header_timeout in llmreplay.yaml"
        )

    run(converse())


async def test_a_method_that_begins_like_connect(authority: Authority) -> None:
    async with house(echo, gate=FakeGate(authority)) as home:
        with await home.guest() as guest:
            await guest.send(b"CO")
            await guest.send(b"PY /v1 HTTP/1.1\r\nHost: x\r\n\r\n")
            assert await guest.answer() == (200, b"COPY /v1 ")


# -- refusals -----------------------------------------------------------------------------------

TOO_LARGE = (
    "the CONNECT request's head is larger than 8,192 bytes; raise limits.max_header in "
    "llmreplay.yaml"
)
NAMING = (
    "the user name in the proxy's URL cannot name a session: use letters, digits, '.', '_' and "
    "'-', up to 128, with no dot first"
)


@pytest.mark.parametrize(
    ("place", "headers", "status", "told"),
    [
        ("[::1", (), 400, "CONNECT needs a host and a port, as in api.openai.com:443"),
        (OPENAI, (), 400, "CONNECT needs a host and a port, as in api.openai.com:443"),
        (f"{OPENAI}:443", ("X : y",), 400, "the CONNECT request is not valid HTTP/1.1"),
        (f"{OPENAI}:443", ("X: a\nY: b",), 400, "the CONNECT request is not valid HTTP/1.1"),
        (
            f"{OPENAI}:443",
            ("X: " + "a" * 9000,),
            431,
            TOO_LARGE,
        ),
        (
            f"{OPENAI}:443",
            ("Proxy-Authorization: Basic " + base64.b64encode(b"a b:").decode(),),
            400,
            NAMING,
        ),
    ],
)
async def test_a_refusal_says_why_in_its_status_line_and_its_body(
    authority: Authority, place: str, headers: tuple[str, ...], status: int, told: str
) -> None:
    async with house(came, gate=FakeGate(authority)) as home:
        with await home.guest() as guest:
            await guest.send(connect(place, *headers) + b"\x16\x03\x01")
            line, answered, why = await refusal(guest)
            assert (answered, why) == (status, told)
            assert line == f"HTTP/1.1 {status} llmreplay: {told}\r\n".encode()
        assert home.listener.counts.refused == 1
        await eventually(lambda: home.listener.open_connections == 0)
    assert home.said == [f"refused a tunnel: llmreplay: {told}"]


async def test_a_host_that_is_refused_is_told_to_the_journal(authority: Authority) -> None:
    gate = FakeGate(authority)
    async with house(came, gate=gate) as home:
        with await home.guest() as guest:
            user = "Proxy-Authorization: Basic " + base64.b64encode(b"blue:none").decode()
            await guest.send(connect("refused.test:443", user))
            why = "refused.test is not known here; say --allow-host refused.test"
            assert (await refusal(guest))[1:] == (403, why)
        assert home.listener.counts.refused == 1
    assert (gate.refusals, home.said) == ([("blue", "refused.test:443", 403, why)], [])


async def test_a_refusal_within_tls_and_one_that_is_talked_over(authority: Authority) -> None:
    async with house(came, gate=FakeGate(authority)) as home:
        with await home.guest() as first, await home.guest() as second:
            await first.secure(trusting(authority), "localhost")
            await first.send(connect("refused.test:443"))
            assert (await refusal(first))[1] == 403
            await second.send(connect("refused.test:443"))
            await second.send(GET)
            assert (await refusal(second))[1] == 403
            await home.seconds_pass(11)
            await eventually(lambda: home.listener.open_connections == 0)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "LOCALHOST."])
async def test_no_tunnel_leads_to_this_port(authority: Authority, host: str) -> None:
    async with far_side() as far, house(came, gate=FakeGate(authority, far=far)) as home:
        with await home.guest() as guest:
            await guest.send(connect(f"{host}:{home.port}"))
            _, status, told = await refusal(guest)
            assert status == 403
            assert " is llmreplay itself: send requests for it to http://" in told


async def test_nor_one_to_a_name_that_leads_here(authority: Authority) -> None:
    gate = FakeGate(authority)
    async with house(came, gate=gate) as home:
        gate.far = ("127.0.0.1", home.port)
        with await home.guest() as guest:
            await guest.send(connect("tricky.test:443"))
            _, status, told = await refusal(guest)
            assert (status, told) == (403, "tricky.test:443 leads to llmreplay itself")
        await eventually(lambda: home.listener.open_connections == 0)
        assert gate.tunnels == []


async def test_a_password_is_asked_for(authority: Authority) -> None:
    async with house(came, gate=FakeGate(authority, password="open")) as home:
        with await home.guest() as guest:
            await guest.send(connect(f"{OPENAI}:443"))
            _, status, told = await refusal(guest)
            assert status == 407
            assert told.startswith("the proxy's password is missing or wrong")
        right = "Proxy-Authorization: Basic " + base64.b64encode(b"bob:open").decode()
        with await tunnel(home, f"{OPENAI}:443", right) as guest:
            assert await asked(guest) == f"http://{OPENAI}:443 bob /v1"


async def test_other_machines_need_one(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("llmreplay.proxy.ourselves.loopback", lambda _: False)
    async with house(came, gate=FakeGate(authority)) as home:
        with await home.guest() as guest:
            await guest.send(connect(f"{OPENAI}:443"))
            _, status, told = await refusal(guest)
            assert (status, told) == (
                403,
                "other machines may use the proxy only with a password: set proxy_password",
            )
        with await home.guest() as guest:
            assert await asked(guest) == "- - /v1"


async def test_one_tunnel_too_many(authority: Authority) -> None:
    rules = Rules(max_connections=1)
    async with house(came, rules, FakeGate(authority)) as home:
        with await home.guest(), await home.guest() as second, await home.guest() as third:
            await second.send(connect(f"{OPENAI}:443"))
            _, status, told = await refusal(second)
            assert status == 503
            assert told.startswith("more than 1 connections at a time")
            with pytest.raises(BROKEN):
                await third.secure(trusting(authority), "localhost")


class BrokenGate(FakeGate):
    """A gate that fails with `error`."""

    error: Exception = UsageError("the folder of the CA cannot be written: see --ca-dir")

    async def secure(self, host: str, trouble: AtConnection | None = None) -> ssl.SSLContext:
        del host, trouble
        raise self.error

    async def reach(
        self, host: str, port: int, protocol_factory: Callable[[], asyncio.Protocol]
    ) -> asyncio.Transport:
        del protocol_factory
        raise UpstreamError(f"nothing listens at {host}:{port}: check its address")


async def test_a_ca_that_cannot_be_made(authority: Authority) -> None:
    gate = BrokenGate(authority)
    async with house(came, gate=gate) as home:
        with await home.guest() as guest, await home.guest() as other:
            await guest.send(connect(f"{OPENAI}:443"))
            _, status, told = await refusal(guest)
            assert (status, told) == (500, str(BrokenGate.error))
            with pytest.raises(BROKEN):
                await other.secure(trusting(authority), "localhost")
        await eventually(lambda: home.listener.open_connections == 0)
    assert gate.refusals == [(None, f"{OPENAI}:443", 500, str(BrokenGate.error))]
    assert home.said == [str(BrokenGate.error)]


async def test_a_fault_of_ours_is_one_line(authority: Authority) -> None:
    gate = BrokenGate(authority)
    gate.error = KeyError("odd")
    async with house(came, gate=gate) as home:
        with await home.guest() as guest:
            await guest.send(connect(f"{OPENAI}:443"))
            await guest.rest_or_reset()
        assert home.listener.counts.failed == 1
        await eventually(lambda: home.listener.open_connections == 0)
    assert home.said == ["a tunnel failed here, with KeyError('odd'); please report it"]


async def test_a_host_that_cannot_be_reached(authority: Authority) -> None:
    async with house(came, gate=BrokenGate(authority, far=("", 0))) as home:
        with await home.guest() as guest:
            await guest.send(connect("far.test:443"))
            _, status, told = await refusal(guest)
            assert (status, told) == (502, "nothing listens at far.test:443: check its address")


# -- passed by unread ---------------------------------------------------------------------------


def test_others_are_passed_by_unread(run: Run, authority: Authority) -> None:
    async def converse() -> None:
        async with far_side(greeting=b"hello") as far:
            gate = FakeGate(authority, far=far)
            async with house(came, gate=gate) as home:
                with await home.guest() as guest:
                    await guest.send(connect("far.test:443") + b"first ")
                    assert await guest.until(b"first ") == ESTABLISHED + b"hellofirst "
                    await guest.send(b"second")
                    assert await guest.some(6) == b"second"
                    guest.send_no_more()
                    assert await guest.rest() == b"bye"
                await eventually(lambda: home.listener.open_connections == 0)
                assert home.listener.counts.tunnels == 1
            assert gate.tunnels == [("far.test", 443)]
        assert home.said == []

    run(converse())


# -- closing ------------------------------------------------------------------------------------


def test_a_stop_ends_what_has_only_begun(run: Run, authority: Authority) -> None:
    class SlowGate(FakeGate):
        async def reach(
            self, host: str, port: int, protocol_factory: Callable[[], asyncio.Protocol]
        ) -> asyncio.Transport:
            await asyncio.sleep(1000)
            raise AssertionError(host, port, protocol_factory)

    async def converse() -> None:
        hello = HandTls(trusting(authority), OPENAI).said()
        begun = [
            b"",
            b"CONN",
            connect("far.test:443"),
            connect(f"{OPENAI}:443"),
            connect(f"{OPENAI}:443") + hello[:50],
            connect(f"{OPENAI}:443") + hello,
            connect("refused.test:443"),
        ]
        with ExitStack() as guests:
            async with house(came, gate=SlowGate(authority, far=("", 0))) as home:
                for said in begun:
                    guest = guests.enter_context(await home.guest())
                    await guest.send(said)
                assert home.listener.open_connections == len(begun)
                async with asyncio.timeout(1):
                    await home.listener.stop(5)
                assert home.listener.open_connections == 0

    run(converse())


def test_tunnels_opened_and_dropped_leave_nothing_behind(run: Run, authority: Authority) -> None:
    async def once(home: House, number: int) -> None:
        context = trusting(authority)
        places = (f"{OPENAI}:443", "far.test:443", "refused.test:443", f"{OPENAI}:443")
        with await home.guest() as guest:
            await guest.send(connect(places[number % 4]), wait=0)
            head = await guest.until(b"\r\n\r\n")
            if number % 4 == 0:
                await guest.secure(context, OPENAI)
                assert await asked(guest) == f"https://{OPENAI} - /v1"
            elif number % 4 == 1:
                await guest.send(b"x", wait=0)
                assert await guest.some(1) == b"x"
            else:
                assert head.startswith((b"HTTP/1.1 403", b"HTTP/1.1 200"))
            if number % 3 == 0:
                guest.reset()

    async def converse() -> None:
        async with far_side() as far, house(came, gate=FakeGate(authority, far=far)) as home:
            await once(home, 0)
            await eventually(lambda: home.listener.open_connections == 0)
            files, tasks = open_files(), len(asyncio.all_tasks())
            for start in range(0, 1000, 50):
                await asyncio.gather(*(once(home, number) for number in range(start, start + 50)))
            await eventually(lambda: home.listener.open_connections == 0)
            await eventually(lambda: len(asyncio.all_tasks()) <= tasks)
            await eventually(lambda: open_files() <= files)

    run(converse())
