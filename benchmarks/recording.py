"""What recording adds to the time to the first byte, against asking the upstream directly.

The upstream is our own: it sends a head and an event at once, two more 5 ms apart, and ends.
Requests go one at a time over kept connections, directly and through `record` in turn.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median, quantiles

from benchmarks import peers
from benchmarks.processes import LOAD_CORE, free_port, running, serving

REQUESTS = 600
BODY = b'{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"hello"}]}'
EVENT = b'data: {"choices":[{"index":0,"delta":{"content":"hello"}}]}\n\n'


async def upstream(port: int) -> None:
    """A provider: it answers every request with three events and `[DONE]`."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                await reader.readexactly(length)
            except (asyncio.IncompleteReadError, ConnectionError):
                break
            writer.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
                b"transfer-encoding: chunked\r\n\r\n" + _chunk(EVENT)
            )
            for _ in range(2):
                await asyncio.sleep(0.005)
                writer.write(_chunk(EVENT))
            writer.write(_chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n")
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", port)
    await server.serve_forever()


async def first_byte_ms(port: int, path: str, counts: list[float], times: int) -> None:
    """Ask `times` times over one connection; note ms to the first byte of each body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    request = f"{head}content-length: {len(BODY)}\r\n\r\n".encode() + BODY
    for _ in range(times):
        start = time.perf_counter()
        writer.write(request)
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(1)
        counts.append((time.perf_counter() - start) * 1000)
        await reader.readuntil(b"0\r\n\r\n")
    writer.close()


async def compare(ways: dict[str, tuple[int, str]]) -> dict[str, list[float]]:
    """Each way (port and path), twenty requests in turn."""
    counts: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(REQUESTS // 20):
        for name, (port, path) in ways.items():
            await first_byte_ms(port, path, counts[name], 20)
    return counts


def main() -> None:
    """Print the medians, and what each way adds to asking directly."""
    port, through = free_port(), free_port()
    path = "/v1/chat/completions"
    ways = {"direct": (port, path), "llmreplay record": (through, f"/openai{path}")}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        own = [sys.executable, str(Path(__file__)), "upstream", str(port)]
        stack.enter_context(running(own, port, LOAD_CORE))
        address = f"openai=http://127.0.0.1:{port}"
        cassettes = ("--cassettes", str(folder))
        stack.enter_context(serving("record", *cassettes, "--upstream", address, port=through))
        plain = free_port()
        ways["aiohttp passing on"] = (plain, path)
        stack.enter_context(running(_passing(plain, port), plain))
        for name, line in (("mitmdump", _mitmdump), ("llmock", _llmock)):
            if shutil.which(name):
                peer = free_port()
                ways[name] = (peer, path)
                stack.enter_context(running(line(port, peer, folder), peer))
        counts = asyncio.run(compare(ways))
    print(f"Time to the first byte, {REQUESTS} streams each way, medians:")
    direct = median(counts["direct"])
    added = median(counts["llmreplay record"]) - direct
    print(f"  direct {direct:.2f} ms (p99 {quantiles(counts['direct'], n=100)[98]:.2f})")
    for name in list(ways)[1:]:
        taken = median(counts[name])
        p99 = quantiles(counts[name], n=100)[98]
        print(f"  {name} {taken:.2f} ms (p99 {p99:.2f}): adds {taken - direct:.2f} ms")
        if name != "llmreplay record":
            print(f"  llmreplay record adds {added / (taken - direct):.2f} x as much")


def _passing(port: int, upstream: int) -> list[str]:
    """The floor: the same libraries, and none of the work."""
    address = f"http://127.0.0.1:{upstream}"
    return [sys.executable, str(Path(peers.__file__)), "passing", str(port), address]


def _mitmdump(port: int, peer: int, folder: Path) -> list[str]:
    """The peer that people record with, streaming and storing as well."""
    mode = f"reverse:http://127.0.0.1:{port}"
    stored = str(folder / "flows")
    options = ["-q", "--mode", mode, "-p", str(peer), "-w", stored]
    return ["mitmdump", *options, "--set", "stream_large_bodies=1"]


def _llmock(port: int, peer: int, folder: Path) -> list[str]:
    """aimock, the peer made for LLMs (npm `@copilotkit/aimock`), passing on without storing."""
    fixtures = folder / "fixtures"
    fixtures.mkdir()
    upstream = ["--proxy-only", "--provider-openai", f"http://127.0.0.1:{port}"]
    return ["llmock", "-p", str(peer), *upstream, "-f", str(fixtures), "--log-level", "silent"]


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


if __name__ == "__main__":
    if sys.argv[1:2] == ["upstream"]:
        asyncio.run(upstream(int(sys.argv[2])))
    else:
        main()
