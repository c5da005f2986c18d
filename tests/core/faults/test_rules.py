"""Conditions: all must hold."""

from __future__ import annotations

from typing import Any

import pytest

from llmreplay.core.faults import Arrival, AtConnection, Match, Rule
from llmreplay.core.faults.connection import Connection, Trouble
from llmreplay.core.faults.cut import Cut
from llmreplay.core.faults.glob import Glob
from llmreplay.core.faults.rules import ANYWHERE
from tests.core.faults.given import asked

GIVEN = {
    "headers": (("X-Team", "blue"), ("x-n", "1")),
    "body": {
        "model": "gpt-4o",
        "stream": True,
        "n": 2,
        "messages": [{"role": "user", "content": "Rain in Rome?"}],
    },
}


def globs(*patterns: str) -> tuple[Glob, ...]:
    return tuple(map(Glob, patterns))


@pytest.mark.parametrize(
    ("conditions", "holds"),
    [
        ({}, True),
        ({"session": globs("def*")}, True),
        ({"session": globs("other")}, False),
        ({"upstream": globs("azure", "openai")}, True),
        ({"upstream": globs("azure")}, False),
        ({"method": globs("POST")}, True),
        ({"method": globs("GET")}, False),
        ({"path": globs("/v1/chat/*")}, True),
        ({"path": globs("/v1/responses")}, False),
        ({"model": globs("gpt-4o*")}, True),
        ({"model": globs("o3*")}, False),
        ({"stream": True}, True),
        ({"stream": False}, False),
        ({"headers": (("x-team", globs("blue")), ("x-n", ()))}, True),
        ({"headers": (("x-team", globs("red")),)}, False),
        ({"headers": (("x-other", ()),)}, False),
        ({"turn": (1, 2)}, True),
        ({"turn": (2,)}, False),
        ({"text": globs("*Rome*")}, True),
        ({"text": globs("Rome")}, False),
        ({"body": (("$.n", 2),)}, True),
        ({"body": (("$.n", 2.0),)}, False),
        ({"body": (("$.n", "2"),)}, True),
        ({"body": (("$.stream", True),)}, True),
        ({"body": (("$.n", True),)}, False),
        ({"body": (("$.messages[*].content", "*Rome*"),)}, True),
        ({"body": (("$.messages[*].content", "Rome"),)}, False),
        ({"body": (("$.missing", "*"),)}, False),
        ({"stream": True, "model": globs("o3")}, False),
    ],
)
def test_conditions(conditions: dict[str, Any], holds: bool) -> None:  # noqa: FBT001  # expected
    assert Match(**conditions).holds(asked(**GIVEN)) is holds


def test_conditions_of_connections() -> None:
    match = Match(session=globs("a*"), upstream=globs("openai"))
    assert match.meets(Arrival("ab", "openai"))
    assert not match.meets(Arrival("b", "openai"))
    assert not match.meets(Arrival("ab"))
    assert not match.needs_request
    assert Match(model=globs("x")).needs_request
    assert not ANYWHERE.needs_request


def test_rules_of_connections_are_told_apart() -> None:
    assert Rule("r", (Connection(Trouble.TLS_ABORT),)).at_connection is AtConnection.TLS_ABORT
    assert Rule("r", (Cut(), Connection(Trouble.RESET))).at_connection is None
