"""Faults at work on answers that arrive."""

from __future__ import annotations

import gzip

from llmreplay.core.exchange import Ending
from llmreplay.core.faults.corrupt import Corrupt, What
from llmreplay.core.faults.cut import Cut, How
from llmreplay.core.faults.delay import Delay
from llmreplay.core.faults.points import Amount, Unit
from tests.core.faults.given import CHAT, fired, lived

WHOLE = b"".join(CHAT)


def sent(steps: list[tuple[float, bytes]]) -> bytes:
    return b"".join(piece for _, piece in steps)


def test_events_go_on_as_soon_as_they_are_whole() -> None:
    steps, live = lived(fired(Delay(1)), WHOLE[:10], WHOLE[10:100], WHOLE[100:])
    assert sent(steps) == WHOLE
    assert [at for at, _ in steps][:2] == [11, 21]
    assert live.end.ending is Ending.COMPLETE


def test_nothing_goes_on_after_the_end() -> None:
    injection = fired(Cut(Amount(1), How.TRUNCATE))
    live = injection.live(200, "OK", (("content-type", "text/event-stream"),), None, 1 << 20)
    assert [step.data for step in live.feed(CHAT[0] + CHAT[1], 5)] == [CHAT[0]]
    assert live.end is not None
    assert live.feed(CHAT[2], 6) == []
    assert live.finish(Ending.RESET) == []
    assert live.end.ending is Ending.COMPLETE


def test_codings_and_lengths_go() -> None:
    packed = gzip.compress(WHOLE)
    headers = {"content_type": "text/event-stream", "content_encoding": "gzip", "x_a": "b"}
    steps, live = lived(
        fired(Cut(Amount(50, Unit.PER_CENT))),
        packed[:90],
        packed[90:],
        length=len(packed),
        **headers,
    )
    assert sent(steps) == WHOLE[: len(WHOLE) // 2]
    assert [name for name, _ in live.opening.headers] == [
        "content-type",
        "x-a",
        "x-llmreplay-fault",
    ]


def test_a_body_that_never_was_in_its_coding() -> None:
    headers = {"content_type": "application/json", "content_encoding": "gzip"}
    steps, _ = lived(fired(Corrupt(What.JSON)), b'{"a', b'":1}', length=7, **headers)
    assert sent(steps) == b'{"a":1'


def test_a_coding_that_nobody_knows_stays() -> None:
    steps, live = lived(fired(Delay(1)), b"xyz", content_encoding="zip", content_length="3")
    assert sent(steps) == b"xyz"
    assert [name for name, _ in live.opening.headers] == ["content-encoding", "x-llmreplay-fault"]


def test_a_coding_that_breaks_breaks_the_answer() -> None:
    packed = gzip.compress(WHOLE, 0)
    steps, live = lived(
        fired(Delay(1)),
        packed[:200],
        packed[200:-8] + b"\0" * 8,
        content_type="text/event-stream",
        content_encoding="gzip",
    )
    assert sent(steps) == packed[15:200]
    assert live.end.ending is Ending.RESET


def test_an_answer_without_a_body() -> None:
    steps, live = lived(fired(Cut(Amount(40, Unit.PER_CENT))))
    assert (steps, live.end.ending) == ([], Ending.TRUNCATED)


def test_empty_pieces_are_nothing() -> None:
    steps, _ = lived(fired(Delay(1)), b"", CHAT[0])
    assert sent(steps) == CHAT[0]
