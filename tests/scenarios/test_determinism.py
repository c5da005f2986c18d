"""Fifty replays of one run, in any order and any surroundings: the same bytes each time.

Ten servers, each with its own hash seed, locale and time zone, replay a run of 200 requests five
times each, every time with another number of requests in flight and in another order. Compared
are the raw bytes of every response, head and all.
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.fakes.manners import broken_off, seeded
from tests.fakes.origin import Close, Origin
from tests.scenarios.conversing import (
    CHAT,
    chat,
    last_message,
    played,
    post,
    replied,
    stopped,
    streamed,
)
from tests.scenarios.process import DEADLINE_S, Running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from tests.fakes.origin import Asked, Step

SURROUNDINGS = [
    {"PYTHONHASHSEED": seed, "LC_ALL": locale, "LANG": locale, "TZ": zone}
    for seed, locale, zone in (
        ("0", "C", "UTC"),
        ("1", "C.UTF-8", "America/New_York"),
        ("2", "en_US.UTF-8", "Asia/Kolkata"),
        ("3", "tr_TR.UTF-8", "Pacific/Apia"),
        ("4", "POSIX", "Europe/Amsterdam"),
        ("5", "de_DE.UTF-8", "Asia/Kathmandu"),
        ("random", "ja_JP.SJIS", "Australia/Lord_Howe"),
        ("random", "ar_SA.UTF-8", "America/St_Johns"),
        ("random", "C", "Etc/GMT+12"),
        ("4294967295", "hi_IN", "No/Such_Zone"),
    )
]
IN_FLIGHT = (1, 3, 8, 20, 64)
DISTINCT, REPEATED = 150, 10
RUN = [f"question {n}" for n in range(DISTINCT)] + [
    f"repeated {n % REPEATED}" for n in range(200 - DISTINCT)
]
"""Half of the questions are answered by streams; every tenth fails, every fifteenth breaks off."""


def question(name: str) -> bytes:
    number = int(name.rpartition(" ")[2])
    return chat("an İstanbul of words", "naïve", name, stream=number % 2 == 0, temperature=0.7)


def answers(asked: Asked, counted: dict[str, int]) -> Iterable[Step]:
    """Another answer each time that the same is asked."""
    name = last_message(asked)
    number = int(name.rpartition(" ")[2])
    counted[name] += 1
    said = f"answer {counted[name]} to {name}: çok güzel 你好 🎉"
    if number % 10 == 7:
        return played(replied(said, 400 + number % 30))
    response = streamed(*said.split(" ")) if number % 2 == 0 else replied(said)
    if number % 15 == 4:
        return broken_off(len(response.body) // 2, Close())(response, seeded(0))
    return played(response)


async def record(folder: Path) -> None:
    counted: dict[str, int] = defaultdict(int)
    async with Origin(lambda asked: answers(asked, counted)) as origin:
        upstream = f"--upstream=openai={origin.url}"
        with Running("record", upstream, "--keep-errors", "--cassettes", folder) as recorder:
            for name in RUN:
                await post(recorder.url, question(name))
            assert (await stopped(recorder)).status == 0
    assert origin.failures == []


async def replay(url: str, session: str, in_flight: int) -> list[bytes]:
    """The run in a session of its own: shuffled, but what is repeated keeps its order."""
    first = list(range(DISTINCT))
    random.Random(session).shuffle(first)  # noqa: S311  # an order, no secret
    waiting = iter([*first, *range(DISTINCT, len(RUN))])
    turns: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
    received: dict[int, bytes] = {}

    async def one_after_another() -> None:
        for number in waiting:
            name = RUN[number]
            async with turns[name]:  # the n-th of several equal requests is the n-th to be sent
                received[number] = await raw(url, session, question(name))

    await asyncio.gather(*(one_after_another() for _ in range(in_flight)))
    return [received[number] for number in range(len(RUN))]


async def raw(url: str, session: str, body: bytes) -> bytes:
    """A response as it is on the wire, to the end of its connection."""
    parts = urlsplit(url)
    async with asyncio.timeout(DEADLINE_S):
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(
            f"POST {CHAT} HTTP/1.1\r\nHost: llmreplay\r\nConnection: close\r\n"
            f"x-llmreplay-session: {session}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        try:
            return await reader.read()
        finally:
            writer.close()


@pytest.mark.slow
async def test_fifty_replays_are_the_same_bytes(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    folder = tmp_path / "cassettes"
    await record(folder)
    runs: list[list[bytes]] = []
    for number, env in enumerate(SURROUNDINGS):
        home = {"XDG_CACHE_HOME": str(tmp_path / f"home {number % 2}")}  # cold, and then warm
        with Running("serve", "--cassettes", folder, env=env | home) as server:
            for in_flight in IN_FLIGHT:
                session = f"{number}-{in_flight}"
                runs.append(await replay(server.url, session, in_flight))
            finished = await stopped(server)
        assert (finished.status, finished.errors) == (0, "")
    told = {number: len({run[number] for run in runs}) for number in range(len(RUN))}
    assert told == dict.fromkeys(range(len(RUN)), 1)
    # They are what they should be: whole, of every kind, and another one each time.
    first = runs[0]
    assert len(set(first)) == len(RUN)
    statuses = {each[9:12] for each in first}
    assert {b"200", b"407", b"417", b"427"} <= statuses
    assert len(runs) == 50
    record_property("counted", f"{len(runs)} replays of {len(RUN)} requests, identical")
