"""What the proxy costs: a hit through a kept tunnel, and a new tunnel up to its first hit.

wrk knows no CONNECT, so the load is of our own, and the same with TLS and without: a loop over
sockets that writes the same request again and again. How busy it was is told beside, for at 100 %
it would be itself what is measured. The floor of a new tunnel is a server in plain Python that has
the same certificates, ends TLS and echoes.
"""

from __future__ import annotations

import select
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, closing
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING, NamedTuple

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import cassettes
from benchmarks.processes import free_port, on_core, running, serving
from benchmarks.throughput import ratio
from llmreplay.service.hosts import authority_of
from llmreplay.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["main"]

HOST = "api.openai.com"
OTHER_HOST = "us.api.openai.com"
CONNECTIONS = 32
ROUNDS = 5
SECONDS = 2.0
TUNNELS = 300
IN_TURN = 20
_MOST = 1 << 16
_GREETING = b"hello"


class Load(NamedTuple):
    """Hits a second, and the part of the time in which the client was at work itself."""

    hits: float
    busy: float


def load(connect: Callable[[], socket.socket], request: bytes, seconds: float) -> Load:
    """`request` over connections that are kept; every answer must be the same success."""
    with ExitStack() as stack:
        poll = stack.enter_context(select.epoll())
        sockets = {}
        for _ in range(CONNECTIONS):
            opened = stack.enter_context(closing(connect()))
            size = len(_asked(opened, request))
            opened.settimeout(0)
            poll.register(opened, select.EPOLLIN)
            sockets[opened.fileno()] = opened
        missing = dict.fromkeys(sockets, size)
        start, worked, answers = time.perf_counter(), time.process_time(), 0
        for opened in sockets.values():
            opened.send(request)
        while (lasted := time.perf_counter() - start) < seconds:
            for number, _ in poll.poll(1):
                try:
                    data = sockets[number].recv(_MOST)
                except (ssl.SSLWantReadError, BlockingIOError):
                    continue  # a session ticket, or a part of a record
                if missing[number] == size and not data.startswith(b"HTTP/1.1 200 "):
                    raise RuntimeError(f"no success: {data[:200]!r}")
                missing[number] -= len(data)
                if missing[number] == 0:
                    answers += 1
                    missing[number] = size
                    sockets[number].send(request)
        return Load(answers / lasted, (time.process_time() - worked) / lasted)


def hits(port: int, trusted: ssl.SSLContext, body: bytes) -> None:
    """A hit through a kept tunnel against the same by base URL, in turn."""
    path = "/v1/chat/completions"
    base_url, tunnel = "by base URL, no TLS", "through a tunnel"
    ways = {
        base_url: (lambda: _connected(port), _post("127.0.0.1", f"/openai{path}", body)),
        tunnel: (lambda: _tunnel(port, HOST, trusted), _post(HOST, path, body)),
    }
    figures: dict[str, list[float]] = {name: [] for name in ways}
    busy: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, (connect, request) in ways.items():
            told = load(connect, request, SECONDS)
            figures[name].append(told.hits)
            busy[name].append(told.busy)
    for name, runs in figures.items():
        print(f"  {name}: {median(runs):,.0f} hits/s, the client busy {median(busy[name]):.0%}")
    print(f"  a hit {ratio(figures, tunnel, base_url)}")


def handshakes(port: int, floor: int, trusted: ssl.SSLContext, body: bytes) -> None:
    """A new tunnel up to its first answer, against TLS and an echo alone, in turn."""
    path = "/v1/chat/completions"
    request = _post(HOST, path, body)
    figures: dict[str, list[float]] = {"tunnel": [], "floor": []}
    first = _new_tunnel_ms(port, OTHER_HOST, trusted, _post(OTHER_HOST, path, body))
    for _ in range(TUNNELS // IN_TURN):
        figures["tunnel"] += (_new_tunnel_ms(port, HOST, trusted, request) for _ in range(IN_TURN))
        figures["floor"] += (_echo_ms(floor, trusted) for _ in range(IN_TURN))
    for name, runs in figures.items():
        print(f"  {name}: median {median(runs):.2f} ms (p99 {quantiles(runs, n=100)[98]:.2f})")
    print(f"  a new tunnel: {median(figures['tunnel']) / median(figures['floor']):.2f} x floor")
    print(f"  the first to a host, for which a certificate is made: {first:.1f} ms")


def _new_tunnel_ms(port: int, host: str, trusted: ssl.SSLContext, request: bytes) -> float:
    start = time.perf_counter()
    with closing(_tunnel(port, host, trusted)) as tunnel:
        _asked(tunnel, request)
        return (time.perf_counter() - start) * 1000


def _echo_ms(port: int, trusted: ssl.SSLContext) -> float:
    start = time.perf_counter()
    with closing(trusted.wrap_socket(_connected(port), server_hostname=HOST)) as opened:
        opened.sendall(_GREETING)
        opened.recv(_MOST)
        return (time.perf_counter() - start) * 1000


def _connected(port: int) -> socket.socket:
    opened = socket.create_connection(("127.0.0.1", port), 10)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return opened


def _tunnel(port: int, host: str, trusted: ssl.SSLContext) -> ssl.SSLSocket:
    opened = _connected(port)
    opened.sendall(f"CONNECT {host}:443 HTTP/1.1\r\nhost: {host}:443\r\n\r\n".encode())
    told = opened.recv(_MOST)
    if not (told.startswith(b"HTTP/1.1 200 ") and told.endswith(b"\r\n\r\n")):
        raise RuntimeError(f"no tunnel: {told!r}")
    return trusted.wrap_socket(opened, server_hostname=host)


def _post(host: str, path: str, body: bytes) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


def _asked(opened: socket.socket, request: bytes) -> bytes:
    """The whole answer to `request`, which has a length."""
    opened.sendall(request)
    answer = bytearray()
    while b"\r\n\r\n" not in answer:
        answer += opened.recv(_MOST)
    head, _, body = bytes(answer).partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += opened.recv(_MOST)
    return head + b"\r\n\r\n" + body


def echo(port: int, ca: Path) -> None:
    """The floor: ends TLS with the same certificate, echoes once, closes."""
    context = authority_of(Settings(ca_dir=ca)).context(HOST)
    with socket.create_server(("127.0.0.1", port)) as server:
        while True:
            opened, _ = server.accept()
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                with context.wrap_socket(opened, server_side=True) as inside:
                    inside.sendall(inside.recv(_MOST))
            except OSError:
                opened.close()  # who only looked whether this listens


def main() -> None:
    """Both, with one server."""
    sample = cassettes.answer()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cassettes.write(folder / "cassettes", sample, 1)
        port, floor, ca = free_port(), free_port(), folder / "ca"
        own = ["--cassettes", str(folder / "cassettes"), "--ca-dir", str(ca), "--quiet"]
        stack.enter_context(serving("serve", *own, port=port))
        trusted = ssl.create_default_context(cadata=_certificate(ca))
        stack.enter_context(
            running([sys.executable, str(Path(__file__)), "echo", str(floor), str(ca)], floor)
        )
        stack.enter_context(on_core())
        print(f"A hit through the proxy, {CONNECTIONS} connections:")
        hits(port, trusted, sample.request)
        print(f"A new tunnel to a known host, with TLS and the first hit, {TUNNELS} times:")
        handshakes(port, floor, trusted, sample.request)


def _certificate(ca: Path) -> str:
    command = [sys.executable, "-m", "llmreplay", "ca", "--pem", "--ca-dir", str(ca)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    if sys.argv[1:2] == ["echo"]:
        echo(int(sys.argv[2]), Path(sys.argv[3]))
    else:
        main()
