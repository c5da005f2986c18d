"""Faults at work on answers that arrive."""

from __future__ import annotations

import gzip
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from llmreplay.core.exchange import Ending
from llmreplay.core.failure import Problem
from llmreplay.core.faults.corrupt import Corrupt, What
from llmreplay.core.faults.cut import Cut, How
from llmreplay.core.faults.delay import Delay
from llmreplay.core.faults.drop import Drop
from llmreplay.core.faults.duplicate import Duplicate
from llmreplay.core.faults.error_event import ErrorEvent
from llmreplay.core.faults.pace import Pace
from llmreplay.core.faults.points import Ahead, Amount, Before, Inside, Place, Unit
from llmreplay.core.faults.reorder import Reorder
from llmreplay.core.faults.stage import End
from llmreplay.core.faults.throttle import Throttle
from tests.core.faults.given import CHAT, fired, lived, stream

if TYPE_CHECKING:
    from llmreplay.core.faults.fault import Fault

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


FAULTS = st.one_of(
    st.builds(Delay, st.integers(0, 50), st.integers(0, 50), st.integers(0, 50)),
    st.builds(Pace, st.integers(0, 50), st.one_of(st.none(), st.integers(1, 99)), st.just(3)),
    st.builds(Throttle, st.integers(50, 5000)),
    st.builds(Drop, st.tuples(st.integers(1, 7))),
    st.builds(Duplicate, st.tuples(st.integers(1, 7))),
    st.builds(Reorder, st.tuples(st.integers(1, 4), st.integers(5, 8))),
    st.builds(ErrorEvent, st.sampled_from(Problem), st.integers(0, 8)),
    st.builds(
        Cut,
        st.one_of(
            st.builds(Amount, st.integers(0, 100), st.sampled_from(Unit)),
            st.builds(Inside, st.sampled_from(Place), st.integers(0, 3)),
            st.builds(Before, st.sampled_from(Ahead)),
        ),
        st.sampled_from(How),
    ),
    st.builds(
        Corrupt,
        st.sampled_from([What.JSON, What.UTF8, What.CRC, What.LENGTH]),
        st.builds(Amount, st.integers(0, 7)),
    ),
)


@given(st.lists(FAULTS, min_size=1, max_size=4), st.lists(st.integers(1, 200)))
def test_any_faults_do_the_same_to_what_is_recorded_and_what_arrives(
    faults: list[Fault], sizes: list[int]
) -> None:
    recorded, arriving = fired(*faults), fired(*faults)
    plan = recorded.onto(stream(*CHAT))
    ends = [*accumulate(sizes, initial=20), len(WHOLE)]
    pieces = [WHOLE[:20], *(WHOLE[start:end] for start, end in pairwise(ends))]
    steps, live = lived(arriving, *pieces)
    assert sent(steps) == b"".join(step.data for step in plan.steps)
    assert live.end == End(plan.ending, plan.wire)
    assert arriving.told == recorded.told
    times = [step.at_ms for step in plan.steps]
    assert times == sorted(times)
