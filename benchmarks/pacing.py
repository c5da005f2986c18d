"""Paced streams: how late each event is, while a thousand of them are under way on one core.

A rule asks for 50 events a second. To lay it over an answer costs its time, too: so that this is
not in the figures, all streams are begun before, one after the other, and each asks for a first
event at the same moment. The schedule of a stream counts from its earliest event. Times are taken
on the other core by a loop over sockets that does nothing else; how busy it was is told, for at
100 % it would be itself what is measured.
"""

from __future__ import annotations

import select
import socket
import sys
import tempfile
import time
from array import array
from bisect import bisect_right
from contextlib import ExitStack, closing
from itertools import accumulate
from pathlib import Path
from statistics import quantiles
from typing import TYPE_CHECKING, NamedTuple

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import cassettes, peers
from benchmarks.processes import free_port, on_core, running, serving
from llmreplay.proxy.wire import LAST_CHUNK, chunk

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

STREAMS = 1_000
EVENTS = 250
EVENTS_PER_SECOND = 50
FIRST_SECONDS = 15
"""When the first events are due; until then the streams are begun."""
STEPS_A_SECOND = 10
"""For every tenth of a second there is a rule."""

P50_MS, P99_MS = 2.0, 20.0
"""What is promised."""

RULE = """\
- name: in {steps} steps
  match: {{headers: {{x-first: "{steps}"}}}}
  fault: {{pace: {{ttft: {first}ms, tps: {rate}}}}}
"""
_MOST = 1 << 16


class Heard(NamedTuple):
    """What came on one connection: when, and how many bytes there were by then."""

    at: array[float]
    total: array[int]


def begin(sockets: Sequence[socket.socket], body: bytes, port: int) -> float:
    """Ask for all streams, and wait after each until it is begun; how long that took, in ms."""
    start = time.perf_counter()
    with closing(socket.create_connection(("127.0.0.1", port), 10)) as probe:
        for opened in sockets:
            left = FIRST_SECONDS - (time.perf_counter() - start)
            opened.sendall(_request(body, f"x-first: {int(left * STEPS_A_SECOND)}\r\n"))
            probe.sendall(_request(body))
            answer = b""
            while not answer.endswith(LAST_CHUNK):
                answer += probe.recv(_MOST)
            if left < 1:
                raise RuntimeError("too slow to begin: others are using the server's core")
    return (time.perf_counter() - start) * 1000


def listen(sockets: Sequence[socket.socket], size: int) -> tuple[list[Heard], float]:
    """What comes on all connections, and how busy that was from the first event on."""
    with closing(select.epoll()) as poll:
        heard = {}
        for opened in sockets:
            opened.settimeout(0)
            poll.register(opened, select.EPOLLIN)
            heard[opened.fileno()] = (opened, Heard(array("d"), array("q")))
        poll.poll(60)
        start, worked, left = time.perf_counter(), time.process_time(), len(sockets)
        while left:
            for number, _ in poll.poll(60):
                opened, (at, total) = heard[number]
                data = opened.recv(_MOST)
                if not data:
                    raise RuntimeError("a stream ended early")
                at.append(time.perf_counter())
                total.append((total[-1] if total else 0) + len(data))
                left -= total[-1] >= size and data.endswith(LAST_CHUNK)
        busy = (time.process_time() - worked) / (time.perf_counter() - start)
        return [one for _, one in heard.values()], busy


def _request(body: bytes, header: str = "") -> bytes:
    more = f"x-rate: {EVENTS_PER_SECOND}\r\n{header}" if header else ""
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n{more}"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


def arrivals(heard: Heard, ends: Sequence[int]) -> list[float]:
    """When each event was here whole. `ends` are where they end in the body."""
    head_bytes = heard.total[-1] - ends[-1] - len(LAST_CHUNK)
    times: list[float] = []
    for at, total in zip(heard.at, heard.total, strict=True):
        here = bisect_right(ends, total - head_bytes)
        times += [at] * (here - len(times))
    return times


def tell(streams: Sequence[Sequence[float]]) -> tuple[float, float]:
    """Lateness over the time in which all are under way: its median and 99th percentile, in ms."""
    due = [n / EVENTS_PER_SECOND for n in range(EVENTS)]
    starts = [min(at - after for at, after in zip(times, due, strict=True)) for times in streams]
    begins, ends = max(starts), min(starts) + due[-1]
    late_ms, drift_ms = [], []
    for times, start in zip(streams, starts, strict=True):
        own = [(at - start - after) * 1000 for at, after in zip(times, due, strict=True)]
        late_ms += [one for one, at in zip(own, times, strict=True) if begins <= at <= ends]
        fifth = EVENTS // 5
        drift_ms.append((sum(own[-fifth:]) - sum(own[:fifth])) / fifth)
    percent = quantiles(late_ms, n=100)
    print(f"    {len(late_ms):,} events in {ends - begins:.1f} s with all under way")
    print(
        f"    late by p50 {percent[49]:.2f} ms, p99 {percent[98]:.2f} ms, "
        f"at most {max(late_ms):.1f} ms"
    )
    print(f"    drift from first to last fifth: {sum(drift_ms) / len(drift_ms):+.2f} ms")
    return percent[49], percent[98]


def measured(port: int, sample: cassettes.Sample, streams: int) -> tuple[float, float]:
    """The lateness of the server at `port`, as `tell` has it."""
    ends = list(accumulate(len(chunk(part.data)) for part in sample.response.chunks))
    with ExitStack() as stack:
        sockets = [
            stack.enter_context(closing(socket.create_connection(("127.0.0.1", port), 10)))
            for _ in range(streams)
        ]
        began_ms = begin(sockets, sample.request, port)
        heard, busy = listen(sockets, ends[-1])
    late = tell([arrivals(one, ends) for one in heard])
    print(f"    to begin one of {EVENTS} events: {began_ms / streams:.1f} ms")
    print(f"    the client busy {busy:.0%}")
    return late


def main() -> int:
    """One run against the peer; 1 if what is promised is not kept."""
    sample = cassettes.stream(EVENTS)
    streams = int(sys.argv[1]) if len(sys.argv) > 1 else STREAMS
    late = {}
    print(f"{streams:,} streams at {EVENTS_PER_SECOND} events a second:")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cassettes.write(folder / "cassettes", sample, 1)
        steps = range(FIRST_SECONDS * STEPS_A_SECOND + 1)
        rules = folder / "paced.yaml"
        made = (
            RULE.format(steps=n, first=n * 1000 // STEPS_A_SECOND, rate=EVENTS_PER_SECOND)
            for n in steps
        )
        rules.write_text("rules:\n" + "".join(made), "utf-8")
        ours, peer = free_port(), free_port()
        own = ["--cassettes", str(folder / "cassettes"), "--overlay", str(rules), "--quiet"]
        stack.enter_context(serving("serve", *own, port=ours))
        aiohttp = [sys.executable, str(Path(peers.__file__)), "paced", str(peer), str(EVENTS)]
        stack.enter_context(running(aiohttp, peer))
        stack.enter_context(on_core())
        for name, port in (("llmreplay, by a rule", ours), ("aiohttp, a sleep each", peer)):
            print(f"  {name}:")
            late[port] = measured(port, sample, streams)
    for told, mine, others, most_ms in zip(
        ("p50", "p99"), late[ours], late[peer], (P50_MS, P99_MS), strict=True
    ):
        print(f"  {told}: {mine / others:.2f} x aiohttp's (promised: {most_ms:g} ms)")
    return 0 if late[ours][0] <= P50_MS and late[ours][1] <= P99_MS else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except RuntimeError as error:
        sys.exit(f"pacing: {error}")
