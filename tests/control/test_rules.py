"""The rules of a run over HTTP: listed, added, replaced, switched, removed."""

from __future__ import annotations

import pytest

from tests.control.asking import running

FILE = {"name": "slow", "fault": {"delay": "1s"}}
MINE = {"name": "two 429s, then fine", "when": {"first": 2}, "fault": "rate_limit"}
SLOW = {
    "name": "slow",
    "origin": "file",
    "on": True,
    "faults": ["delay 1 s before"],
    "rule": None,
}


async def test_rules_are_added_after_those_of_the_files() -> None:
    async with running(FILE) as ask:
        added = await ask("POST /rules", {"seed": 3, "rules": [MINE]})
        listed = await ask("GET /rules")
    told = [(one["name"], one["origin"], one["on"], one["rule"]) for one in added.value["rules"]]
    assert told == [("slow", "file", True, None), (MINE["name"], "api", True, MINE)]
    assert listed.value == added.value
    assert ask.in_force == ["slow", "two 429s, then fine"]
    assert ask.rules.all[1].rule.seed == 3


async def test_all_are_added_or_none() -> None:
    async with running(FILE) as ask:
        wrong = await ask("POST /rules", {"rules": [MINE, {"fault": "rate_limt"}]})
        taken = await ask("POST /rules", {"rules": [MINE, FILE]})
    assert (wrong.status, taken.status) == (422, 409)
    assert wrong.value["mistakes"] == [
        {
            "field": "rules[1].fault",
            "what": 'there is no preset "rate_limt"; did you mean "rate_limit"?',
        }
    ]
    assert taken.value["mistakes"][0]["what"] == 'there is a rule called "slow"'
    assert ask.in_force == ["slow"]


async def test_one_rule_is_put_under_its_name_and_replaced() -> None:
    async with running() as ask:
        first = await ask("PUT /rules/a%20b", {"fault": "rate_limit"})
        second = await ask("PUT /rules/a%20b", {"name": "a b", "fault": "overloaded"})
        read = await ask("GET /rules/a%20b")
    assert first.value["rule"] == {"name": "a b", "fault": "rate_limit"}
    assert read.value == second.value
    assert second.value["rule"]["fault"] == "overloaded"
    assert ask.in_force == ["a b"]


@pytest.mark.parametrize(
    ("name", "rule", "status"),
    [
        ("a", {"name": "b", "fault": "rate_limit"}, 422),
        ("a", {"fault": "rate_limt"}, 422),
        ("a", "rate_limit", 422),
        ("slow", {"fault": "rate_limit"}, 409),
        ("%0A", {"fault": "rate_limit"}, 422),
    ],
    ids=["another name", "mistake", "no rule", "of a file", "no name"],
)
async def test_what_is_no_rule_of_ours_is_not_put(name: str, rule: object, status: int) -> None:
    async with running(FILE) as ask:
        answered = await ask(f"PUT /rules/{name}", rule)
    assert answered.status == status
    assert ask.in_force == ["slow"]


async def test_rules_are_switched() -> None:
    async with running(FILE) as ask:
        off = await ask("PATCH /rules/slow", {"on": False})
        while_off = [*ask.in_force]
        on = await ask("PATCH /rules/slow", {"on": True})
    assert (off.value["on"], on.value["on"]) == (False, True)
    assert (while_off, ask.in_force) == ([], ["slow"])


@pytest.mark.parametrize("body", [{"on": 1}, {}, {"on": True, "x": 1}, [True]])
async def test_a_switch_is_on_or_off(body: object) -> None:
    async with running(FILE) as ask:
        answered = await ask("PATCH /rules/slow", body)
    assert answered.status == 422


async def test_what_was_added_is_removed_and_files_are_not_touched() -> None:
    async with running(FILE) as ask:
        for name in ("a", "b", "c"):
            await ask(f"PUT /rules/{name}", {"fault": "rate_limit"})
        one = await ask("DELETE /rules/b")
        again = await ask("DELETE /rules/b")
        of_file = await ask("DELETE /rules/slow")
        rest = await ask("DELETE /rules")
    assert (one.value, rest.value) == ({"deleted": 1}, {"deleted": 2})
    assert (again.status, of_file.status) == (404, 409)
    assert ask.in_force == ["slow"]


async def test_a_rule_that_is_not_there() -> None:
    async with running() as ask:
        read = await ask("GET /rules/a")
        switched = await ask("PATCH /rules/a", {"on": True})
    assert (read.status, switched.status) == (404, 404)


async def test_there_are_not_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmreplay.control.rules._MOST_RULES", 1)
    async with running(FILE) as ask:
        added = await ask("POST /rules", {"rules": [MINE]})
        put = await ask("PUT /rules/a", {"fault": "rate_limit"})
    assert (added.status, put.status) == (422, 422)
