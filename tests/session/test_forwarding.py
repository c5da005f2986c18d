from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from llmreplay.core.exchange import Chunk, Exchange, Recorded, Request, Response
from llmreplay.core.journal import Entry, Outcome
from llmreplay.core.routing import Reading
from llmreplay.dialects.plain import PLAIN
from llmreplay.errors import UpstreamError
from llmreplay.session import Call, Settled
from llmreplay.session.forwarding import Forwards
from tests.fakes.clock import FakeClock
from tests.fakes.far_side import FakeAnswer, FakeForwarder, FakeRecorder
from tests.session.made import JSON

if TYPE_CHECKING:
    from llmreplay.session.live import Live

URL = "https://gw.example/team/v1/models"
READING = Reading("gateway", URL, "/team")
STAMP = Recorded("2026-01-02T03:04:05Z", "7f3a")
FACTS = Entry("default", Outcome.FORWARDED, "GET", "/v1/models", 0)
CALL = Call("GET", "/v1/models", (("accept", "*/*"),), b"")


class Scene:
    """A way out that leads to one answer, and what was asked and stored on it."""

    def __init__(self, *, recorder: FakeRecorder | None, fails: bool = False) -> None:
        self.clock = FakeClock()
        answer = FakeAnswer(self.clock, [(0.25, b'{"a":1}')], headers=JSON)
        self.far_side = FakeForwarder(UpstreamError("refused") if fails else answer)
        self.forwards = Forwards(self.far_side, recorder, Settled(), self.clock, lambda: STAMP)

    async def ask(self, call: Call = CALL, cassette: str | None = "main") -> Live:
        live = await self.forwards.ask(call, READING, lambda: PLAIN, lambda: FACTS, cassette)
        assert b"".join([piece async for piece in live.pieces()]) == b'{"a":1}'
        return live


async def test_what_passes_is_stored_in_its_cassette() -> None:
    recorder = FakeRecorder()
    live = await Scene(recorder=recorder).ask()
    exchange = Exchange(
        1,
        "gateway",
        Request("GET", URL, CALL.headers, b"", "gateway"),
        Response(200, JSON, (Chunk(b'{"a":1}', 250),)),
        STAMP,
        "/team",
    )
    assert recorder.stored == [("main", exchange)]
    assert live.entry == FACTS._replace(
        outcome=Outcome.RECORDED,
        status=200,
        source="main#1",
        elapsed_ms=250.0,
        first_byte_ms=0.0,
    )


@pytest.mark.parametrize(("recorder", "cassette"), [(FakeRecorder(), None), (None, "main")])
async def test_nothing_is_stored_where_nothing_is_to_be(
    recorder: FakeRecorder | None, cassette: str | None
) -> None:
    live = await Scene(recorder=recorder).ask(cassette=cassette)
    assert (live.entry.outcome, live.entry.source) == (Outcome.FORWARDED, None)
    assert recorder is None or recorder.stored == []


@pytest.mark.parametrize(
    ("asked", "passed"),
    [
        ("gzip, dcb, zstd", "gzip, zstd"),
        # Nothing is left: without the header, any coding would do.
        ("dcb", "identity"),
    ],
)
async def test_only_codings_that_can_be_taken_off_are_asked_for(asked: str, passed: str) -> None:
    scene = Scene(recorder=None)
    headers = (("Accept-Encoding", asked), ("x-llmreplay-session", "mine"), ("a", "b"))
    await scene.ask(Call("GET", "/v1/models", headers, b""))
    assert scene.far_side.asked == [
        Request("GET", URL, (("Accept-Encoding", passed), ("a", "b")), b"", "gateway")
    ]


async def test_without_an_answer_there_is_nothing_to_store() -> None:
    recorder = FakeRecorder()
    with pytest.raises(UpstreamError, match="refused"):
        await Scene(recorder=recorder, fails=True).ask()
    assert recorder.stored == []


async def test_a_request_that_is_given_up_does_not_go_on_being_asked() -> None:
    class Thinking:
        given_up = False

        async def send(self, request: Request) -> FakeAnswer:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.given_up = True
                raise
            raise AssertionError(request)

    thinking = Thinking()
    forwards = Forwards(thinking, None, Settled(), FakeClock(), lambda: STAMP)
    asking = asyncio.create_task(forwards.ask(CALL, READING, lambda: PLAIN, lambda: FACTS, None))
    await asyncio.sleep(0.01)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await asyncio.sleep(0)
    assert thinking.given_up
