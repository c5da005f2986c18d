"""What answerers share, and for how long."""

from __future__ import annotations

import gc
from dataclasses import replace

from llmreplay.core.policy import Mode
from llmreplay.core.timing import parse_timing
from llmreplay.session import Settled
from llmreplay.session.shared import Shared
from tests.session.made import OPENAI, Played, reaching, recorded, tape_of

SETTLED = Settled(hosts=reaching(OPENAI))


def test_meanings_are_shared_by_those_who_know_the_same_hosts() -> None:
    shared = Shared(Played)
    first = shared.meanings(SETTLED)
    assert shared.meanings(replace(SETTLED, seed=7)) is first
    assert shared.meanings(replace(SETTLED, mode=Mode.NEW)) is first
    assert shared.meanings(replace(SETTLED, mode=Mode.ALL)) is not first
    assert shared.meanings(replace(SETTLED, hosts=reaching(OPENAI))) is not first


def test_answers_are_shared_by_those_with_the_same_tape_and_pace() -> None:
    shared = Shared(Played)
    tape, other = tape_of(recorded(1, "hi", "hello")), tape_of()
    first = shared.replays(tape, SETTLED)
    assert shared.replays(tape, replace(SETTLED, mode=Mode.NEW)) is first
    assert shared.replays(tape, replace(SETTLED, seed=7)) is not first
    assert shared.replays(tape, replace(SETTLED, timing=parse_timing("recorded"))) is not first
    assert shared.replays(other, SETTLED) is not first


def test_when_the_last_one_goes_all_of_it_goes() -> None:
    shared = Shared(Played)
    tape = tape_of()
    kept = (shared.meanings(SETTLED), shared.replays(tape, SETTLED))
    assert (len(shared._meanings), len(shared._replays[tape])) == (1, 1)
    del kept
    gc.collect()
    assert (len(shared._meanings), len(shared._replays[tape])) == (0, 0)
    del tape
    gc.collect()
    assert len(shared._replays) == 0
