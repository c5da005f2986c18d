"""Wording: how two texts differ, shown in few words whatever their length.

Cost is bounded: what is common at both ends is cut off by bisection, and of what is left only
the beginning is compared word by word.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from llmreplay.core.dialect import Json

__all__ = ["Change", "change", "cut", "quoted", "shown"]

_SHORT = 60
"""Characters of a text that are shown whole, and of a changed place."""
_AROUND = 24
"""Characters of what stands before and after a change."""
_WORDS = 80
"""Words of a change that are compared one by one."""


_WINDOW = 4_000
"""Characters of the changed region that are looked at for what is new in each run."""


@dataclass(frozen=True, slots=True)
class Change:
    """Where two texts differ.

    `word` is the first word that does, counted from 1; `recorded` and `asked` are excerpts
    that show it. `region` is what stands between the common beginning and the common end on
    both sides, with some words around and within bounds; `size` is its length without them.
    """

    word: int
    recorded: str
    asked: str
    region: tuple[str, str]
    size: int

    def __str__(self) -> str:
        return f"recorded {quoted(self.recorded)}, asked {quoted(self.asked)}"


def change(recorded: str, asked: str) -> Change:
    """Where two different texts first differ, with a little of what is around it."""
    start = _common_start(recorded, asked)
    same_end = _common_end(recorded[start:], asked[start:])
    ends = len(recorded) - same_end, len(asked) - same_end
    begin = start if _between_words(recorded, asked, start) else _word_start(asked, start)
    shown = _excerpts(recorded, asked, (start, begin), ends)
    region_from = max(0, start - _SHORT)
    region = tuple(
        text[region_from : min(end + _SHORT, region_from + _WINDOW)]
        for text, end in zip((recorded, asked), ends, strict=True)
    )
    return Change(len(asked[:begin].split()) + 1, *shown, (region[0], region[1]), max(ends) - start)


def _excerpts(
    recorded: str, asked: str, starts: tuple[int, int], ends: tuple[int, int]
) -> tuple[str, str]:
    """Both texts where they first differ. `starts` are of the difference and of its word."""
    if max(len(recorded), len(asked)) <= _SHORT:
        return recorded, asked
    start, begin = starts
    recorded_length, asked_length = _first_hunk(
        recorded[begin : _word_end(recorded, ends[0])], asked[begin : _word_end(asked, ends[1])]
    )
    if max(recorded_length, asked_length) > _SHORT:
        # One long word, as base64 is, or a text that is all new: show where it turns.
        begin = max(begin, start - _AROUND // 2)
    return (
        _excerpt(recorded, begin, begin + recorded_length),
        _excerpt(asked, begin, begin + asked_length),
    )


def quoted(text: str) -> str:
    """`text` on one line, in quotes, cut where it is long."""
    if len(text) > 4 * _SHORT:
        text = f"{text[: 4 * _SHORT]}…"
    line = "".join(_VISIBLE.get(one, one) if one < " " else one for one in text)
    return f'"{line.encode(errors="replace").decode()}"'


_VISIBLE = {"\n": "\\n", "\t": "\\t", "\r": "\\r"} | {
    chr(code): f"\\x{code:02x}" for code in range(32) if chr(code) not in "\n\t\r"
}


def cut(text: str) -> str:
    """A name or path on one line, cut where it is absurdly long."""
    return quoted(text)[1:-1]


def shown(value: Json) -> str:
    """A JSON value, short."""
    if isinstance(value, str):
        return quoted(value if len(value) <= _SHORT else f"{value[:_SHORT]}…")
    if isinstance(value, dict | list) and len(value) > _FEW:
        what = "fields" if isinstance(value, dict) else "items"
        return f"({len(value)} {what})"
    try:
        text = orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        return f"({type(value).__name__})"
    return text if len(text) <= _SHORT else f"{text[:_SHORT]}…"


_FEW = 8


def _common_start(one: str, other: str) -> int:
    """How many characters both begin with."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one.startswith(other[low:middle], low):
            low = middle
        else:
            high = middle - 1
    return low


def _common_end(one: str, other: str) -> int:
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one.endswith(other[len(other) - middle :]):
            low = middle
        else:
            high = middle - 1
    return low


def _between_words(one: str, other: str, position: int) -> bool:
    """Whether both texts go on with a space, or end: then the word before is the same."""
    return all(text[position : position + 1].strip() == "" for text in (one, other))


def _word_start(text: str, position: int) -> int:
    """Where the word begins that `position` is in or behind."""
    return max(text.rfind(space, 0, position) for space in " \n\t") + 1


def _word_end(text: str, position: int) -> int:
    """Where the word ends that `position` is in; `position` itself between words."""
    if position == 0 or text[position - 1].isspace():
        return position
    space = re.compile(r"\s|\Z").search(text, position)
    return space.start() if space is not None else position


def _first_hunk(recorded: str, asked: str) -> tuple[int, int]:
    """Of two texts that differ from the first word on, the lengths of what differs at first."""
    ours = re.findall(r"\S+\s*|\s+", recorded[: _WORDS * _SHORT])[:_WORDS]
    theirs = re.findall(r"\S+\s*|\s+", asked[: _WORDS * _SHORT])[:_WORDS]
    for tag, _, recorded_to, _, asked_to in SequenceMatcher(
        None, ours, theirs, autojunk=False
    ).get_opcodes():
        if tag != "equal":
            return len("".join(ours[:recorded_to])), len("".join(theirs[:asked_to]))
    return len(recorded), len(asked)


def _excerpt(text: str, begin: int, end: int) -> str:
    """`text` from `begin` to `end` with a few words around, dots where more is left out."""
    first = max(0, begin - _AROUND)
    before = text[first:begin]
    if first:
        before = f"…{before.partition(' ')[2] or before}"
    if end - begin > _SHORT:
        return f"{before}{text[begin : begin + _SHORT]}…"
    after = text[end : end + _AROUND]
    if end + _AROUND < len(text):
        after = f"{after.rpartition(' ')[0] or after}…"
    return f"{before}{text[begin:end]}{after}"
