"""`llmreplay serve` for the tests of this folder: started once, on a free port."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

CASSETTES = Path(__file__).parent / "cassettes"


@pytest.fixture(scope="session")
def replay_url() -> Iterator[str]:
    """The address of a server that answers from the cassettes beside this file."""
    command = ["llmreplay", "serve", "--port", "0", "--cassettes", str(CASSETTES), "--quiet"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        yield server.stdout.readline().split()[2]  # llmreplay serve: http://127.0.0.1:41234 (…)
        server.terminate()


@pytest.fixture(autouse=True)
def replayed(replay_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test talks to it: with no key, and no way out."""
    monkeypatch.setenv("OPENAI_BASE_URL", f"{replay_url}/openai/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "none")
