"""How long 10,000 exchanges take to be ready, cold and warm, and how long `--version` takes."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks import cassettes

EXCHANGES = 10_000


def main() -> None:
    """Times whole processes, from start to the first line."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cassettes.write(folder / "cassettes", cassettes.answer(), EXCHANGES)
        size = sum(path.stat().st_size for path in (folder / "cassettes").iterdir())
        cache = folder / "cache"
        cold = _ready(folder / "cassettes", cache)
        warm = [_ready(folder / "cassettes", cache) for _ in range(5)]
    print(f"{EXCHANGES:,} exchanges ({size / 2**20:.0f} MiB), from start to the first line:")
    print(f"  cold {cold:.2f} s, warm {median(warm):.2f} s")
    version = [_timed([sys.executable, "-m", "llmreplay", "--version"]) for _ in range(9)]
    bare = [_timed([sys.executable, "-c", ""]) for _ in range(9)]
    print(f"  --version {median(version):.3f} s (python alone {median(bare):.3f} s)")


def _ready(folder: Path, cache: Path) -> float:
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    start = time.perf_counter()
    command = [sys.executable, "-m", "llmreplay", "serve", "--cassettes", str(folder)]
    with subprocess.Popen(
        [*command, "--port", "0"], stdout=subprocess.PIPE, env=environment
    ) as process:
        if process.stdout is None or not process.stdout.readline():
            raise RuntimeError("llmreplay serve did not start")
        seconds = time.perf_counter() - start
        process.terminate()
    return seconds


def _timed(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
