"""An application as users have them: a server that asks a model, and starts what it likes.

`GET /healthz` says ok, `GET /say/TEXT` what the model answers to TEXT, or `sorry` whatever went
wrong. With a folder as its second argument, it starts a child, and one that gets away from it as
daemons do; each leaves its process id there.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_STAYS = "import os, pathlib, sys, time; pathlib.Path(sys.argv[1]).write_text(str(os.getpid())); "
_SLEEPS = "time.sleep(60)"
_IGNORES = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); "


def say(text: str) -> None:
    """Print it."""
    sys.stdout.write(f"{text}\n")


def said(text: str) -> str:
    """What the model answers."""
    body = {"model": "m-1", "messages": [{"role": "user", "content": text}]}
    request = urllib.request.Request(  # noqa: S310  # where the variable leads
        f"{os.environ['OPENAI_BASE_URL']}/chat/completions",
        json.dumps(body).encode(),
        {"content-type": "application/json", "authorization": "Bearer sk-fake"},
    )
    with urllib.request.urlopen(request) as answer:  # noqa: S310  # the same
        return str(json.load(answer)["choices"][0]["message"]["content"])


class Handler(BaseHTTPRequestHandler):
    """One request."""

    def do_GET(self) -> None:
        """Answer."""
        try:
            answer = said(self.path[5:]) if self.path.startswith("/say/") else "ok"
        except Exception as error:  # noqa: BLE001  # as careless as programs are
            say(f"swallowed {type(error).__name__}")
            answer = "sorry"
        self.send_response(200)
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, *_: object) -> None:
        """Nothing."""


def start_children(folder: Path) -> None:
    """One that a signal to our group reaches, and one that it does not, and that ignores it."""
    pids = [str(folder / name) for name in ("own", "child", "daemon")]
    Path(pids[0]).write_text(str(os.getpid()))
    subprocess.Popen([sys.executable, "-c", _STAYS + _SLEEPS, pids[1]])  # noqa: S603  # ours
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execv(sys.executable, [sys.executable, "-c", _IGNORES + _STAYS + _SLEEPS, pids[2]])  # noqa: S606  # ours
        os._exit(0)


if __name__ == "__main__":
    say(f"listens on {sys.argv[1]}")
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
    if len(sys.argv) > 2:
        start_children(Path(sys.argv[2]))
    server.serve_forever()
