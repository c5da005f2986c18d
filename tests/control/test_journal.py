"""The journal over HTTP: pages, filters, one entry whole, and what comes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
import pytest

from llmreplay.control import journal as module
from llmreplay.core.exchange import Request
from llmreplay.core.journal import Outcome
from tests.control.asking import Asking, entry, running

if TYPE_CHECKING:
    from aiohttp import ClientResponse

    from llmreplay.core.dialect import Json
    from llmreplay.session import Following


class Sent(NamedTuple):
    """A request that was kept."""

    body: bytes

    @property
    def size_bytes(self) -> int:
        return len(self.body)

    def request(self) -> Request:
        return Request("POST", "http://localhost/v1", (("a", "b"), ("a", "c")), self.body)


FIRST = entry(
    source="checkout#1",
    elapsed_ms=1.23456,
    first_byte_ms=0.5,
    streamed=True,
    drift=("model differs",),
    faults=("slow: delay 1s",),
)


async def test_an_entry_is_told_whole() -> None:
    async with running() as ask:
        ask.tell(FIRST)
        answered = await ask("GET /journal")
    assert answered.value == {
        "entries": [
            {
                "number": 1,
                "at": "2027-01-15T08:00:00.000+00:00",
                "session": "a",
                "outcome": "hit",
                "method": "POST",
                "target": "/openai/v1/chat/completions",
                "status": 200,
                "upstream": "openai",
                "model": "gpt-4o-mini",
                "source": "checkout#1",
                "elapsed_ms": 1.235,
                "first_byte_ms": 0.5,
                "streamed": True,
                "drift": ["model differs"],
                "faults": ["slow: delay 1s"],
                "detail": "",
            }
        ],
        "next": None,
        "last": 1,
        "dropped": 0,
    }


async def test_pages_follow_one_another() -> None:
    pages: list[list[int]] = []
    async with running() as ask:
        ask.tell(*(entry(status=200 + number) for number in range(5)))
        after: int | None = 0
        while after is not None:
            answered = await ask(f"GET /journal?limit=2&after={after}")
            pages.append([one["number"] for one in answered.value["entries"]])
            after = answered.value["next"]
    assert pages == [[1, 2], [3, 4], [5]]


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("session=b*", [2]),
        ("upstream=anthropic", [3]),
        ("model=claude-*", [3]),
        ("outcome=miss", [2]),
        ("status=470", [2]),
        ("text=NEAREST", [2]),
        ("outcome=hit&status=470", []),
        ("after=2", [3]),
    ],
)
async def test_filters(query: str, numbers: list[int]) -> None:
    async with running() as ask:
        ask.tell(
            entry(),
            entry(session="bob", outcome=Outcome.MISS, status=470, detail="nearest: …"),
            entry(upstream="anthropic", model="claude-4"),
        )
        answered = await ask(f"GET /journal?{query}")
    assert [one["number"] for one in answered.value["entries"]] == numbers


@pytest.mark.parametrize(
    ("query", "field", "says"),
    [
        ("limit=0", "limit", "from 1 to 1000"),
        ("after=-1", "after", "from 0"),
        ("after=1e3", "after", "from 0"),
        ("outcome=hot", "outcome", "one of hit, miss"),
        ("status=99", "status", "from 100 to 599"),
        ("upstrem=a", "upstrem", "did you mean upstream"),
        ("text=a&text=b", "text", "twice"),
        ("text=%ff", "query", "UTF-8"),
    ],
)
async def test_what_makes_no_sense_is_told(query: str, field: str, says: str) -> None:
    async with running() as ask:
        answered = await ask(f"GET /journal?{query}")
    assert answered.status == 400
    assert answered.value["mistakes"][0]["field"] == field
    assert says in answered.value["mistakes"][0]["what"]


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b'{"a": 1}', {"json": {"a": 1}, "text": '{"a": 1}', "base64": None}),
        ("äh".encode(), {"json": None, "text": "äh", "base64": None}),
        (b"\xff", {"json": None, "text": None, "base64": "/w=="}),
        (b"", {"json": None, "text": "", "base64": None}),
    ],
    ids=["json", "text", "bytes", "none"],
)
async def test_a_request_is_shown_where_it_is_asked_for(body: bytes, shown: Json) -> None:
    async with running() as ask:
        ask.tell(entry(sent=Sent(body)), entry())
        one = await ask("GET /journal/1")
        all_of_them = await ask("GET /journal?requests=true")
        without = await ask("GET /journal?requests=false")
    expected = {"url": "http://localhost/v1", "headers": [["a", "b"], ["a", "c"]], **shown}
    assert one.value["request"] == expected
    assert [each["request"] for each in all_of_them.value["entries"]] == [expected, None]
    assert all("request" not in each for each in without.value["entries"])


async def test_an_entry_that_is_not_there() -> None:
    async with running() as ask:
        answered = await ask("GET /journal/7")
    assert answered.status == 404


async def test_entries_are_forgotten() -> None:
    async with running() as ask:
        ask.tell(entry(), entry(session="b"), entry())
        one = await ask("DELETE /journal?session=a")
        rest = await ask("DELETE /journal")
    assert (one.value, rest.value) == ({"deleted": 2}, {"deleted": 1})


async def event(answer: ClientResponse) -> tuple[str, int]:
    """The next event's id, and the status in it."""
    told: dict[str, str] = {}
    while line := (await answer.content.readline()).decode().strip() or (not told and ":"):
        name, _, value = line.partition(":")
        if name:
            told[name] = value.strip()
    return told["id"], orjson.loads(told["data"])["status"]


async def test_what_comes_is_streamed_from_where_one_left_off() -> None:
    async with running() as ask:
        ask.tell(entry(status=201), entry(status=202), entry(status=203))
        asked = ask.client.get(f"{ask.url}/journal/stream", headers={"last-event-id": "1"})
        async with asked as answer:
            assert answer.headers["content-type"] == "text/event-stream"
            before = [await event(answer), await event(answer)]
            ask.tell(entry(status=204))
            after = await event(answer)
    assert before == [("2", 202), ("3", 203)]
    assert after == ("4", 204)


async def following(ask: Asking) -> None:
    """Wait until somebody follows the journal."""
    while not ask.journal._followers:  # noqa: ASYNC110  # nobody tells
        await asyncio.sleep(0.001)


async def test_a_stream_beats_and_ends_with_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOOK_SECONDS", 0.01)
    async with running() as ask, ask.client.get(f"{ask.url}/journal/stream?session=b") as answer:
        assert await answer.content.readline() == b": still here\n"
        ask.tell(entry(status=201), entry(status=202, session="b"))
        assert await event(answer) == ("2", 202)
        ask.control.close()
        assert await answer.content.read() == b""


async def test_who_leaves_is_no_longer_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOOK_SECONDS", 0.01)
    async with running() as ask:
        followed: list[Following] = []
        subscribe = ask.journal.subscribe

        def subscribed(**wanted: Any) -> Following:  # noqa: ANN401  # as it is passed on
            followed.append(subscribe(**wanted))
            return followed[0]

        monkeypatch.setattr(ask.journal, "subscribe", subscribed)
        async with ask.client.get(f"{ask.url}/journal/stream") as answer:
            await following(ask)
            answer.close()
        async with asyncio.timeout(5):
            while not followed[0]._closed:  # noqa: ASYNC110  # as above
                await asyncio.sleep(0.01)


async def test_who_is_slow_hears_how_much_is_left_out() -> None:
    async with running() as ask, ask.client.get(f"{ask.url}/journal/stream") as answer:
        await following(ask)
        ask.tell(*(entry() for _ in range(1_003)))
        lines = [(await answer.content.readline()).decode() for _ in range(9)]
    assert ": 3 entries came too fast and are left out\n" in lines
