"""A miss says what differs, and nothing else, and soon: among ten thousand recordings.

The cassettes are those of the benchmarks: one conversation with tools, as often as there are
recordings, each about another matter, so that all of them are near to what is asked.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from benchmarks import misses
from llmreplay.core.exchange import header
from tests.scenarios.conversing import message_of, post, stopped
from tests.scenarios.process import Running

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

EXCHANGES = 10_000
ASKED = 4_711
MOST_MS = 1_000.0
"""Ten times what is promised: the machine may be busy with other tests."""


async def missed(server: Running, body: bytes) -> tuple[list[str], float]:
    """The lines of the message, and the milliseconds that it took to come."""
    started = time.perf_counter()
    reply = await post(server.url, body)
    elapsed_ms = (time.perf_counter() - started) * 1000
    assert (reply.status, reply.reason) == (470, "No Recording")
    assert header(reply.headers, "x-should-retry") == "false"
    return message_of(reply).split("\n"), elapsed_ms


@pytest.mark.slow
async def test_a_miss_names_exactly_what_differs_and_soon(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    misses.write(tmp_path / "cassettes", EXCHANGES)
    env = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    with Running("serve", "--after-last=fail", cwd=tmp_path, env=env) as server:
        elapsed = [await _differing(server, change) for change in misses.CHANGES]
        elapsed.append(await _used_up(server))
        await stopped(server)
    assert max(elapsed) < MOST_MS
    told = ", ".join(f"{elapsed_ms:.0f}" for elapsed_ms in elapsed)
    record_property("counted", f"misses explained in {told} ms")


async def _differing(server: Running, change: misses.Change) -> float:
    matter = misses.matter(ASKED)
    request = json.loads(misses.request(matter))
    change.make(request)
    told, elapsed_ms = await missed(server, json.dumps(request).encode())
    where = f"(openai, {request['model']}, turn 3)"
    assert told[:3] == [
        f"llmreplay: no recording for POST /v1/chat/completions {where}",
        "- " + change.told.format(matter),
        "compared with the nearest of 10000 recordings, part-0004#4712",
    ]
    assert not any(line.startswith("- ") for line in told[3:])
    return elapsed_ms


async def _used_up(server: Running) -> float:
    body = misses.request(misses.matter(ASKED))
    assert (await post(server.url, body)).status == 200
    told, elapsed_ms = await missed(server, body)
    where = "(openai, gpt-4o-mini, turn 3)"
    used = "the only recording of this request was already replayed in session default"
    assert told == [
        f"llmreplay: recordings used up for POST /v1/chat/completions {where}",
        f"{used} (part-0004#4712); after_last is `fail`",
        "to get the last one again, in llmreplay.yaml: after_last: repeat",
    ]
    return elapsed_ms


@pytest.mark.parametrize(
    ("change", "setting"),
    [
        ("model", 'match: {ignore: ["$.model"]}'),
        ("extra field", 'match: {ignore: ["$.top_logprobs"]}'),
    ],
)
async def test_the_setting_that_a_miss_names_makes_it_match(
    tmp_path: Path, change: str, setting: str
) -> None:
    misses.write(tmp_path / "cassettes", 3)
    request = json.loads(misses.request(misses.matter(1)))
    next(each for each in misses.CHANGES if each.name == change).make(request)
    body = json.dumps(request).encode()
    with Running("serve", cwd=tmp_path) as server:
        told, _ = await missed(server, body)
        await stopped(server)
    assert told[-1] == f"to match all the same, in llmreplay.yaml: {setting}"
    (tmp_path / "llmreplay.yaml").write_text(setting + "\n", "utf-8")
    with Running("serve", cwd=tmp_path) as server:
        reply = await post(server.url, body)
        await stopped(server)
    assert (reply.status, header(reply.headers, "x-llmreplay-exchange")) == (200, "part-0000#2")
