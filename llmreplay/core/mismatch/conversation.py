"""Conversations compared: which turn differs, in which part, from which word on.

Turns are counted as a person counts requests: the first is turn 1, and each answer of the
assistant begins the next. The system prompt is in none.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from llmreplay.core.dialect import PartKind
from llmreplay.core.mismatch.alignment import aligned
from llmreplay.core.mismatch.difference import Difference
from llmreplay.core.mismatch.wording import change, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from llmreplay.core.dialect import Part, Turn

__all__ = ["turn_differences", "turn_number"]

_LONG = 60
"""Characters from which on the word is named where a text differs."""
_WEIGHT = 3
"""A turn counts for as much as this many other fields."""


def turn_number(turns: Sequence[Turn]) -> int:
    """The turn that a request with these messages is: 1 and the times the assistant spoke.

    Several of its messages in a row, as for parallel tool calls, are one answer.
    """
    speakers = [turn.role for turn in turns if turn.role != "system"]
    return 1 + sum(now == "assistant" != before for before, now in pairwise(["user", *speakers]))


def turn_differences(recorded: Sequence[Turn], asked: Sequence[Turn]) -> Iterator[Difference]:
    """What differs between two conversations: the system prompt first, then by turns."""
    for system in (True, False):
        ours = [turn for turn in recorded if (turn.role == "system") == system]
        theirs = [turn for turn in asked if (turn.role == "system") == system]
        found = aligned([_told(turn) for turn in ours], [_told(turn) for turn in theirs])
        places = _places(theirs)
        for here, there in found.changed:
            yield from _of_turns(places[there], ours[here], theirs[there])
        if found.new:
            yield _lone(places, "new", theirs, found.new)
        if found.missing:
            yield _lone(_places(ours), "missing", ours, found.missing)


def _told(turn: Turn) -> tuple[str, tuple[Part, ...]]:
    return turn.role, turn.parts


def _places(turns: Sequence[Turn]) -> list[str]:
    """How a sentence about each turn begins: `turn 3: `, or nothing for the system prompt."""
    places: list[str] = []
    answers = 0
    before = ""
    for turn in turns:
        answers += turn.role == "assistant" != before
        number = answers if turn.role == "assistant" else answers + 1
        places.append(f"turn {number}: " if turn.role != "system" else "")
        before = turn.role
    return places


def _of_turns(place: str, recorded: Turn, asked: Turn) -> Iterator[Difference]:
    where = asked.where
    if recorded.role != asked.role:
        sides = f"recorded {' '.join(_summary(recorded))}, asked {' '.join(_summary(asked))}"
        yield Difference(f"{place}speaker differs ({where}): {sides}", (where,), weight=_WEIGHT)
        return
    found = aligned(recorded.parts, asked.parts)
    for here, there in found.changed:
        yield _of_parts(place, asked, recorded.parts[here], asked.parts[there])
    for index in found.new:
        yield _lone_part(place, "new", asked, asked.parts[index])
    for index in found.missing:
        yield _lone_part(place, "missing", recorded, recorded.parts[index])


def _of_parts(place: str, asked: Turn, ours: Part, theirs: Part) -> Difference:
    where, label = asked.where, _label(asked.role, theirs)
    if (ours.kind, ours.name) != (theirs.kind, theirs.name):
        sides = (
            f"recorded {_label(asked.role, ours)} {shown(ours.text)}, asked {shown(theirs.text)}"
        )
        return Difference(
            f"{place}{label} differs ({where}): {sides}",
            (where,),
            _ignorable(asked),
            weight=_WEIGHT,
        )
    differs = change(ours.text, theirs.text)
    word = f" at word {differs.word}" if max(len(ours.text), len(theirs.text)) > _LONG else ""
    return Difference(
        f"{place}{label} differs{word} ({where}): {differs}",
        (where,),
        _ignorable(asked),
        differs.region,
        _WEIGHT,
        differs.size,
    )


_SIDE = {"new": "", "missing": "recorded "}
"""What stands before a text that only one side has."""


def _lone_part(place: str, fate: str, turn: Turn, part: Part) -> Difference:
    """A part that the other side's message has not."""
    text = f"{_SIDE[fate]}{shown(part.text)}"
    return Difference(
        f"{place}{_label(turn.role, part)} is {fate} ({turn.where}): {text}",
        (turn.where,),
        _ignorable(turn),
        weight=_WEIGHT,
        size=len(part.text),
    )


def _lone(
    places: Sequence[str], fate: str, turns: Sequence[Turn], indexes: Sequence[int]
) -> Difference:
    """Messages that the other side has not, in one sentence."""
    first, place = turns[indexes[0]], places[indexes[0]]
    label, text = _summary(first)
    if len(indexes) == 1:
        sentence = f"{place}{label} is {fate} ({first.where}): {_SIDE[fate]}{text}"
    else:
        many = f"{len(indexes)} messages are {fate}, from {first.where} on"
        sentence = f"{place}{many}: {_SIDE[fate]}{label} {text}, …"
    return Difference(
        sentence,
        tuple(turns[index].where for index in indexes),
        _ignorable(first) if len(indexes) == 1 else None,
        weight=_WEIGHT * len(indexes),
        size=sum(len(part.text) for index in indexes for part in turns[index].parts),
    )


def _ignorable(turn: Turn) -> str | None:
    """What to ignore to leave a turn out: only a whole field, or other turns would suffer."""
    whole = turn.role == "system" and _TOP_LEVEL.fullmatch(turn.where)
    return turn.where if whole else None


_TOP_LEVEL = re.compile(r"\$\.\w+")


def _summary(turn: Turn) -> tuple[str, str]:
    """What a turn is and what it says, by its first part."""
    if not turn.parts:
        return f"empty {turn.role} message", '""'
    return _label(turn.role, turn.parts[0]), shown(turn.parts[0].text)


def _label(role: str, part: Part) -> str:
    match part.kind:
        case PartKind.TEXT:
            return "system prompt" if role == "system" else f"{role} message"
        case PartKind.TOOL_CALL if part.name:
            return f"tool call {part.name}"
        case PartKind.TOOL_RESULT if part.name:
            return f"tool result of {part.name}"
        case PartKind.IMAGE | PartKind.AUDIO | PartKind.FILE | PartKind.OTHER:
            return f"{part.kind} in the {role} message"
        case _:
            return str(part.kind)
