"""Paced streams: how late each event is, while a thousand of them are under way on one core.

A rule asks for 50 events a second. All requests are sent before the first event is due, so that
what a start costs is not in the figures; it is told beside. The schedule of a stream counts from
its earliest event, and events count while all streams are under way. Times are taken on the other
core by a loop over sockets that does nothing else; how busy it was is told, for at 100 % it would
be itself what is measured.
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

from benchmarks import cassettes
from benchmarks.processes import free_port, on_core, serving
from llmreplay.proxy.wire import LAST_CHUNK, chunk

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

STREAMS = 1_000
EVENTS = 300
EVENTS_PER_SECOND = 50
FIRST_SECONDS = 8.0
STARTS_SECONDS = 4.0
"""Over which the requests are sent; no event is due before all are."""

P50_MS, P99_MS = 2.0, 20.0
"""What is promised."""

RULE = """\
rules:
- name: paced
  fault: {{pace: {{ttft: {first}ms, tps: {rate}}}}}
"""
_MOST = 1 << 16


class Heard(NamedTuple):
    """What came on one connection: when, and how many bytes there were by then."""

    asked: float
    at: array[float]
    total: array[int]


def listen(port: int, request: bytes, size: int) -> tuple[list[Heard], float]:
    """Ask on all connections, one after the other; what came, and how busy that was."""
    with ExitStack() as stack:
        poll = stack.enter_context(select.epoll())
        sockets = {}
        for _ in range(STREAMS):
            opened = stack.enter_context(closing(socket.create_connection(("127.0.0.1", port), 10)))
            opened.settimeout(0)
            poll.register(opened, select.EPOLLIN)
            sockets[opened.fileno()] = opened
        heard = {number: Heard(0.0, array("d"), array("q")) for number in sockets}
        start, worked = time.perf_counter(), time.process_time()
        waiting = [(start + STARTS_SECONDS * n / STREAMS, fd) for n, fd in enumerate(sockets)][::-1]
        open_streams = len(sockets)
        while open_streams:
            now = time.perf_counter()
            while waiting and waiting[-1][0] <= now:
                number = waiting.pop()[1]
                heard[number] = heard[number]._replace(asked=time.perf_counter())
                sockets[number].send(request)
            for number, _ in poll.poll(max(0.0, waiting[-1][0] - now) if waiting else 60):
                data = sockets[number].recv(_MOST)
                one = heard[number]
                one.at.append(time.perf_counter())
                one.total.append((one.total[-1] if one.total else 0) + len(data))
                if not data:
                    raise RuntimeError("a stream ended early")
                if one.total[-1] >= size and data.endswith(LAST_CHUNK):
                    open_streams -= 1
        lasted = time.perf_counter() - start
        return list(heard.values()), (time.process_time() - worked) / lasted


def arrivals(heard: Heard, ends: Sequence[int]) -> list[float]:
    """When each event was here whole. `ends` are where they end in the body."""
    head_bytes = heard.total[-1] - ends[-1] - len(LAST_CHUNK)
    times: list[float] = []
    for at, total in zip(heard.at, heard.total, strict=True):
        here = bisect_right(ends, total - head_bytes)
        times += [at] * (here - len(times))
    return times


def tell(streams: Sequence[Sequence[float]], asked: Sequence[float]) -> bool:
    """Lateness over the time in which all are under way; whether it is as promised."""
    due = [n / EVENTS_PER_SECOND for n in range(EVENTS)]
    starts = [min(at - after for at, after in zip(times, due, strict=True)) for times in streams]
    begins, ends = max(starts), min(starts) + due[-1]
    late_ms, drift_ms = [], []
    for times, start in zip(streams, starts, strict=True):
        own = [(at - start - after) * 1000 for at, after in zip(times, due, strict=True)]
        late_ms += [one for one, at in zip(own, times, strict=True) if begins <= at <= ends]
        fifth = EVENTS // 5
        drift_ms.append((sum(own[-fifth:]) - sum(own[:fifth])) / fifth)
    starting_ms = [
        (start - when - FIRST_SECONDS) * 1000 for start, when in zip(starts, asked, strict=True)
    ]
    if len(late_ms) < EVENTS:
        raise RuntimeError("never were all under way: others are using the server's core")
    percent = quantiles(late_ms, n=100)
    print(f"  {len(late_ms):,} events in {ends - begins:.1f} s with all under way")
    print(
        f"  late by p50 {percent[49]:.2f} ms, p99 {percent[98]:.2f} ms, most {max(late_ms):.1f} ms "
        f"(promised: {P50_MS:g} and {P99_MS:g})"
    )
    print(f"  drift from first to last fifth: {sum(drift_ms) / len(drift_ms):+.2f} ms")
    print(f"  a start: p50 {quantiles(starting_ms, n=100)[49]:.1f} ms")
    return percent[49] <= P50_MS and percent[98] <= P99_MS


def main() -> int:
    """One run; 1 if the promise is not kept."""
    sample = cassettes.stream(EVENTS)
    ends = list(accumulate(len(chunk(part.data)) for part in sample.response.chunks))
    body = sample.request
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n"
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cassettes.write(folder / "cassettes", sample, 1)
        rules = folder / "paced.yaml"
        rules.write_text(RULE.format(first=FIRST_SECONDS * 1000, rate=EVENTS_PER_SECOND), "utf-8")
        port = free_port()
        own = ["--cassettes", str(folder / "cassettes"), "--overlay", str(rules), "--quiet"]
        stack.enter_context(serving("serve", *own, port=port))
        stack.enter_context(on_core())
        print(f"{STREAMS:,} streams at {EVENTS_PER_SECOND} events a second, by a rule:")
        heard, busy = listen(port, head.encode() + body, ends[-1])
    kept = tell([arrivals(one, ends) for one in heard], [one.asked for one in heard])
    print(f"  the client busy {busy:.0%}")
    return 0 if kept else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except RuntimeError as error:
        sys.exit(f"pacing: {error}")
