"""Where no answer comes, the message names upstream, place, reason and remedy, and no secret."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import ssl
import subprocess
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from llmreplay.core.exchange import Request
from llmreplay.errors import UpstreamError
from tests.fakes.origin import Close, Origin, Reset, Send, Step, Wait
from tests.upstream.reaching import post, reaching

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

AGAIN = "see its log, then send the request again"
CHECK = "check scheme and port of its address"


async def failure(request: Request, **patience: float) -> str:
    """What a person reads when `request` gets no answer."""
    async with reaching(**patience) as upstream:
        with pytest.raises(UpstreamError) as raised:
            await upstream.send(request)
    assert "secret" not in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([Close()], f"closed the connection before it answered: {AGAIN}"),
        (
            [Send(b"HTTP/1.1 200 OK\r\nX: y\r\n"), Close()],
            f"closed the connection before it answered: {AGAIN}",
        ),
        (
            [Reset()],
            f"broke the connection before it answered (Connection reset by peer): {AGAIN}",
        ),
        (
            [Wait(9)],
            "sent nothing for 0.3 s: see whether it still works, then send the request again",
        ),
        (
            [Send(b"SSH-2.0-OpenSSH_9\r\n")],
            f"did not answer in valid HTTP/1.1 (Bad status line): {CHECK}",
        ),
        (
            [Send(b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n")],
            f"did not answer in valid HTTP/1.1 (Invalid header token): {CHECK}",
        ),
        (
            [Send(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc")],
            f"did not answer in valid HTTP/1.1 (Duplicate Content-Length): {CHECK}",
        ),
        (
            [Send(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")],
            "switched to another protocol without being asked",
        ),
    ],
)
async def test_an_upstream_that_gives_no_answer(steps: list[Step], expected: str) -> None:
    async with Origin(lambda _: steps) as origin:
        request = post(f"{origin.url}/v1/secret?key=secret", ("Authorization", "secret"))

        message = await failure(request, silence_seconds=0.3)

    assert message == f'127.0.0.1:{request.parts.port} (upstream "acme") {expected}'


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_nobody_listens(host: str) -> None:
    port = free_port()

    message = await failure(post(f"http://user:secret@{host}:{port}/secret"))

    assert message == (
        f'nothing listens at {host}:{port} (upstream "acme"): start it or change --upstream'
    )


async def test_an_upstream_without_a_name_is_the_default_one() -> None:
    port = free_port()

    message = await failure(Request("GET", f"http://127.0.0.1:{port}/"))

    assert message == (
        f'nothing listens at 127.0.0.1:{port} (upstream "default"): start it or change --upstream'
    )


async def test_a_name_that_does_not_exist() -> None:
    assert await failure(post("http://nowhere.invalid/")) == (
        'no address is known for nowhere.invalid (upstream "acme"): check its name and the network'
    )


async def test_a_place_that_does_not_answer_at_all() -> None:
    """A full accept queue drops the SYN, as a firewall would."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        crowd = [socket.socket() for _ in range(4)]
        for one in crowd:
            one.settimeout(0)
            one.connect_ex(("127.0.0.1", port))

        message = await failure(post(f"http://127.0.0.1:{port}/"), connect_seconds=0.3)

        for one in crowd:
            one.close()
    assert message == (
        f'127.0.0.1:{port} (upstream "acme") did not accept a connection within 0.3 s: '
        "check its address and the network"
    )


async def test_a_port_that_never_speaks_tls_is_told_as_that() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        told = await failure(post(f"https://127.0.0.1:{port}/v1"), connect_seconds=0.3)
    assert told == (
        f'127.0.0.1:{port} (upstream "acme") did not accept a connection with TLS within 0.3 s: '
        "check its address, scheme and the network"
    )


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("ftp://127.0.0.1/x", "its URL has no http:// or https:// address"),
        ("http:///x", "its URL has no http:// or https:// address"),
        ("http://127.0.0.1:99999/", "Port out of range 0-65535"),
    ],
)
async def test_a_url_that_leads_nowhere(url: str, expected: str) -> None:
    assert f"({expected}): change the request" in await failure(Request("GET", url))


async def test_a_header_that_cannot_be_sent() -> None:
    async with Origin(lambda _: []) as origin:
        assert (
            "(its header 'X-Raw' has a control character in it): change the request"
            in await failure(post(origin.url, ("X-Raw", "a\r\nb: c")))
        )
        assert origin.asked == []


# -- TLS ----------------------------------------------------------------------------------------


async def test_https_where_http_is_spoken() -> None:
    async def grumble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(grumble, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    message = await failure(post(f"https://127.0.0.1:{port}/"))

    server.close()
    assert message.startswith(f'127.0.0.1:{port} (upstream "acme") does not speak TLS as expected')
    assert message.endswith(CHECK)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for localhost that nobody has signed, and its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("makes its certificate with the openssl command")
    folder = tmp_path_factory.mktemp("tls")
    subject = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost")
    made = (openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
    files = ("-nodes", "-days", "1", "-keyout", str(folder / "key"), "-out", str(folder / "cert"))
    subprocess.run([*made, *subject, *files], check=True, capture_output=True)  # noqa: S603  # found on PATH, our arguments
    return folder / "cert", folder / "key"


@asynccontextmanager
async def tls_server(certificate: tuple[Path, Path]) -> AsyncIterator[int]:
    """A server that answers over TLS, on this port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        writer.close()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    yield server.sockets[0].getsockname()[1]
    server.close()


async def test_a_certificate_that_nobody_knows(certificate: tuple[Path, Path]) -> None:
    async with tls_server(certificate) as port:
        message = await failure(post(f"https://localhost:{port}/"))

    assert message == (
        f'localhost:{port} (upstream "acme") has a certificate that is not trusted '
        "(self-signed certificate): check its address, or name a file with its CA in the "
        "variable SSL_CERT_FILE"
    )


async def test_the_remedy_for_it_works(certificate: tuple[Path, Path]) -> None:
    script = (
        "import asyncio, sys\n"
        "from tests.upstream.reaching import heard, post, reaching\n"
        "async def main():\n"
        "    async with reaching() as upstream:\n"
        "        print((await upstream.send(post(sys.argv[1]))).status)\n"
        "asyncio.run(main())\n"
    )
    async with tls_server(certificate) as port:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            script,
            f"https://localhost:{port}/",
            env={**os.environ, "SSL_CERT_FILE": str(certificate[0])},
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await process.communicate()

    assert out == b"204\n"
