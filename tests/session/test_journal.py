"""The journal: numbered, bounded, paged through, filtered, followed."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import tracemalloc

import pytest

from llmreplay.core.journal import Entry, Outcome
from llmreplay.session import Call, Journal, Noted
from llmreplay.session.calls import Arrived
from tests.session.made import chat

HIT = Entry(
    "a", Outcome.HIT, "POST", "/v1/chat", 200, "openai", "gpt-4o-mini", "greet#1", elapsed_ms=1.0
)
MISS = HIT._replace(session="b", outcome=Outcome.MISS, status=470, source=None, detail="No such.")
FAULT = HIT._replace(
    session="b", outcome=Outcome.FAULT, status=429, model=None, faults=("busy: error rate_limit",)
)


def noted(*entries: Entry) -> Journal:
    journal = Journal(itertools.count(100.0).__next__)
    for entry in entries:
        journal.add(entry)
    return journal


def numbers(found: tuple[Noted, ...]) -> list[int]:
    return [one.number for one in found]


def test_entries_are_numbered_and_paged_through() -> None:
    journal = noted(HIT, MISS, FAULT)
    assert journal.page(limit=2) == (Noted(1, 100.0, HIT), Noted(2, 101.0, MISS))
    assert journal.page(after=2) == (Noted(3, 102.0, FAULT),)
    assert journal.page(after=3) == ()
    assert numbers(journal.newest(2)) == [3, 2]
    assert (journal.find(2), journal.find(4)) == (Noted(2, 101.0, MISS), None)
    assert (len(journal), journal.last_number, journal.dropped) == (3, 3, 0)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"session": "b"}, [2, 3]),
        ({"session": "*"}, [1, 2, 3]),
        ({"upstream": "open*"}, [1, 2, 3]),
        ({"upstream": "anthropic"}, []),
        ({"model": "gpt-*"}, [1, 2]),
        ({"outcome": Outcome.MISS}, [2]),
        ({"status": 200}, [1]),
        ({"text": "NO SUCH"}, [2]),
        ({"text": "rate_limit", "session": "b"}, [3]),
        ({"text": "greet#1", "status": 470}, []),
        ({"session": None}, [1, 2, 3]),
    ],
)
def test_what_is_wanted_is_found(wanted: dict[str, object], expected: list[int]) -> None:
    journal = noted(HIT, MISS, FAULT)
    assert numbers(journal.page(**wanted)) == expected  # type: ignore[arg-type]  # one of many
    assert numbers(journal.newest(**wanted)) == expected[::-1]  # type: ignore[arg-type]  # the same


def test_drift_can_be_looked_for() -> None:
    assert len(noted(HIT._replace(drift=("turn 1 differs",))).page(text="turn 1")) == 1


def test_the_oldest_go_when_there_are_too_many() -> None:
    journal = Journal(max_entries=2)
    for entry in (HIT, MISS, FAULT):
        journal.add(entry)
    assert numbers(journal.page()) == [2, 3]
    assert (journal.find(1), journal.dropped) == (None, 1)


def test_the_oldest_go_when_they_take_too_much() -> None:
    journal = Journal(max_bytes=40_000)
    for _ in range(10):
        journal.add(HIT._replace(sent=Arrived(Call("POST", "/v1", (), b"x" * 5_000))))
    assert len(journal) == 5
    assert journal.size_bytes <= 40_000


def test_what_is_too_large_is_noted_without_its_request() -> None:
    journal = Journal(max_bytes=40_000)
    large = Arrived(Call("POST", "/v1", (), b"x" * 20_000))
    journal.add(HIT._replace(sent=large))
    journal.add(MISS._replace(detail="x" * 50_000))
    first, second = journal.page()
    assert (first.entry, len(second.entry.detail)) == (HIT, 2_500)


def test_entries_can_be_forgotten() -> None:
    journal = noted(HIT, MISS, FAULT)
    assert journal.clear("b") == 2
    assert numbers(journal.page()) == [1]
    assert journal.clear("b") == 0
    assert journal.clear() == 1
    assert (len(journal), journal.size_bytes) == (0, 0)
    journal.add(HIT)
    assert numbers(journal.page()) == [4]


async def test_new_entries_are_followed_as_they_come() -> None:
    journal = noted(HIT)
    with journal.subscribe(session="b") as following:
        waiting = asyncio.ensure_future(anext(following))
        await asyncio.sleep(0)
        journal.add(HIT)
        journal.add(MISS)
        assert (await waiting).number == 3
        journal.add(FAULT)
    journal.add(FAULT)
    assert [one.number async for one in following] == [4]


async def test_who_waits_when_it_ends_waits_no_more() -> None:
    following = noted().subscribe()
    waiting = asyncio.ensure_future(anext(following, None))
    await asyncio.sleep(0)
    following.close()
    assert await waiting is None


async def test_who_is_slow_loses_the_oldest() -> None:
    journal = noted()
    with journal.subscribe(max_waiting=2) as following:
        for _ in range(5):
            journal.add(HIT)
        assert following.dropped == 3
    assert [one.number async for one in following] == [4, 5]


async def test_who_went_away_without_a_word_is_forgotten() -> None:
    journal = noted()
    following = journal.subscribe()
    assert len(journal._followers) == 1
    del following
    assert len(journal._followers) == 0


def test_a_request_is_shown_redacted_and_decoded() -> None:
    body = gzip.compress(b'{"say":"secret-of-mine-123"}')
    headers = (
        ("authorization", "Bearer secret-of-mine-123"),
        ("content-type", "application/json"),
        ("content-encoding", "gzip"),
        ("x-llmreplay-session", "a"),
    )
    call = Call("POST", "/_s/a/v1/chat?key=secret-of-mine-123", headers, body)
    journal = noted(HIT._replace(sent=Arrived(call)))
    sent = journal.page()[0].entry.sent
    assert sent is not None
    request = sent.request()
    assert request.body.startswith(b'{"say":"REDACTED-')
    assert (request.method, request.url.partition("?")[0]) == ("POST", "/v1/chat")
    shown = f"{request} {journal.page()}"
    assert "secret-of-mine" not in shown
    assert "session" not in str(request.headers)


def test_a_request_of_the_proxy_shows_its_whole_url() -> None:
    call = chat("hi", path="/v1/chat/completions")._replace(origin="https://api.openai.com")
    assert Arrived(call).request().url == "https://api.openai.com/v1/chat/completions"


def test_many_entries_take_no_more_than_the_bounds() -> None:
    journal = Journal(max_entries=1_000)
    for _ in range(2_000):
        journal.add(HIT)
    tracemalloc.start()
    for _ in range(20_000):
        journal.add(HIT)
    left, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert left < 500_000
    assert len(journal) == 1_000
