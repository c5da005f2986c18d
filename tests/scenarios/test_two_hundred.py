"""Two hundred tests of one suite in four workers: each is alone with its cassette, in any order.

Half of them stream. Ten at a time ask the very same, each with other answers recorded. Each asks
one thing twice, to get two answers in turn, and then another.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from llmreplay.cassettes import dump
from llmreplay.cassettes.contents import HEADER
from llmreplay.core.exchange import Chunk, Exchange, Recorded, Request, Response
from tests.scenarios.process import environment

if TYPE_CHECKING:
    from pathlib import Path

TESTS = 200
TEXTS = 20
ASKED = (("", ""), ("", ", again"), (", really", ", really"))
"""What follows the question, and what follows its answer, in each request of a test."""
ALTERED = 77

CONFTEST = """
import os, random

def pytest_collection_modifyitems(items):
    random.Random(os.environ["ORDER"]).shuffle(items)
"""
SUITE = f"""
import json, os, urllib.request
import pytest

def ask(text, stream):
    asked = {{"model": "m-1", "messages": [{{"role": "user", "content": text}}]}}
    body = json.dumps({{**asked, "stream": True}} if stream else asked).encode()
    headers = {{"content-type": "application/json", "authorization": "Bearer sk-fake"}}
    url = os.environ["OPENAI_BASE_URL"] + "/chat/completions"
    with urllib.request.urlopen(urllib.request.Request(url, body, headers)) as answer:
        if not stream:
            return json.load(answer)["choices"][0]["message"]["content"]
        events = [line[6:].strip() for line in answer if line.startswith(b"data: ")]
    assert events.pop() == b"[DONE]"
    deltas = [json.loads(event)["choices"][0]["delta"] for event in events]
    return "".join(delta.get("content", "") for delta in deltas)

@pytest.mark.llmreplay(unused="fail")
@pytest.mark.parametrize("number", range({TESTS}))
def test_numbered(number):
    text, stream = f"question {{number // 2 % {TEXTS}}}", number % 2 == 1
    assert ask(text, stream) == f"answer {{number}}"
    assert ask(text, stream) == f"answer {{number}}, again"
    assert ask(f"{{text}}, really", stream) == f"answer {{number}}, really"
"""


def question(number: int) -> str:
    return f"question {number // 2 % TEXTS}"


def request(number: int, more: str) -> Request:
    said = f"{question(number)}{more}"
    messages = [{"role": "user", "content": said}]
    body = {"model": "m-1", "messages": messages} | ({"stream": True} if number % 2 else {})
    return Request(
        "POST",
        "https://api.openai.com/v1/chat/completions",
        (("content-type", "application/json"),),
        json.dumps(body).encode(),
        "openai",
    )


def whole(said: str) -> Response:
    message = {"role": "assistant", "content": said}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    body = json.dumps({**COMPLETION, "object": "chat.completion", "choices": [choice]})
    return Response(200, (("content-type", "application/json"),), (Chunk(body.encode(), 1),))


def streamed(said: str) -> Response:
    words = [f"{word} " for word in said.split()]
    words[-1] = words[-1].rstrip()
    events = [json.dumps(delta({"content": word})) for word in words]
    events += [json.dumps(delta({}, "stop")), "[DONE]"]
    chunks = tuple(Chunk(f"data: {event}\n\n".encode(), 1) for event in events)
    return Response(200, (("content-type", "text/event-stream"),), chunks)


COMPLETION = {"id": "chatcmpl-1", "created": 1_795_000_000, "model": "m-1"}


def delta(said: dict[str, str], finish_reason: str | None = None) -> dict[str, object]:
    choice = {"index": 0, "delta": said, "finish_reason": finish_reason}
    return {**COMPLETION, "object": "chat.completion.chunk", "choices": [choice]}


def write_cassette(folder: Path, number: int) -> None:
    answer = streamed if number % 2 else whole
    exchanges = (
        Exchange(
            place + 1,
            "openai",
            request(number, more),
            answer(f"answer {number}{said}"),
            Recorded("2026-11-20T16:02:11Z", "7f3a"),
        )
        for place, (more, said) in enumerate(ASKED)
    )
    (folder / f"test_numbered.{number}.yaml").write_text(HEADER + "".join(map(dump, exchanges)))


def run(folder: Path, order: str) -> list[str]:
    """The report of the suite in this order, in four workers."""
    bare = [word for name in ("cacheprovider", "hypothesispytest") for word in ("-p", f"no:{name}")]
    told = subprocess.run(  # noqa: S603  # our own
        [sys.executable, "-m", "pytest", "-q", "-n4", *bare],
        cwd=folder,
        env=environment({"LLMREPLAY_CA_DIR": str(folder / "ca"), "ORDER": order}),
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    return told.stdout.splitlines()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_two_hundred_tests_in_four_workers(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_suite.py").write_text(SUITE)
    folder = tmp_path / "cassettes" / "test_suite"
    folder.mkdir(parents=True)
    for number in range(TESTS):
        write_cassette(folder, number)
    for order in ("one", "another"):
        told = run(tmp_path, order)
        assert told[-1].startswith("200 passed in")
        assert "600 requests in 200 tests: 600 replayed" in told
    altered, asked = folder / f"test_numbered.{ALTERED}.yaml", f"{question(ALTERED)}, really"
    altered.write_text(altered.read_text().replace(asked, f"{asked}!"))
    told = run(tmp_path, "a third one")
    assert told[-1].startswith("1 failed, 199 passed in")
    assert [line.split(" - ")[0] for line in told if line.startswith("FAILED")] == [
        f"FAILED test_suite.py::test_numbered[{ALTERED}]"
    ]
    difference = f'user message differs ($.messages[0]): recorded "{asked}!", asked "{asked}"'
    assert any(difference in line for line in told)
