"""What a person wrote → rules, with every mistake at once, each with its place.

The value comes from a file or from the control API; which of the two, and on which line a place
is, is the caller's to know.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from llmreplay.core.faults.form import Form, nearest
from llmreplay.core.faults.kinds import KINDS, MATCH, WHEN
from llmreplay.core.faults.presets import PRESETS
from llmreplay.core.faults.rules import ANYWHERE, Match, Rule
from llmreplay.core.faults.when import ALWAYS, When

if TYPE_CHECKING:
    from llmreplay.core.dialect import Json
    from llmreplay.core.faults.fault import Fault

__all__ = ["Mistake", "Place", "RulesRead", "read_rules"]

Place: TypeAlias = tuple[str | int, ...]
"""Keys and indexes from the top of what was written."""

FIELDS = ("seed", "rules")
RULE_FIELDS = ("name", "match", "when", "fault")
_MOST_SEED = 2**63


@dataclass(frozen=True, slots=True)
class Mistake:
    """Something that cannot be meant: where, and what to do."""

    place: Place
    what: str

    @property
    def field(self) -> str:
        """The place, as a person writes it: `rules[2].fault.cut`."""
        text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.place)
        return text.removeprefix(".")


@dataclass(frozen=True, slots=True)
class RulesRead:
    """The rules that were sound, and all mistakes in the others."""

    rules: tuple[Rule, ...]
    mistakes: tuple[Mistake, ...]


def read_rules(value: Json, source: str = "") -> RulesRead:
    """`{"seed": …, "rules": […]}` → rules.

    Rules without a name are called by their number, and by `source`, to tell them from others'.
    """
    reader = _Reader(source)
    rules = reader.rules(value)
    return RulesRead(rules, tuple(reader.mistakes))


class _Reader:
    """Walks down what was written, and notes each mistake where it is."""

    def __init__(self, source: str) -> None:
        self._source = source
        self.mistakes: list[Mistake] = []

    def note(self, place: Place, what: str) -> None:
        self.mistakes.append(Mistake(place, what))

    def rules(self, value: Json) -> tuple[Rule, ...]:
        if not isinstance(value, dict):
            self.note((), "rules are written as `rules:` and a list")
            return ()
        self._known(value, FIELDS, ())
        seed = value.get("seed", 0)
        if isinstance(seed, bool) or not isinstance(seed, int) or abs(seed) >= _MOST_SEED:
            self.note(("seed",), "a seed is a whole number")
            seed = 0
        listed = value.get("rules")
        if not isinstance(listed, list):
            self.note(("rules",) if "rules" in value else (), "`rules` is a list")
            return ()
        read = [self._rule(one, place, seed) for place, one in enumerate(listed)]
        self._name_each_once(read)
        return tuple(rule for rule in read if rule is not None)

    def _rule(self, value: Json, number: int, seed: int) -> Rule | None:
        place: Place = ("rules", number)
        if not isinstance(value, dict):
            self.note(place, "a rule has `fault`, and may have `name`, `match` and `when`")
            return None
        before = len(self.mistakes)
        self._known(value, RULE_FIELDS, place)
        name = value.get("name", f"{self._source} rule {number + 1}".strip())
        if not isinstance(name, str) or not name.strip() or not name.isprintable():
            self.note((*place, "name"), "a name is a text on one line")
        match: Match = self._made(value, "match", MATCH, place, ANYWHERE)
        when: When = self._made(value, "when", WHEN, place, ALWAYS)
        faults = self._faults(value, place)
        if len(self.mistakes) > before:
            return None
        rule = Rule(name, faults, match, when, seed)
        self._fit(rule, place)
        return rule

    def _made(self, value: dict[str, Json], key: str, form: Form, place: Place, usual: Any) -> Any:  # noqa: ANN401  # what the form makes
        if key not in value:
            return usual
        made = self._of_form(value[key], form, (*place, key))
        return usual if made is None else made

    def _faults(self, value: dict[str, Json], place: Place) -> tuple[Fault, ...]:
        place = (*place, "fault")
        if "fault" not in value:
            self.note(place[:-1], "`fault` is missing: a preset, or what to inject")
            return ()
        given = value["fault"]
        if not isinstance(given, list):
            faults = self._fault(given, place)
        else:
            faults = [
                fault
                for number, one in enumerate(given)
                for fault in self._fault(one, (*place, number))
            ]
        if not faults and given in ([], {}):
            self.note(place, "nothing is injected: write a preset, or a fault")
        self._last_is_last(faults)
        return tuple(fault for fault, _ in faults)

    def _fault(self, value: Json, place: Place) -> list[tuple[Fault, Place]]:
        """The faults in one preset, or in one mapping of kinds, in the order written."""
        if isinstance(value, str):
            if value in PRESETS:
                return [(PRESETS[value], place)]
            self.note(place, f'there is no preset "{value}"{nearest(value, PRESETS)}')
            return []
        if not isinstance(value, dict):
            self.note(place, "a fault is a preset, or a mapping from a kind to what it needs")
            return []
        self._known(value, tuple(KINDS), place)
        made = [
            (self._of_form(given, KINDS[kind], (*place, kind)), (*place, kind))
            for kind, given in value.items()
            if kind in KINDS
        ]
        return [(fault, at) for fault, at in made if fault is not None]

    def _of_form(self, value: Json, form: Form, place: Place) -> Any:  # noqa: ANN401  # what the form makes
        """What `form` makes of `value`; None where there is a mistake."""
        if not isinstance(value, dict):
            if not form.short:
                names = ", ".join(form.by_name)
                self.note(place, f"this is a mapping with {names}")
                return None
            value = {form.short: value}
            places = dict.fromkeys(form.by_name, place)
        else:
            places = {name: (*place, name) for name in form.by_name}
        before = len(self.mistakes)
        self._known(value, tuple(form.by_name), place)
        arguments = {}
        for name, given in value.items():
            field = form.by_name.get(name)
            if field is None:
                continue
            try:
                arguments[field.argument] = field.kind.read(given)
            except ValueError as error:
                self.note(places[name], str(error))
        for name in form.required:
            if name not in value:
                self.note(place, f"`{name}` is missing")
        if len(self.mistakes) > before:
            return None
        try:
            return form.make(**arguments)
        except ValueError as error:
            self.note(place, str(error))
            return None

    def _known(self, value: dict[str, Json], words: tuple[str, ...], place: Place) -> None:
        for key in value:
            if key not in words:
                self.note((*place, key), f'unknown field "{key}"{nearest(key, words)}')

    def _last_is_last(self, faults: list[tuple[Fault, Place]]) -> None:
        """After a fault that gives the whole answer, nothing is left to do."""
        for (fault, _), (_, after) in itertools.pairwise(faults):
            if fault.is_answer:
                self.note(
                    after, f"never reached: {fault.kind} is the whole answer; write it before that"
                )

    def _fit(self, rule: Rule, place: Place) -> None:
        """What happens before there is a request knows none, and is alone."""
        if rule.at_connection is None:
            return
        if rule.match.needs_request:
            self.note(
                (*place, "match"),
                f"{rule.at_connection} happens before there is a request: match it by session "
                "and upstream only",
            )
        if len(rule.faults) > 1:
            self.note(
                (*place, "fault"),
                f"{rule.at_connection} happens before there is a request: nothing comes before it",
            )

    def _name_each_once(self, rules: list[Rule | None]) -> None:
        seen: set[str] = set()
        for number, rule in enumerate(rules):
            if rule is None:
                continue
            if rule.name in seen:
                what = f'another rule is called "{rule.name}"; chance and counts go by name'
                self.note(("rules", number, "name"), what)
            seen.add(rule.name)
