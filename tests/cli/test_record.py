"""`llmreplay record`, as a process: what it prints, what it writes and how it ends."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from tests.cli.shell import HELLO, STREAM
from tests.cli.test_serve import post, untimed
from tests.scenarios.process import Running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BODY = HELLO.request.body


class Provider(BaseHTTPRequestHandler):
    """Answers every POST with the same stream."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for event in (*STREAM, b""):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(event), event))

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def provider() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Provider) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"openai=http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_records_tells_and_ends_cleanly(tmp_path: Path, how: signal.Signals) -> None:
    with (
        provider() as upstream,
        Running("record", "--upstream", upstream, "--cassette", "a/b", cwd=tmp_path) as recorder,
    ):
        assert post(recorder.url, BODY) == (200, b"".join(STREAM))
        finished = recorder.stop(how)
    assert (finished.status, finished.errors) == (0, "")
    assert untimed(finished.output) == (
        "llmreplay record: http://127.0.0.1:PORT\n"
        "recorded 200 openai m POST /v1/chat/completions TIME a/b#1\n"
        "llmreplay record: cassettes/a/b.yaml: 1 new\n"
        "llmreplay record: 1 request: 1 recorded\n"
    )
    assert (tmp_path / "cassettes" / "a" / "b.yaml").exists()


def test_what_it_recorded_is_served(tmp_path: Path) -> None:
    with provider() as upstream:
        with Running("record", "--upstream", upstream, cwd=tmp_path) as recorder:
            came = post(recorder.url, BODY)
        # `new` pays only for what is not there yet.
        with Running("record", "--mode", "new", "--upstream", upstream, cwd=tmp_path) as recorder:
            assert post(recorder.url, BODY) == came
            assert " 1 hit" in recorder.stop().output
    with Running("serve", cwd=tmp_path) as server:
        assert post(server.url, BODY) == came
