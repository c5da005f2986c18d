"""What recording adds to the time to the first byte, against asking the upstream directly.

The upstream is our own: it sends a head and an event at once, two more 5 ms apart, and ends.
Requests go one at a time over kept connections, directly and through `record` in turn.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles

from benchmarks.processes import free_port, running, serving

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


async def compare(direct_port: int, record_port: int) -> tuple[list[float], list[float]]:
    """Both ways, twenty requests in turn."""
    direct: list[float] = []
    recorded: list[float] = []
    for _ in range(REQUESTS // 20):
        await first_byte_ms(direct_port, "/v1/chat/completions", direct, 20)
        await first_byte_ms(record_port, "/openai/v1/chat/completions", recorded, 20)
    return direct, recorded


def main() -> None:
    """Print both medians and what is between them."""
    port, through = free_port(), free_port()
    with tempfile.TemporaryDirectory() as folder:
        own = [sys.executable, str(Path(__file__)), "upstream", str(port)]
        address = f"openai=http://127.0.0.1:{port}"
        with (
            running(own, port),
            serving("record", "--cassettes", folder, "--upstream", address, port=through),
        ):
            direct, recorded = asyncio.run(compare(port, through))
    added = median(recorded) - median(direct)
    print(f"Time to the first byte, {REQUESTS} streams each way:")
    print(f"  direct {median(direct):.2f} ms, recorded {median(recorded):.2f} ms (medians)")
    print(f"  p99: direct {quantiles(direct, n=100)[98]:.2f}, {quantiles(recorded, n=100)[98]:.2f}")
    print(f"  recording adds {added:.2f} ms at the median")


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


if __name__ == "__main__":
    if sys.argv[1:2] == ["upstream"]:
        asyncio.run(upstream(int(sys.argv[2])))
    else:
        main()
