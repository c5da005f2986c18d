"""A live answer: everything at once but its very end, which waits until the rest is stored."""

import gzip

import pytest

from llmreplay.core.capture import Capture
from llmreplay.core.exchange import Chunk, Ending, Headers, Response
from llmreplay.core.journal import Entry, Outcome
from llmreplay.errors import CassetteError
from llmreplay.session.live import Live
from tests.fakes.clock import FakeClock
from tests.fakes.far_side import FakeAnswer

DONE = b"data: [DONE]\n\n"
FACTS = Entry("default", Outcome.FORWARDED, "POST", "/v1/chat/completions", 0)


class Scene:
    """A live answer being stored, and a log of what was sent and stored in which order."""

    def __init__(self, answer: FakeAnswer, clock: FakeClock, *, fails: bool = False) -> None:
        self.log: list[bytes | str] = []
        self.stored: Response | None = None
        self.answer = answer
        self._fails = fails
        capture = Capture(
            answer.status,
            answer.headers,
            content_length=answer.content_length,
            ends_stream=lambda event: event.data == b"[DONE]",
            limit_bytes=1_000,
        )
        self.live = Live(
            answer,
            capture,
            self._store,
            lambda: FACTS,
            clock=clock,
            started=0.0,
            after_client_seconds=5.0,
        )

    async def _store(self, response: Response) -> str:
        if self._fails:
            raise CassetteError("cassettes/default.yaml: the disk is full")
        self.stored = response
        self.log.append("stored")
        return "default#1"

    async def play(self) -> list[bytes | str]:
        async for piece in self.live.pieces():
            self.log.append(piece)
        return self.log


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


async def test_pieces_pass_as_they_arrive_and_the_marker_waits(clock: FakeClock) -> None:
    scene = Scene(FakeAnswer(clock, [(0.1, b"data: 1\n\n"), (0.2, b"data: 2\n\n" + DONE)]), clock)
    assert await scene.play() == [b"data: 1\n\n", b"data: 2\n\n", "stored", DONE]
    assert scene.live.ending is Ending.COMPLETE
    assert scene.answer.closed


async def test_what_is_stored_is_what_came_with_its_times(clock: FakeClock) -> None:
    scene = Scene(FakeAnswer(clock, [(0.1, b"data: 1\n\n"), (0.25, DONE)]), clock)
    await scene.play()
    assert scene.stored == Response(
        200,
        (("content-type", "text/event-stream"),),
        (Chunk(b"data: 1\n\n", 100), Chunk(DONE, 150)),
    )
    entry = scene.live.entry
    assert (entry.outcome, entry.source, entry.status) == (Outcome.RECORDED, "default#1", 200)
    assert entry.elapsed_ms == pytest.approx(250)


@pytest.mark.parametrize(
    ("headers", "start", "streamed"),
    [
        ((("content-type", "text/event-stream"),), b"data: 1\n\n", True),
        ((("content-type", "text/plain"),), b"data: 1\n\n", True),
        (
            (("content-type", "text/event-stream"), ("content-encoding", "gzip")),
            gzip.compress(DONE, mtime=0),
            True,
        ),
        ((("content-type", "application/json"),), b'{"id": 1}', False),
        ((("content-type", "text/event-stream"),), b"", False),
    ],
    ids=["labelled", "by its bytes", "coded", "json", "empty"],
)
async def test_the_entry_says_whether_it_came_in_events(
    clock: FakeClock, headers: Headers, start: bytes, *, streamed: bool
) -> None:
    scene = Scene(FakeAnswer(clock, [(0, start)] if start else [], headers=headers), clock)
    await scene.play()
    assert scene.live.entry.streamed is streamed


async def test_of_a_known_length_the_last_byte_waits(clock: FakeClock) -> None:
    answer = FakeAnswer(clock, [(0, b"abc"), (0, b"def")], headers=(), content_length=6)
    assert await Scene(answer, clock).play() == [b"abc", b"de", "stored", b"f"]


async def test_without_a_marker_only_the_end_of_the_message_waits(clock: FakeClock) -> None:
    assert await Scene(FakeAnswer(clock, [(0, b"data: 1\n\n")]), clock).play() == [
        b"data: 1\n\n",
        "stored",
    ]


async def test_in_a_coded_stream_the_piece_with_the_marker_waits(clock: FakeClock) -> None:
    packed = gzip.compress(b"data: 1\n\n" + DONE)
    headers = (("content-type", "text/event-stream"), ("content-encoding", "gzip"))
    answer = FakeAnswer(clock, [(0, packed[:12]), (0, packed[12:])], headers=headers)
    assert await Scene(answer, clock).play() == [packed[:12], "stored", packed[12:]]


async def test_a_broken_answer_is_stored_as_broken(clock: FakeClock) -> None:
    answer = FakeAnswer(clock, [(0, b"data: 1\n\nda")], ending=Ending.RESET)
    scene = Scene(answer, clock)
    assert await scene.play() == [b"data: 1\n\nda", "stored"]
    assert scene.live.ending is Ending.RESET
    assert scene.stored is not None
    assert scene.stored.ending is Ending.RESET


async def test_what_cannot_be_stored_still_reaches_the_client(clock: FakeClock) -> None:
    scene = Scene(FakeAnswer(clock, [(0, b"data: 1\n\n"), (0, DONE)]), clock, fails=True)
    assert await scene.play() == [b"data: 1\n\n", DONE]
    assert scene.live.entry.outcome is Outcome.FAILED
    assert scene.live.entry.detail == "not recorded: cassettes/default.yaml: the disk is full"


async def test_what_is_too_large_to_keep_passes_and_is_told(clock: FakeClock) -> None:
    scene = Scene(FakeAnswer(clock, [(0, b"x" * 1_001)], headers=()), clock)
    assert await scene.play() == [b"x" * 1_001]
    assert "more than the limit of 1000 bytes" in scene.live.entry.detail


async def test_an_answer_without_a_body_is_stored_before_its_head_is_sent(
    clock: FakeClock,
) -> None:
    scene = Scene(FakeAnswer(clock, status=204, headers=()), clock)
    await scene.live.settle()
    assert scene.log == ["stored"]
    assert await scene.play() == ["stored"]


async def test_what_follows_a_head_that_announced_nothing_is_stored_and_not_sent(
    clock: FakeClock,
) -> None:
    scene = Scene(FakeAnswer(clock, [(0, b"data: 1\n\n"), (0, b"data: 2\n\n")]), clock)
    await scene.live.settle()
    assert await scene.play() == ["stored"]
    assert scene.stored is not None
    assert scene.stored.body == b"data: 1\n\ndata: 2\n\n"


async def test_after_the_client_left_the_recording_goes_on_to_the_end(clock: FakeClock) -> None:
    scene = Scene(FakeAnswer(clock, [(0, b"data: 1\n\n"), (4, b"data: 2\n\n")]), clock)
    scene.live.client_left()
    await scene.play()
    assert scene.stored is not None
    assert scene.stored.body == b"data: 1\n\ndata: 2\n\n"


async def test_but_not_for_ever(clock: FakeClock) -> None:
    endless = [(second, b"data: x\n\n") for second in range(100)]
    scene = Scene(FakeAnswer(clock, endless), clock)
    scene.live.client_left()
    scene.live.client_left()
    await scene.play()
    assert scene.stored is None
    assert scene.live.entry.detail == "not recorded: the client left and the answer went on"
    assert scene.answer.closed
