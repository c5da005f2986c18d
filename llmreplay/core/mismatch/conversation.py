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
        pairs = aligned([_told(turn) for turn in ours], [_told(turn) for turn in theirs])
        for here, there in pairs:
            if here is not None and there is not None:
                yield from _of_turn(_place(theirs, there), ours[here], theirs[there])
        new = [there for here, there in pairs if here is None and there is not None]
        if new:
            yield _of_others("new", "", theirs, new)
        missing = [here for here, there in pairs if there is None and here is not None]
        if missing:
            yield _of_others("missing", "recorded ", ours, missing)


def _told(turn: Turn) -> tuple[str, tuple[Part, ...]]:
    return turn.role, turn.parts


def _place(turns: Sequence[Turn], index: int) -> str:
    """How a sentence about a turn begins: `turn 3: `, or nothing for the system prompt."""
    if turns[index].role == "system":
        return ""
    while index and turns[index].role == turns[index - 1].role == "assistant":
        index -= 1
    return f"turn {turn_number(turns[:index])}: "


def _of_turn(place: str, recorded: Turn, asked: Turn) -> Iterator[Difference]:
    where = asked.where
    if recorded.role != asked.role:
        yield Difference(
            f"{place}speaker differs ({where}): recorded {' '.join(_summary(recorded))}, "
            f"asked {' '.join(_summary(asked))}",
            (where,),
            weight=_WEIGHT,
        )
        return
    # Only a whole field can be left out of all requests without harm to other turns.
    ignore = where if asked.role == "system" and _TOP_LEVEL.fullmatch(where) else None
    for here, there in aligned(recorded.parts, asked.parts):
        ours = recorded.parts[here] if here is not None else None
        theirs = asked.parts[there] if there is not None else None
        yield _of_part(place, asked, ours, theirs, ignore)


_TOP_LEVEL = re.compile(r"\$\.\w+")


def _of_part(
    place: str, turn: Turn, ours: Part | None, theirs: Part | None, ignore: str | None
) -> Difference:
    where = turn.where
    if ours is None or theirs is None:
        part, fate, side = (theirs, "new", "") if ours is None else (ours, "missing", "recorded ")
        label = _label(turn.role, part) if part is not None else ""
        text = shown(part.text) if part is not None else ""
        return Difference(f"{place}{label} is {fate} ({where}): {side}{text}", (where,), ignore)
    label = _label(turn.role, theirs)
    if (ours.kind, ours.name) != (theirs.kind, theirs.name):
        return Difference(
            f"{place}{label} differs ({where}): recorded {_label(turn.role, ours)} "
            f"{shown(ours.text)}, asked {shown(theirs.text)}",
            (where,),
            ignore,
            weight=_WEIGHT,
        )
    differs = change(ours.text, theirs.text)
    word = f" at word {differs.word}" if max(len(ours.text), len(theirs.text)) > _LONG else ""
    return Difference(
        f"{place}{label} differs{word} ({where}): {differs}",
        (where,),
        ignore,
        differs.region,
        _WEIGHT,
        differs.size,
    )


def _of_others(fate: str, side: str, turns: Sequence[Turn], indexes: Sequence[int]) -> Difference:
    """Turns that only one of two conversations has, in one sentence."""
    first = turns[indexes[0]]
    place, label, text = _place(turns, indexes[0]), *_summary(first)
    sentence = (
        f"{place}{label} is {fate} ({first.where}): {side}{text}"
        if len(indexes) == 1
        else f"{place}{len(indexes)} messages are {fate}, from {first.where} on: "
        f"{side}{label} {text}, …"
    )
    size = sum(len(part.text) for index in indexes for part in turns[index].parts)
    places = tuple(turns[index].where for index in indexes)
    return Difference(sentence, places, weight=_WEIGHT * len(indexes), size=size)


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
