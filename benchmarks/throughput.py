"""Hits a second, as ratios to peers in the same run, taken in turn so that drift cancels."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from benchmarks import cassettes, peers
from benchmarks.processes import free_port, load, resident_mib, running, serving

ROUNDS = 5


def compare(
    ports: dict[str, int], body: bytes, *, rounds: int = ROUNDS, seconds: float = 2
) -> dict[str, list[float]]:
    """Requests a second of each server, `rounds` times in turn."""
    figures: dict[str, list[float]] = {name: [] for name in ports}
    for _ in range(rounds):
        for name, port in ports.items():
            figures[name].append(load(port, body, seconds=seconds))
    return figures


def ratio(figures: dict[str, list[float]], name: str, peer: str) -> str:
    """The median of the ratios, round by round, and their range."""
    ratios = [a / b for a, b in zip(figures[name], figures[peer], strict=True)]
    return f"{median(ratios):.2f} x {peer} ({min(ratios):.2f} to {max(ratios):.2f})"


def answers() -> None:
    """A 590-byte answer: against a bare aiohttp handler, nginx, and itself with more loaded."""
    sample = cassettes.answer()
    body = sample.request.replace(cassettes.MARK.encode(), b"PROMPT-0000000")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        ports: dict[str, int] = {}
        for count in (1, 1_000, 100_000):
            name = f"{count:,} loaded"
            where = folder / str(count)
            cassettes.write(where, sample, count)
            ports[name] = free_port()
            process = stack.enter_context(
                serving("serve", "--cassettes", str(where), port=ports[name])
            )
            print(f"  {name}: {resident_mib(process):.0f} MiB resident")
        ports["aiohttp"] = free_port()
        stack.enter_context(running(_peer("answer", ports["aiohttp"]), ports["aiohttp"]))
        if shutil.which("nginx"):
            ports["nginx"] = free_port()
            stack.enter_context(_nginx(folder, ports["nginx"], sample.response.body.decode()))
        figures = compare(ports, body)
    for name, runs in figures.items():
        print(f"  {name}: {median(runs):,.0f} hits/s")
    for peer in ("aiohttp", "nginx"):
        if peer in figures:
            print(f"  a hit: {ratio(figures, '1 loaded', peer)}")
    print(f"  100,000 loaded: {ratio(figures, '100,000 loaded', '1 loaded')}")
    print(f"  1,000 loaded: {ratio(figures, '1,000 loaded', '1 loaded')}")


def streams() -> None:
    """A 60-event instant stream, against aiohttp writing event by event."""
    sample = cassettes.stream()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cassettes.write(folder / "one", sample, 1)
        ports = {"llmreplay": free_port(), "aiohttp event by event": free_port()}
        stack.enter_context(
            serving("serve", "--cassettes", str(folder / "one"), port=ports["llmreplay"])
        )
        peer = ports["aiohttp event by event"]
        stack.enter_context(running(_peer("stream", peer), peer))
        figures = compare(ports, sample.request)
    for name, runs in figures.items():
        print(f"  {name}: {median(runs):,.0f} streams/s")
    print(f"  a 60-event stream: {ratio(figures, 'llmreplay', 'aiohttp event by event')}")


def _peer(kind: str, port: int) -> list[str]:
    return [sys.executable, str(Path(peers.__file__)), kind, str(port)]


def _nginx(folder: Path, port: int, body: str) -> ExitStack:
    config = folder / "nginx.conf"
    compact = body.replace("'", "\\'")
    config.write_text(peers.NGINX.format(folder=folder, port=port, body=compact), "utf-8")
    stack = ExitStack()
    stack.enter_context(running(["nginx", "-c", str(config), "-p", str(folder)], port))
    return stack


def main() -> int:
    """Both comparisons; wrk makes the load."""
    if shutil.which("wrk") is None:
        print("throughput: skipped, wrk is not installed")
        return 0
    print("A hit, one core for the server, one for the load, 32 connections:")
    answers()
    print("A stream:")
    streams()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (RuntimeError, subprocess.CalledProcessError) as error:
        sys.exit(f"throughput: {error}")
