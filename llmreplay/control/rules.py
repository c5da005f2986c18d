"""Operations on the rules of a run: list, add, replace, switch, remove."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmreplay.control.answers import PROBLEM, Answer, Mistake, ProblemError, ok
from llmreplay.control.operations import Operation, Parameter, Returns
from llmreplay.control.schemas import ref
from llmreplay.control.setups import read_rule_list

if TYPE_CHECKING:
    from llmreplay.control.operations import Asked
    from llmreplay.control.rulebook import Kept, Rulebook
    from llmreplay.core.dialect import Json

__all__ = ["rule_operations"]

_MOST_RULES = 10_000


_NAME = Parameter("name", "The rule.", {"type": "string", "minLength": 1}, required=True)
_GONE = Returns("There is no such rule.", ref("Problem"), PROBLEM)
_OF_FILE = Returns("It stands in a file, and is changed there.", ref("Problem"), PROBLEM)
_WRONG = Returns("The rule cannot be meant; every mistake is told.", ref("Problem"), PROBLEM)
_EXAMPLE = {"rules": [{"name": "two 429s, then fine", "when": {"first": 2}, "fault": "rate_limit"}]}


def rule_operations(rules: Rulebook) -> tuple[Operation, ...]:
    """What one can do with rules."""
    found = _Api(rules)
    listed = {200: Returns("All rules, in their order.", ref("Rules"))}
    one = {200: Returns("The rule.", ref("RuleInfo")), 404: _GONE}
    return (
        Operation("GET", "/rules", "The rules of the run, in the order they are asked",
                  found.all, listed),
        Operation("POST", "/rules", "Add rules after those there are; all of them, or none",
                  found.add, listed | {409: Returns("A name is taken.", ref("Problem"), PROBLEM),
                                       422: _WRONG},
                  takes=ref("Overlay"), example=_EXAMPLE),
        Operation("DELETE", "/rules", "Remove all rules that were added here",
                  found.clear, {200: Returns("How many.", ref("Deleted"))}),
        Operation("GET", "/rules/{name}", "One rule", found.one, one, (_NAME,)),
        Operation("PUT", "/rules/{name}", "Add a rule, or replace one that was added here",
                  found.put, {200: Returns("The rule.", ref("RuleInfo")), 409: _OF_FILE,
                              422: _WRONG}, (_NAME,),
                  takes=ref("Rule"), example={"match": {"turn": 2}, "fault": "overloaded"}),
        Operation("PATCH", "/rules/{name}", "Switch a rule on or off", found.switch,
                  one | {422: _WRONG}, (_NAME,), takes=ref("RuleSwitch"), example={"on": False}),
        Operation("DELETE", "/rules/{name}", "Remove a rule that was added here", found.remove,
                  {200: Returns("It is gone.", ref("Deleted")), 404: _GONE, 409: _OF_FILE},
                  (_NAME,)),
    )  # fmt: skip


class _Api:
    def __init__(self, rules: Rulebook) -> None:
        self._rules = rules

    async def all(self, asked: Asked) -> Answer:  # noqa: ARG002  # asked for nothing in particular
        return ok({"rules": [*map(_shown, self._rules.all)]})

    async def add(self, asked: Asked) -> Answer:
        read = read_rule_list(asked.body)
        taken = [rule.name for rule in read if self._rules.find(rule.name) is not None]
        if taken:
            raise ProblemError(
                409,
                "these names are taken; PUT rules/NAME replaces a rule",
                [Mistake("name", f'there is a rule called "{name}"') for name in taken],
            )
        if len(self._rules.all) + len(read) > _MOST_RULES:
            raise ProblemError(422, f"more than {_MOST_RULES:,} rules; remove some")
        self._rules.add(zip(read, asked.body["rules"], strict=True))
        return await self.all(asked)

    async def clear(self, asked: Asked) -> Answer:  # noqa: ARG002  # as above
        return ok({"deleted": self._rules.remove(self._rules.added)})

    async def one(self, asked: Asked) -> Answer:
        return ok(_shown(self._known(asked)))

    async def put(self, asked: Asked) -> Answer:
        name, written = asked.names["name"], asked.body
        if isinstance(written, dict):
            if written.get("name", name) != name:
                raise ProblemError(422, "the rule has another name than the address says")
            written = {**written, "name": name}
        (rule,) = read_rule_list({"rules": [written]})
        known = self._rules.find(name)
        if known is None and len(self._rules.all) >= _MOST_RULES:
            raise ProblemError(422, f"more than {_MOST_RULES:,} rules; remove some")
        if known is not None and known.of_file:
            raise ProblemError(409, "this rule stands in an overlay file: change it there")
        self._rules.add([(rule, written)])
        return await self.one(asked)

    async def switch(self, asked: Asked) -> Answer:
        body = asked.body
        if not isinstance(body, dict) or [*body] != ["on"] or not isinstance(body["on"], bool):
            raise ProblemError(422, 'write {"on": true} or {"on": false}')
        self._known(asked)
        self._rules.switch(asked.names["name"], on=body["on"])
        return await self.one(asked)

    async def remove(self, asked: Asked) -> Answer:
        if self._known(asked).of_file:
            raise ProblemError(
                409, "this rule stands in an overlay file: take it out there, or switch it off"
            )
        return ok({"deleted": self._rules.remove([asked.names["name"]])})

    def _known(self, asked: Asked) -> Kept:
        kept = self._rules.find(asked.names["name"])
        if kept is None:
            raise ProblemError(404, "there is no such rule")
        return kept


def _shown(kept: Kept) -> dict[str, Json]:
    return {
        "name": kept.rule.name,
        "origin": "file" if kept.of_file else "api",
        "on": kept.on,
        "faults": [*map(str, kept.rule.faults)],
        "rule": kept.written,
    }
