"""What answerers share, and for how long."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace

from llmreplay.core.policy import Mode
from llmreplay.core.timing import parse_timing
from llmreplay.session import Settled
from llmreplay.session.shared import Shared
from tests.session.made import OPENAI, Played, reaching, recorded, tape_of

SETTLED = Settled(hosts=reaching(OPENAI))


def test_meanings_are_shared_by_those_with_the_same_tape_and_hosts() -> None:
    shared = Shared(Played)
    tape, other = tape_of(recorded(1, "hi", "hello")), tape_of()
    first = shared.meanings(tape, SETTLED)
    assert shared.meanings(tape, replace(SETTLED, seed=7)) is first
    assert shared.meanings(tape, replace(SETTLED, mode=Mode.NEW)) is first
    assert shared.meanings(tape, replace(SETTLED, mode=Mode.ALL)) is not first
    assert shared.meanings(tape, replace(SETTLED, hosts=reaching(OPENAI))) is not first
    assert shared.meanings(other, SETTLED) is not first


def test_answers_are_shared_by_those_with_the_same_tape_and_pace() -> None:
    shared = Shared(Played)
    tape, other = tape_of(recorded(1, "hi", "hello")), tape_of()
    first = shared.replays(tape, SETTLED)
    assert shared.replays(tape, replace(SETTLED, mode=Mode.NEW)) is first
    assert shared.replays(tape, replace(SETTLED, seed=7)) is not first
    assert shared.replays(tape, replace(SETTLED, timing=parse_timing("recorded"))) is not first
    assert shared.replays(other, SETTLED) is not first


def test_of_many_seeds_only_answers_in_use_stay() -> None:
    shared, tape = Shared(Played), tape_of()
    used = shared.replays(tape, SETTLED)
    for seed in range(1, 9):
        shared.replays(tape, replace(SETTLED, seed=seed))
    gc.collect()
    assert len(shared._by_tape[tape].replays) == 2
    assert shared.replays(tape, SETTLED) is used


def test_all_of_it_goes_with_the_tape() -> None:
    shared, tape = Shared(Played), tape_of()
    kept = (weakref.ref(shared.meanings(tape, SETTLED)), weakref.ref(shared.replays(tape, SETTLED)))
    gc.collect()
    assert None not in [one() for one in kept]
    del tape
    gc.collect()
    assert [one() for one in kept] == [None, None]
