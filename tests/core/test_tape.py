from __future__ import annotations

import gc
import sys
import tracemalloc
from array import array
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmreplay.core.canonical import Strictness
from llmreplay.core.tape import Asked, Queue, Recording, Tape
from tests.fakes.recordings import asked_of, recording, tape_of


def sources(queue: Queue | None) -> list[str] | None:
    return None if queue is None else [one.source for one in queue.recordings]


def test_recordings_with_one_fingerprint_queue_up_as_they_were_added() -> None:
    tape = tape_of(
        recording("a", source="chat#1"),
        recording("b", source="chat#2"),
        recording("a", source="chat#3"),
    )
    assert sources(tape.by_meaning(asked_of("a"))) == ["chat#1", "chat#3"]
    assert sources(tape.by_meaning(asked_of("b"))) == ["chat#2"]
    assert sources(tape.by_meaning(asked_of("c"))) is None


@pytest.mark.parametrize(
    ("upstream", "found"),
    [
        (None, ["o1", "n1", "g1", "o2", "n2", "g2"]),
        ("openai", ["o1", "n1", "o2", "n2"]),
        ("groq", ["n1", "g1", "n2", "g2"]),
        ("azure", ["n1", "n2"]),
    ],
)
def test_an_upstream_that_is_known_is_a_filter(upstream: str | None, found: list[str]) -> None:
    tape = tape_of(
        recording("a", "openai", source="o1"),
        recording("a", None, source="n1"),
        recording("a", "groq", source="g1"),
        recording("a", "openai", source="o2"),
        recording("a", None, source="n2"),
        recording("a", "groq", source="g2"),
    )
    assert found == sources(tape.by_meaning(asked_of("a", upstream)))
    assert found == sources(tape.by_order(asked_of("x", upstream), every=True))


@pytest.mark.parametrize(
    ("recorded", "upstream", "found"),
    [
        ("openai", "openai", True),
        ("openai", None, True),
        ("openai", "groq", False),
        (None, "openai", True),
        (None, None, True),
    ],
)
def test_where_all_have_one_upstream_none_is_sorted_out(
    recorded: str | None, upstream: str | None, *, found: bool
) -> None:
    tape = tape_of(recording("a", recorded), recording("a", recorded))
    assert found == (tape.by_meaning(asked_of("a", upstream)) is not None)


def test_two_upstreams_share_nothing() -> None:
    tape = tape_of(recording("a", "openai"), recording("a", "groq"))
    assert sources(tape.by_meaning(asked_of("a", "azure"))) is None


upstreams = st.sampled_from([None, "openai", "groq", "azure"])


@given(st.lists(upstreams, min_size=1), upstreams)
def test_a_queue_is_what_filtering_says(recorded: list[str | None], asked: str | None) -> None:
    tape = tape_of(*(recording("a", one, source=f"x#{i}") for i, one in enumerate(recorded)))
    expected = [f"x#{i}" for i, one in enumerate(recorded) if asked is None or one in {None, asked}]
    assert (expected or None) == sources(tape.by_meaning(asked_of("a", asked)))


def test_by_order_are_found_those_that_ask_for_it_or_all() -> None:
    tape = tape_of(
        recording("a", source="exact#1"),
        recording("b", source="order#1", strictness=Strictness.ORDER),
        recording("c", source="order#2", strictness=Strictness.ORDER),
        recording("d", source="other#1", route=("GET", "/v1/chat")),
    )
    asked = asked_of("x")
    assert sources(tape.by_order(asked, every=False)) == ["order#1", "order#2"]
    assert sources(tape.by_order(asked, every=True)) == ["exact#1", "order#1", "order#2"]
    assert sources(tape.by_order(asked_of("x", path="/other"), every=True)) is None
    assert sources(tape.by_meaning(asked_of("b"))) is None


def test_each_session_has_its_own_place_in_each_queue() -> None:
    tape = tape_of(recording("a"), recording("b"))
    a, b = tape.by_meaning(asked_of("a")), tape.by_meaning(asked_of("b"))
    assert a is not None
    assert b is not None
    assert [tape.step("one", a), tape.step("one", a), tape.step("one", b)] == [0, 1, 0]
    assert tape.step("two", a) == 0
    tape.forget("one")
    tape.forget("unheard of")
    assert [tape.step("one", a), tape.step("two", a)] == [0, 1]


def test_a_place_stays_when_recordings_are_added() -> None:
    tape = tape_of(recording("a", source="x#1"))
    queue = tape.by_meaning(asked_of("a"))
    assert queue is not None
    tape.step("one", queue)
    tape.add(recording("a", source="x#2"))
    after = tape.by_meaning(asked_of("a"))
    assert after is queue
    assert tape.step("one", queue) == 1


def test_what_a_session_was_never_given_is_unused() -> None:
    tape = tape_of(*(recording("a", source=f"x#{number}") for number in (1, 2, 3)), recording("b"))
    queue = tape.by_meaning(asked_of("a"))
    assert queue is not None
    tape.step("one", queue)
    tape.step("one", queue)
    assert [one.source for one in tape.unused("one")] == ["x#3", "b"]
    assert len(tape.unused("two")) == 4


def test_thousands_of_sessions_leave_nothing_behind() -> None:
    tape = tape_of(*(recording(f"r{number}") for number in range(10)))
    queues = [tape.by_meaning(asked_of(f"r{number}")) for number in range(10)]

    def run() -> None:
        for session in range(2_000):
            for queue in queues:
                assert queue is not None
                tape.step(f"session-{session}", queue)
            tape.forget(f"session-{session}")

    run()
    gc.collect()
    tracemalloc.start()
    run()
    gc.collect()
    left, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert left < 10_000


def test_what_is_on_the_tape_can_be_listed() -> None:
    one, two = recording("a"), recording("b", "groq", route=("GET", "/v1/models"))
    tape = tape_of(one, two)
    assert len(tape) == 2
    assert list(tape) == [one, two]
    assert tape.routes() == (("POST", "/v1/chat"), ("GET", "/v1/models"))
    assert tape.on_route("GET", "/v1/models") == (two,)
    assert tape.on_route("PUT", "/v1/models") == ()
    assert list(Tape()) == []


def test_it_can_be_added_to_while_it_is_read() -> None:
    tape = tape_of(recording("a"), recording("b"))
    for one in tape:
        tape.add(one)
    assert len(tape) == 4


def test_a_recording_is_frozen_and_itself() -> None:
    one = recording("a")
    with pytest.raises(FrozenInstanceError):
        one.source = "b"  # type: ignore[misc]  # that is the point
    assert one != recording("a")
    assert not hasattr(one, "__dict__")


def test_a_hundred_thousand_recordings_are_small() -> None:
    """Measured on a hundredth of them; without what the loader itself holds of each."""

    def load() -> None:
        raise AssertionError

    count = 1_000
    tracemalloc.start()
    tape = Tape()
    for number in range(count):
        tape.add(
            Recording(
                number.to_bytes(16),
                array("Q", range(20)),
                "openai",
                "POST",
                "/v1/chat",
                f"chat#{number}",
                load,  # type: ignore[arg-type]  # never called
            )
        )
    bytes_held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(tape) == count
    assert bytes_held / count < 1_000, sys.version


def test_what_is_asked_for_is_a_value() -> None:
    assert Asked(b"f", "POST", "/a") == Asked(b"f", "POST", "/a", None)
