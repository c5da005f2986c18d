"""Servers as processes of their own, pinned to one core, and load from another."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["LOAD_CORE", "free_port", "load", "on_core", "resident_mib", "running", "serving"]

ROOT = Path(__file__).resolve().parent.parent
SERVER_CORE, LOAD_CORE = "0", "1"
CONNECTIONS = 32


def free_port() -> int:
    """A port that nobody listens at, just now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextmanager
def running(
    command: Sequence[str], port: int, core: str = SERVER_CORE
) -> Iterator[subprocess.Popen[bytes]]:
    """`command` on its core, from when `port` answers until the block ends."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        _pinned(core, command),
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(port, process)
        yield process
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def serving(*arguments: str, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """`llmreplay ARGUMENTS` on `port`."""
    command = [sys.executable, "-m", "llmreplay", *arguments, "--port", str(port)]
    with running(command, port) as process:
        yield process


@contextmanager
def on_core(core: str = LOAD_CORE) -> Iterator[None]:
    """This process on one core, if there are several; by default on that for the load."""
    before = os.sched_getaffinity(0)
    if len(before) > 1:
        os.sched_setaffinity(0, {int(core)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def load(
    port: int, body: bytes, *, path: str = "/v1/chat/completions", seconds: float = 3
) -> float:
    """Requests a second that the server at `port` answers; every one must be a success."""
    script = _script(body)
    try:
        command = [
            "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(script),
            f"http://127.0.0.1:{port}{path}",
        ]  # fmt: skip
        result = subprocess.run(
            _pinned(LOAD_CORE, command), capture_output=True, text=True, check=True
        ).stdout
    finally:
        script.unlink()
    if "Non-2xx" in result or "Socket errors" in result:
        raise RuntimeError(f"the server did not answer well:\n{result}")
    found = re.search(r"Requests/sec:\s+([\d.]+)", result)
    if found is None:
        raise RuntimeError(f"wrk said nothing of requests:\n{result}")
    return float(found[1])


def resident_mib(process: subprocess.Popen[bytes]) -> float:
    """Memory that the process holds, in MiB (Linux)."""
    status = Path(f"/proc/{process.pid}/status").read_text("utf-8")
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else float("nan")


def _pinned(core: str, command: Sequence[str]) -> list[str]:
    pin = ["taskset", "-c", core] if shutil.which("taskset") and (os.cpu_count() or 1) > 1 else []
    return [*pin, *command]


def _script(body: bytes) -> Path:
    """A wrk script that posts `body`."""
    path = Path(f"/tmp/llmreplay-bench-{os.getpid()}.lua")  # noqa: S108  # removed after the run
    text = body.decode().replace("\\", "\\\\")
    path.write_text(
        f'wrk.method="POST"\nwrk.headers["content-type"]="application/json"\n'
        f'wrk.headers["authorization"]="Bearer none"\nwrk.body=[[{text}]]\n',
        "utf-8",
    )
    return path


def _wait_for(port: int, process: subprocess.Popen[bytes], seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with status {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError(f"nothing listens at {port} after {seconds} s")
