"""Rules as they are written, and every mistake at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from llmreplay.core.failure import Problem
from llmreplay.core.faults import Match, Rule, When
from llmreplay.core.faults.connection import Connection, Trouble
from llmreplay.core.faults.corrupt import Corrupt, What
from llmreplay.core.faults.cut import Cut, How
from llmreplay.core.faults.delay import Delay
from llmreplay.core.faults.drop import Drop
from llmreplay.core.faults.duplicate import Duplicate
from llmreplay.core.faults.error import Error
from llmreplay.core.faults.error_event import ErrorEvent
from llmreplay.core.faults.glob import Glob
from llmreplay.core.faults.limit import Limit
from llmreplay.core.faults.pace import Pace
from llmreplay.core.faults.points import Ahead, Amount, Before, Inside, Place, Unit
from llmreplay.core.faults.presets import PRESETS
from llmreplay.core.faults.reading import read_rules
from llmreplay.core.faults.reorder import Reorder
from llmreplay.core.faults.replace import Replace
from llmreplay.core.faults.throttle import Throttle
from llmreplay.core.streams import Framing

if TYPE_CHECKING:
    from llmreplay.core.faults.fault import Fault


def faults(written: object) -> tuple[Fault, ...]:
    read = read_rules({"rules": [{"fault": written}]})
    assert read.mistakes == ()
    return read.rules[0].faults


def mistakes(value: object) -> list[str]:
    return [f"{mistake.field}: {mistake.what}" for mistake in read_rules(value).mistakes]


def mistake(**rule: object) -> str:
    (only,) = mistakes({"rules": [rule]})
    return only.removeprefix("rules[0].")


def test_the_overlay_of_the_design() -> None:
    read = read_rules(
        {
            "seed": 7,
            "rules": [
                {
                    "name": "two 429s, then fine",
                    "match": {"upstream": "openai", "path": "/v1/chat/*", "model": "gpt-4o*"},
                    "when": {"first": 2},
                    "fault": "rate_limit",
                },
                {
                    "name": "slow start",
                    "match": {"stream": True},
                    "fault": {"delay": {"before": "800ms", "between": "40ms", "jitter": "10ms"}},
                },
                {
                    "match": {"turn": 2},
                    "when": {"chance": 0.3},
                    "fault": {"cut": {"inside": "tool_arguments", "how": "reset"}},
                },
            ],
        },
        "flaky",
    )
    assert read.mistakes == ()
    assert read.rules == (
        Rule(
            "two 429s, then fine",
            (Error(Problem.RATE_LIMIT),),
            Match(upstream=(Glob("openai"),), path=(Glob("/v1/chat/*"),), model=(Glob("gpt-4o*"),)),
            When(first=2),
            7,
        ),
        Rule("slow start", (Delay(800, 40, 10),), Match(stream=True), seed=7),
        Rule(
            "flaky rule 3",
            (Cut(Inside(Place.TOOL_ARGUMENTS), How.RESET),),
            Match(turn=(2,)),
            When(chance=0.3),
            7,
        ),
    )


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        *PRESETS.items(),
        ({"error": "auth"}, Error(Problem.AUTH)),
        (
            {
                "error": {
                    "status": 503,
                    "headers": {"a": "b"},
                    "body": {"x": 1},
                    "retry_after": "2s",
                }
            },
            Error(None, 503, (("a", "b"),), b'{"x":1}', 2000),
        ),
        ({"error": {"preset": "auth", "message": "No."}}, Error(Problem.AUTH, message="No.")),
        ({"delay": "2s"}, Delay(2000)),
        (
            {"delay": {"between": "1s", "jitter": "9ms", "distribution": "lognormal"}},
            Delay(0, 1000, 9, "lognormal"),
        ),
        ({"pace": {"ttft": "300ms", "tps": 50, "jitter": "5ms"}}, Pace(300, 50, 5)),
        ({"cut": 3}, Cut(Amount(3))),
        ({"cut": "40%"}, Cut(Amount(40, Unit.PER_CENT))),
        ({"cut": {"at": "512B", "how": "stall"}}, Cut(Amount(512, Unit.BYTES), How.STALL)),
        ({"cut": {"inside": "event", "at": 2}}, Cut(Inside(Place.EVENT, 2))),
        ({"cut": {"inside": "utf8"}}, Cut(Inside(Place.UTF8))),
        ({"cut": {"before": "usage"}}, Cut(Before(Ahead.USAGE))),
        ({"error_event": "overloaded"}, ErrorEvent()),
        ({"error_event": {"preset": "auth", "after": 3}}, ErrorEvent(Problem.AUTH, 3)),
        ({"corrupt": "json"}, Corrupt()),
        (
            {"corrupt": {"what": "crc", "at": "3c"}},
            Corrupt(What.CRC, Amount(3, Unit.CHARACTERS)),
        ),
        ({"drop": 3}, Drop((3,))),
        ({"duplicate": [3, 5]}, Duplicate((3, 5))),
        ({"reorder": {"events": [3, 5]}}, Reorder((3, 5))),
        ({"throttle": {"rate": "2kB/s"}}, Throttle(2000)),
        ({"throttle": "1.5MB"}, Throttle(1_500_000)),
        (
            {"limit": {"requests": 3, "tokens": 10_000, "per": "60s", "by": "model"}},
            Limit(60, 3, 10_000, "model"),
        ),
        ({"limit": {"requests": 3}}, Limit(60, 3)),
        ({"replace": {"status": 204}}, Replace(204)),
        ({"replace": {"body": "hi"}}, Replace(body=b"hi")),
        ({"replace": {"json": "hi"}}, Replace(body=b'"hi"')),
        ({"replace": {"sse": "data: 1\n\n"}}, Replace(body=b"data: 1\n\n", framing=Framing.SSE)),
        ({"connection": "tls_abort"}, Connection(Trouble.TLS_ABORT)),
    ],
    ids=str,
)
def test_each_kind(written: object, fault: Fault) -> None:
    assert faults(written) == (fault,)


def test_several_compose_in_the_order_written() -> None:
    mapping = {"cut": 3, "delay": "2s"}
    assert faults(mapping) == (Cut(Amount(3)), Delay(2000))
    assert faults([{"delay": "2s"}, "auth"]) == (Delay(2000), Error(Problem.AUTH))


@pytest.mark.parametrize(
    ("written", "match"),
    [
        ({"session": ["a", "b*"]}, Match(session=(Glob("a"), Glob("b*")))),
        ({"model": 4}, Match(model=(Glob("4"),))),
        ({"headers": {"X-A": ["b"]}}, Match(headers=(("x-a", (Glob("b"),)),))),
        ({"turn": [1, 2]}, Match(turn=(1, 2))),
        ({"body": {"$.n": 2}}, Match(body=(("$.n", 2),))),
        ({"method": "POST", "text": "*x*"}, Match(method=(Glob("POST"),), text=(Glob("*x*"),))),
    ],
    ids=str,
)  # fmt: skip
def test_conditions(written: object, match: Match) -> None:
    read = read_rules({"rules": [{"match": written, "fault": "auth"}]})
    assert (read.mistakes, read.rules[0].match) == ((), match)


@pytest.mark.parametrize(
    ("written", "when"),
    [
        ({"after": 2, "every": 3}, When(after=2, every=3)),
        ({"nth": 2}, When(nth=(2,))),
        ({"between": [2, 4]}, When(between=(2, 4))),
        ({"first": 1, "each": "request"}, When(first=1, each_request=True)),
        ({"chance": 1, "each": "session"}, When(chance=1.0)),
    ],
    ids=str,
)
def test_times(written: object, when: When) -> None:
    read = read_rules({"rules": [{"when": written, "fault": "auth"}]})
    assert (read.mistakes, read.rules[0].when) == ((), when)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ": rules are written as `rules:` and a list"),
        ({}, ": `rules` is a list"),
        ({"rules": {}}, "rules: `rules` is a list"),
        ({"rules": [], "sede": 1}, 'sede: unknown field "sede"; did you mean "seed"?'),
        ({"rules": [], "seed": True}, "seed: a seed is a whole number"),
        (
            {"rules": ["auth"]},
            "rules[0]: a rule has `fault`, and may have `name`, `match` and `when`",
        ),
        (
            {"rules": [{"name": "a", "fault": "auth"}, {"name": "a", "fault": "auth"}]},
            'rules[1].name: another rule is called "a"; chance and counts go by name',
        ),
    ],
    ids=str,
)
def test_mistakes_of_the_whole(value: object, expected: str) -> None:
    assert mistakes(value) == [expected]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"fault": "auth", "name": ""}, "name: a name is a text on one line"),
        ({"fault": "auth", "name": 3}, "name: a name is a text on one line"),
        ({"fault": "auth", "wenn": 1}, 'wenn: unknown field "wenn"; did you mean "when"?'),
        ({"fault": []}, "fault: nothing is injected: write a preset, or a fault"),
        (
            {"fault": [1]},
            "fault[0]: a fault is a preset, or a mapping from a kind to what it needs",
        ),
        ({"fault": {"kut": 1}}, 'fault.kut: unknown field "kut"; did you mean "cut"?'),
        ({"fault": "auth", "match": 1}, ("match: this is a mapping with session, upstream, method, "
         "path, model, stream, headers, turn, text, body")),
        ({"fault": "auth", "match": {"body": {"n": 1}}}, "match.body: "),
        ({"fault": "auth", "match": {"body": {}}}, 'match.body: "{}" is no mapping of names'),
        ({"fault": "auth", "match": {"stream": "yes"}}, 'match.stream: "yes" is neither true nor'),
        ({"fault": "auth", "match": {"model": []}}, "match.model: the list is empty"),
        ({"fault": "auth", "match": {"model": [None]}}, 'match.model: "null" is no text'),
        ({"fault": "auth", "match": {"turn": 0}}, "match.turn: they are counted from 1"),
        ({"fault": "auth", "match": {"turn": []}}, "match.turn: the list is empty"),
        ({"fault": "auth", "when": {"first": -1}}, 'when.first: "-1" is no count: a whole number'),
        ({"fault": "auth", "when": {"chance": 1.1}}, 'when.chance: "1.1" is no chance: 0 is never'),
        ({"fault": "auth", "when": {"between": [4, 2]}}, "when: between has two numbers"),
        ({"fault": "auth", "when": {"every": 0}}, "when: every 0 is never"),
        ({"fault": "auth", "when": {"each": "day"}}, 'when.each: "day" is no such word; known are'),
        ({"fault": {"cut": {}}}, "fault.cut: exactly one of at, inside and before says where"),
        ({"fault": {"cut": {"at": 1, "inside": "utf8"}}}, "fault.cut: exactly one of at, inside"),
        ({"fault": {"cut": {"inside": "tool_args"}}}, 'fault.cut.inside: "tool_args" is no such'),
        ({"fault": {"cut": {"inside": 3}}}, 'fault.cut.inside: "3" is no such word; known are'),
        ({"fault": {"cut": "half"}}, 'fault.cut: "half" is no point'),
        ({"fault": {"delay": {}}}, "fault.delay: before or between says how long"),
        ({"fault": {"delay": 800}}, 'fault.delay: "800" is no duration: write it as 800ms'),
        ({"fault": {"pace": {}}}, "fault.pace: ttft or tps says how fast"),
        ({"fault": {"pace": 3}}, "fault.pace: this is a mapping with ttft, tps, jitter"),
        ({"fault": {"pace": {"tps": 0}}}, 'fault.pace.tps: "0" is no number above 0'),
        ({"fault": {"error": {}}}, "fault.error: preset or status says which error"),
        ({"fault": {"error": {"status": 99}}}, 'fault.error.status: "99" is no status from 200'),
        (
            {"fault": {"error": {"status": 500, "body": "x", "message": "y"}}},
            "fault.error: message is part of a body that is not given",
        ),
        (
            {"fault": {"error": {"status": 500, "headers": {"a b": "c"}}}},
            'fault.error.headers: "a b" cannot be a header',
        ),
        ({"fault": {"error_event": {}}}, "fault.error_event: `preset` is missing"),
        ({"fault": {"throttle": "fast"}}, 'fault.throttle: "fast" is no rate'),
        ({"fault": {"throttle": "0B/s"}}, 'fault.throttle: "0B/s" is no rate'),
        ({"fault": {"limit": {}}}, "fault.limit: requests or tokens says how many"),
        ({"fault": {"limit": {"requests": 1, "per": "0s"}}}, "fault.limit: per must be longer"),
        (
            {"fault": {"replace": {"json": 1, "sse": "x"}}},
            "fault.replace: only one of json, body, sse, ndjson is the body",
        ),
        (
            {"fault": ["auth", {"delay": "1s"}]},
            "fault[1].delay: never reached: error is the whole answer; write it before that",
        ),
        (
            {"fault": "tls_error", "match": {"model": "x"}},
            "match: tls_abort happens before there is a request: match it by session and upstream",
        ),
        (
            {"fault": [{"delay": "1s"}, "tls_error"]},
            "fault: tls_abort happens before there is a request: nothing comes before it",
        ),
        ({"fault": "x" * 200}, 'fault: there is no preset "xxx'),
        ({"fault": {"cut": "x" * 200}}, 'fault.cut: "xxx'),
    ],
    ids=str,
)  # fmt: skip
def test_mistakes_of_a_rule(rule: dict[str, Any], expected: str) -> None:
    assert mistake(**rule).startswith(expected)


def test_a_rule_without_a_fault() -> None:
    assert mistakes({"rules": [{}]}) == [
        "rules[0]: `fault` is missing: a preset, or what to inject"
    ]


def test_sound_rules_are_read_beside_broken_ones() -> None:
    read = read_rules({"rules": [{"fault": "auth"}, {"fault": "uath", "when": {"frst": 1}}]})
    assert [rule.name for rule in read.rules] == ["rule 1"]
    assert [mistake.place for mistake in read.mistakes] == [
        ("rules", 1, "when", "frst"),
        ("rules", 1, "fault"),
    ]
