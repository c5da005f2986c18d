"""What sessions cost: memory of each, time of each request, and what stays when they are gone.

And the journal: what it holds after many requests. Memory is what the system says that the process
holds (Linux). Sessions are set up and deleted over the control API, as tests in any language do it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import cassettes
from benchmarks.processes import free_port, load, on_core, resident_mib, serving

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["main"]

SESSIONS, OWN = 10_000, 2_000
EXCHANGES = 5
"""Of each cassette. So many sessions have one of their own; the others replay all."""
MOST_KIB, MOST_US, OK = 50, 20, range(200, 300)
"""What is promised."""
REQUESTS = 1_000_000


class Client:
    """One kept connection to a server."""

    def __init__(self, port: int) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=60)

    def ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """The body of an answer that is a success."""
        headers = {"content-type": "application/json"} if body is not None else {}
        self._connection.request(method, path, body, headers)
        response = self._connection.getresponse()
        told = response.read()
        if response.status not in OK:
            raise RuntimeError(f"{method} {path}: {response.status} {told[:300]!r}")
        return told

    def open(self, name: str, setup: dict[str, object]) -> None:
        """Set up a session."""
        self.ask("PUT", f"/_llmreplay/sessions/{name}", json.dumps(setup).encode())


def memory(
    client: Client, resident: Callable[[], float], setups: list[dict[str, object]], *bodies: bytes
) -> None:
    """Set up sessions, have each asked everything, delete them; three times."""
    for turn in (1, 2, 3):
        before = resident()
        start = time.perf_counter()
        for number, setup in enumerate(setups):
            client.open(f"s{number}", setup)
        took_ms = (time.perf_counter() - start) * 1000 / len(setups)
        idle = resident()
        for number in range(len(setups)):
            for body in bodies:
                client.ask("POST", f"/_s/s{number}/v1/chat/completions", body)
        used = resident()
        client.ask("DELETE", "/_llmreplay/sessions?prefix=s")
        idle_kib, used_kib = ((one - before) * 1024 / len(setups) for one in (idle, used))
        print(
            f"    {turn}: {idle_kib:.1f} KiB each, {used_kib:.1f} once asked {len(bodies)} times "
            f"({MOST_KIB} promised), {took_ms:.1f} ms to set up; the process had {before:.0f} MiB, "
            f"and has {resident():.0f} when they are gone"
        )


def requests(client: Client, port: int, body: bytes) -> None:
    """A hit in a session with settings of its own against one in none, in turn."""
    client.open("own", {"timing": "instant"})
    paths = {"none": "/v1/chat/completions", "own": "/_s/own/v1/chat/completions"}
    taken_us: dict[str, list[float]] = {name: [] for name in paths}
    for _ in range(5):
        for name, path in paths.items():
            taken_us[name].append(1e6 / load(port, body, path=path, seconds=2))
    differences = sorted(a - b for a, b in zip(taken_us["own"], taken_us["none"], strict=True))
    print(
        f"  a hit in a session of its own takes {differences[2]:+.1f} us more "
        f"({differences[0]:+.1f} to {differences[-1]:+.1f}; {MOST_US} promised)"
    )


def journal(port: int, body: bytes, resident: Callable[[], float]) -> None:
    """A million requests."""
    before, done, most = resident(), 0.0, 0.0
    while done < REQUESTS:
        done += load(port, body, seconds=10) * 10
        most = max(most, resident())
    client = Client(port)
    stats = json.loads(client.ask("GET", "/_llmreplay/stats"))
    kept, after = 0, 0
    while after is not None:
        page = json.loads(client.ask("GET", f"/_llmreplay/journal?limit=1000&after={after}"))
        kept, after = kept + len(page["entries"]), page["next"]
    print(
        f"  after {stats['requests']:,} requests the process has at most {most - before:.0f} MiB "
        f"more, and the journal {kept:,} entries"
    )


def main() -> int:
    """All three."""
    sample = cassettes.answer()
    numbered = [
        sample.request.replace(cassettes.MARK.encode(), b"PROMPT-%07d" % number)
        for number in range(EXCHANGES)
    ]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cassettes.write(folder, sample, EXCHANGES)
        text = (folder / "part-0000.yaml").read_text("utf-8")
        for number in range(OWN):
            (folder / f"own-{number}.yaml").write_text(text, "utf-8")
        port = free_port()
        process = stack.enter_context(serving("serve", "--cassettes", str(folder), port=port))
        stack.enter_context(on_core())
        client = Client(port)

        def resident() -> float:
            return resident_mib(process)

        print(f"{SESSIONS:,} sessions that replay the run's cassettes:")
        memory(client, resident, [{}] * SESSIONS, numbered[0])
        print(f"{OWN:,} sessions with a cassette of their own of {EXCHANGES} exchanges:")
        own: list[dict[str, object]] = [{"cassettes": [f"own-{number}"]} for number in range(OWN)]
        memory(client, resident, own, *numbered)
        print("Requests:")
        if shutil.which("wrk") is None:
            print("  the rest is skipped: wrk is not installed")
            return 0
        requests(client, port, numbered[0])
        journal(port, numbered[0], resident)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (RuntimeError, subprocess.CalledProcessError) as error:
        sys.exit(f"sessions: {error}")
