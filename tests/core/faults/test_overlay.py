"""Which rules fire, in which order, and that it is the same in every run."""

from __future__ import annotations

import random

import pytest

from llmreplay.core.failure import Problem
from llmreplay.core.faults import Ledger, Match, Overlay, Rule, When
from llmreplay.core.faults.cut import Cut
from llmreplay.core.faults.delay import Delay
from llmreplay.core.faults.error import Error
from llmreplay.core.faults.glob import Glob
from llmreplay.core.faults.points import Amount
from tests.core.faults.given import CHAT, asked, data, rule, stream

LIMITED = rule(Error(Problem.RATE_LIMIT), when=When(first=2), name="two 429s")
CUT = rule(Cut(Amount(1)), when=When(first=1), name="cut")


def told(overlay: Overlay, ledger: Ledger, **given: object) -> tuple[str, ...]:
    request = asked(**given)
    injection = overlay.fire(overlay.candidates(request), request, ledger)
    return injection.told if injection is not None else ()


def test_candidates_are_those_whose_conditions_hold() -> None:
    other = Rule("other", (Delay(1),), Match(upstream=(Glob("openai"),), model=(Glob("o3"),)))
    overlay = Overlay([LIMITED, other, CUT])
    assert overlay.candidates(asked()) == (LIMITED, CUT)
    assert overlay
    assert not Overlay()


def test_headers_that_rules_look_at_are_told() -> None:
    team = Rule("team", (Delay(1),), Match(headers=(("x-team", ()), ("x-n", ()))))
    assert Overlay([LIMITED, team]).header_names == {"x-team", "x-n"}


def test_two_429s_then_fine() -> None:
    overlay, ledger = Overlay([LIMITED]), Ledger()
    assert [bool(told(overlay, ledger)) for _ in range(4)] == [True, True, False, False]
    assert told(overlay, ledger, session="other") != ()


def test_rules_after_a_whole_answer_neither_fire_nor_count() -> None:
    overlay, ledger = Overlay([LIMITED, CUT]), Ledger()
    assert [told(overlay, ledger) for _ in range(4)] == [
        ("two 429s: error rate_limit",),
        ("two 429s: error rate_limit",),
        ("cut: cut after 1 event, close",),
        (),
    ]


def test_faults_compose_in_the_order_of_rules() -> None:
    overlay = Overlay([rule(Delay(5), name="slow"), CUT])
    request = asked()
    injection = overlay.fire(overlay.candidates(request), request, Ledger())
    assert injection is not None
    plan = injection.onto(stream(*CHAT))
    assert data(plan) == CHAT[0]
    assert [step.at_ms for step in plan.steps] == [5]
    assert plan.headers[-1] == ("x-llmreplay-fault", "slow (delay), cut (cut)")


@pytest.mark.parametrize("place", range(20))
def test_the_same_requests_get_the_same_faults_in_any_order(place: int) -> None:
    overlay = Overlay(
        [
            Rule("flaky", (Error(Problem.SERVER_ERROR),), when=When(chance=0.3), seed=7),
            Rule("once", (Delay(9),), when=When(first=1, each_request=True), seed=7),
        ]
    )
    requests = [f"f{number % 50}" for number in range(200)]

    def run(order: list[str]) -> dict[str, list[tuple[str, ...]]]:
        ledger = Ledger()
        found: dict[str, list[tuple[str, ...]]] = {}
        for fingerprint in order:
            found.setdefault(fingerprint, []).append(told(overlay, ledger, fingerprint=fingerprint))
        return found

    shuffled = random.Random(place).sample(requests, len(requests))  # noqa: S311  # an order
    assert run(shuffled) == run(requests)


def test_chance_depends_on_seed_rule_session_and_request() -> None:
    def fires(seed: int = 1, name: str = "r", **given: str) -> tuple[bool, ...]:
        flaky = Rule(name, (Delay(1),), when=When(chance=0.5), seed=seed)
        ledger = Ledger()
        return tuple(bool(told(Overlay([flaky]), ledger, **given)) for _ in range(64))

    runs = [fires(), fires(2), fires(name="s"), fires(session="t"), fires(fingerprint="g")]
    assert len(set(runs)) == len(runs)
    assert fires() == runs[0]
