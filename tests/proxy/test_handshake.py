"""TLS begins with bytes that were read before it; what goes wrong is one sentence."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, cast

import pytest

from llmreplay.proxy.handshake import failed, secured
from tests.proxy.gates import HandTls, trusting
from tests.proxy.guests import Guest

if TYPE_CHECKING:
    from llmreplay.certificates import Authority
    from tests.proxy.conftest import Run

HOST = "api.openai.com"
LEFT = (
    f"a client left in the middle of the TLS handshake for {HOST}; if it does not trust the CA, "
    "see `llmreplay ca`"
)
DISTRUST = f"a client did not trust the CA for {HOST}: see `llmreplay ca`"
NO_TLS = f"no TLS with a client that wants to reach {HOST}: "


def tls_error(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, f"[SSL: {reason}] secret (_ssl.c:1000)")
    error.reason = reason
    return error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (tls_error("TLSV1_ALERT_UNKNOWN_CA"), DISTRUST),
        (tls_error("SSLV3_ALERT_CERTIFICATE_UNKNOWN"), DISTRUST),
        (tls_error("SSLV3_ALERT_BAD_CERTIFICATE"), DISTRUST),
        (tls_error("NO_SHARED_CIPHER"), NO_TLS + "no shared cipher"),
        (ssl.SSLEOFError(8, "EOF occurred"), LEFT),
        (ConnectionResetError(), LEFT),
        (BrokenPipeError(), LEFT),
        (ssl.SSLError(), NO_TLS + "no TLS that can be understood"),
        (OSError("odd"), NO_TLS + "no TLS that can be understood"),
    ],
    ids=str,
)
def test_why_there_is_no_tls(error: OSError, expected: str) -> None:
    assert failed(error, HOST) == expected


class Keeping(asyncio.Protocol):
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.heard = b""

    def data_received(self, data: bytes) -> None:
        self.heard += data


class Starting(asyncio.Protocol):
    """Starts TLS once it has heard anything."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.app = Keeping()
        self.done: asyncio.Future[asyncio.Transport] = asyncio.get_running_loop().create_future()
        self._context = context

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._task = asyncio.create_task(self._start(data))

    async def _start(self, data: bytes) -> None:
        try:
            self.done.set_result(await secured(self.transport, self.app, self._context, data))
        except OSError as error:
            self.done.set_exception(error)


@pytest.mark.parametrize("cut", [1, 200, None])
def test_bytes_that_were_read_are_not_lost(run: Run, authority: Authority, cut: int | None) -> None:
    async def converse() -> None:
        made: list[Starting] = []

        def make() -> Starting:
            made.append(Starting(authority.context(HOST)))
            return made[-1]

        server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0)
        async with server, asyncio.timeout(5):
            guest = Guest(*await asyncio.open_connection(*server.sockets[0].getsockname()))
            tls = HandTls(trusting(authority), HOST)
            hello = tls.said()
            await guest.send(hello[:cut])
            await guest.send(hello[cut:] if cut else b"")
            finished = b""
            while not finished:
                finished = tls.said(await guest.any())
            await guest.send(finished + tls.sealed(b"at once"))
            transport = await made[0].done
            await asyncio.sleep(0.02)
            assert made[0].app.heard == b"at once"
            transport.write(b"answer")
            heard = b""
            while not heard:
                heard = tls.opened(await guest.any())
            assert heard == b"answer"
            transport.abort()
            await guest.rest_or_reset()
            guest.reset()

    run(converse())


@pytest.mark.parametrize("breaks", [True, False])
def test_a_connection_that_is_lost_meanwhile_is_an_error(
    run: Run,
    authority: Authority,
    breaks: bool,  # noqa: FBT001  # from the table
) -> None:
    async def converse() -> None:
        made: list[Starting] = []

        def make() -> Starting:
            made.append(Starting(authority.context(HOST)))
            return made[-1]

        server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0)
        async with server, asyncio.timeout(5):
            _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(HandTls(trusting(authority), HOST).said())
            await asyncio.sleep(0.02)
            if breaks:
                made[0].transport.abort()
            else:
                writer.close()
            with pytest.raises(ConnectionError):
                await made[0].done
            writer.close()

    run(converse())
