"""Tests of the server as a process of its own: each with its cassette in cassettes/test_server/."""

import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from llmreplay.replay import Application, Session

COMMAND = [sys.executable, Path(__file__).with_name("server.py")]


@pytest.fixture(scope="module")
def server(llmreplay_run: Session) -> Iterator[Application]:
    """One for all tests. What it asks gets the answers of the test that runs."""
    with llmreplay_run.start(COMMAND, health="/healthz") as server:
        yield server


def test_red(server: Application) -> None:
    assert httpx.get(f"{server.url}/names/red").text == "Poppy"


def test_blue(server: Application, llmreplay: Session) -> None:
    assert httpx.get(f"{server.url}/names/blue").text == "Heron"
    assert llmreplay.last_request.model == "gpt-4o-mini"


@pytest.mark.llmreplay(fault="overloaded")
def test_no_name_is_no_crash(server: Application) -> None:
    answer = httpx.get(f"{server.url}/names/red")
    assert (answer.status_code, answer.text) == (503, "no name today: InternalServerError")


def test_another_model(llmreplay: Session) -> None:
    """A server of its own, where one test needs other variables."""
    server = llmreplay.start(COMMAND, health="/healthz", env={"MODEL": "gpt-4o"})
    assert httpx.get(f"{server.url}/names/red").text == "Scarlet"
