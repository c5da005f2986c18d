from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmreplay.core.canonical import Strictness
from llmreplay.core.matching import AfterLast, Hit, Miss, MissReason, echo_ids, match
from llmreplay.core.tape import Tape
from tests.fakes.recordings import asked_of, recording, tape_of

EXACT, ORDER = Strictness.EXACT, Strictness.ORDER


def played(
    tape: Tape,
    *names: str,
    session: str = "s",
    strictness: Strictness = EXACT,
    after_last: AfterLast = AfterLast.REPEAT,
) -> list[str]:
    """What these requests get, one after the other: sources, or why there is none."""
    told = []
    for name in names:
        found = match(tape, session, asked_of(name), strictness=strictness, after_last=after_last)
        told.append(found.recording.source if isinstance(found, Hit) else found.reason.value)
    return told


@pytest.mark.parametrize(
    ("after_last", "expected"),
    [
        (AfterLast.REPEAT, ["x#1", "x#2", "x#2", "x#2", "x#2"]),
        (AfterLast.CYCLE, ["x#1", "x#2", "x#1", "x#2", "x#1"]),
        (AfterLast.FAIL, ["x#1", "x#2", "used up", "used up", "used up"]),
    ],
)
def test_the_nth_request_gets_the_nth_recording(after_last: AfterLast, expected: list[str]) -> None:
    tape = tape_of(recording("a", source="x#1"), recording("a", source="x#2"), recording("b"))
    assert expected == played(tape, *"aaaaa", after_last=after_last)


def test_a_request_without_a_recording_is_a_miss() -> None:
    assert match(Tape(), "s", asked_of("a")) == Miss(MissReason.NEVER_RECORDED)
    tape = tape_of(recording("a"))
    assert match(tape, "s", asked_of("b")) == Miss(MissReason.NEVER_RECORDED)
    assert match(tape, "s", asked_of("a", "groq")) == Miss(MissReason.NEVER_RECORDED)


def test_a_hit_says_where_it_stands_in_its_sequence() -> None:
    first, second = recording("a"), recording("a")
    tape = tape_of(first, second)
    assert match(tape, "s", asked_of("a")) == Hit(first, 0)
    assert match(tape, "s", asked_of("a")) == Hit(second, 1)
    assert match(tape, "s", asked_of("a")) == Hit(second, 1)


def test_a_miss_says_which_recordings_are_used_up() -> None:
    first, second = recording("a"), recording("a")
    tape = tape_of(first, second)
    played(tape, "a", "a")
    missed = match(tape, "s", asked_of("a"), after_last=AfterLast.FAIL)
    assert missed == Miss(MissReason.USED_UP, (first, second))


def test_sessions_do_not_see_each_other() -> None:
    tape = tape_of(recording("a", source="x#1"), recording("a", source="x#2"))
    assert played(tape, "a", "a", session="one") == ["x#1", "x#2"]
    assert played(tape, "a", session="two") == ["x#1"]


def test_by_order_the_nth_request_on_a_route_gets_the_nth_recording() -> None:
    tape = tape_of(
        recording("a", source="x#1"),
        recording("b", source="x#2"),
        recording("c", source="x#3", route=("GET", "/v1/chat")),
    )
    assert played(tape, *"zab", strictness=ORDER) == ["x#1", "x#2", "x#2"]
    assert played(tape, *"ab", session="t", strictness=ORDER, after_last=AfterLast.FAIL) == [
        "x#1",
        "x#2",
    ]
    missed = match(tape, "t", asked_of("z"), strictness=ORDER, after_last=AfterLast.FAIL)
    assert isinstance(missed, Miss)
    assert (missed.reason, missed.by_order) == (MissReason.USED_UP, True)


def test_a_hit_by_order_says_so() -> None:
    one = recording("a")
    assert match(tape_of(one), "s", asked_of("z"), strictness=ORDER) == Hit(one, 0, by_order=True)


def test_cassettes_that_ask_for_order_get_what_no_other_has() -> None:
    tape = tape_of(
        recording("a", source="exact#1"),
        recording("b", source="order#1", strictness=ORDER),
        recording("c", source="order#2", strictness=ORDER),
    )
    assert played(tape, *"zaya") == ["order#1", "exact#1", "order#2", "exact#1"]


@given(st.lists(st.sampled_from("abc")), st.integers(1, 3), st.integers(0, 50))
def test_interleaving_changes_nothing(names: list[str], copies: int, seed: int) -> None:
    """Each request gets the same, whatever else is asked in between."""
    tape = tape_of(
        *(recording(name, source=f"{name}#{copy}") for copy in range(copies) for name in "abc")
    )
    got = played(tape, *names, session=str(seed))
    alone = {
        name: played(tape, *(name * names.count(name)), session=f"{seed}-{name}") for name in "abc"
    }
    assert got == [alone[name][names[:index].count(name)] for index, name in enumerate(names)]


@pytest.mark.parametrize(
    ("body", "recorded", "live", "echoed"),
    [
        (b'{"id":"call_1"}', ["call_1"], ["call_2"], b'{"id":"call_2"}'),
        # Changed places, in one pass.
        (
            b'["call_1","call_2","call_1"]',
            ["call_1", "call_2"],
            ["call_2", "call_1"],
            b'["call_2","call_1","call_2"]',
        ),
        # Only whole strings.
        (
            b'["xcall_1","call_1x","a call_1"]',
            ["call_1"],
            ["call_2"],
            b'["xcall_1","call_1x","a call_1"]',
        ),
        (rb'["say \"call_1\""]', ["call_1"], ["call_2"], rb'["say \"call_1\""]'),
        (rb'["\"call_1"]', ["call_1"], ["call_2"], rb'["\"call_1"]'),
        # Only what looks like an id on both sides.
        (
            b'["short","a space"]',
            ["short", "a space"],
            ["longer", "b space"],
            b'["short","a space"]',
        ),
        (b'["call_1"]', ["call_1"], ["tiny"], b'["call_1"]'),
        (b'["call_1"]', ["call_1"], ["cäll_1"], b'["call_1"]'),
        # Nothing to do.
        (b'["call_1"]', ["call_1"], ["call_1"], b'["call_1"]'),
        (b'["call_1"]', [], [], b'["call_1"]'),
        (b'["call_1"]', ["call_1"], ["call_2", "call_3"], b'["call_1"]'),
        # In a stream.
        (
            b'data: {"id": "call_1", "n": 123456, "x":"call_9"}\n\n',
            ["call_1"],
            ["call_2"],
            b'data: {"id": "call_2", "n": 123456, "x":"call_9"}\n\n',
        ),
    ],
)
def test_ids_that_the_client_made_up_come_back_to_it(
    body: bytes, recorded: list[str], live: list[str], echoed: bytes
) -> None:
    assert echoed == echo_ids(body, recorded, live)


ids = st.lists(st.sampled_from([f"call_{n}" for n in range(5)]), unique=True, max_size=5)


@given(
    st.permutations([f"call_{n}" for n in range(5)]),
    st.lists(st.sampled_from([f"call_{n}" for n in range(5)])),
)
def test_ids_that_change_places_all_come_out_right(live: list[str], said: list[str]) -> None:
    recorded = [f"call_{n}" for n in range(5)]
    names = dict(zip(recorded, live, strict=True))
    expected = [names[one] for one in said]
    assert expected == orjson.loads(echo_ids(orjson.dumps(said), recorded, live))
