"""The policy: what to do with a request, by mode and by whether there is a recording for it.

One table. Everything else asks it for the decision.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from llmreplay.core.matching import Hit, Miss

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Forward", "Mode", "Refuse", "Replay", "decide", "looks_for_recordings", "on_miss"]


class Mode(StrEnum):
    """How a session treats its cassettes; `once` is settled before, as ALL or REPLAY."""

    __hash__ = str.__hash__  # Enum's own is Python code, and paid for every request

    REPLAY = "replay"
    """Answer from recordings only; never touch the network."""
    NEW = "new"
    """Replay what is recorded, record what is not."""
    ALL = "all"
    """Record everything, whatever is recorded already."""
    FORWARD = "forward"
    """Replay what is recorded; forward what is not, and store nothing."""
    OFF = "off"
    """Forward everything, store nothing."""


class Replay(NamedTuple):
    """Answer from this recording."""

    hit: Hit


@dataclass(frozen=True, slots=True)
class Forward:
    """Ask the upstream, and store what passes if `record`."""

    record: bool


class Refuse(NamedTuple):
    """Answer with the explanation of this miss."""

    miss: Miss


_RECORD, _PASS = Forward(record=True), Forward(record=False)

#: mode: (on a hit, on a miss)
_TABLE: Mapping[Mode, tuple[type[Replay] | Forward, type[Refuse] | Forward]] = MappingProxyType({
    Mode.REPLAY:  (Replay,  Refuse),
    Mode.NEW:     (Replay,  _RECORD),
    Mode.ALL:     (_RECORD, _RECORD),
    Mode.FORWARD: (Replay,  _PASS),
    Mode.OFF:     (_PASS,   _PASS),
})  # fmt: skip


def decide(mode: Mode, matched: Hit | Miss) -> Replay | Forward | Refuse:
    """What to do with a request."""
    if_hit, if_miss = _TABLE[mode]
    if isinstance(matched, Hit):
        return if_hit if isinstance(if_hit, Forward) else if_hit(matched)
    return if_miss if isinstance(if_miss, Forward) else if_miss(matched)


def looks_for_recordings(mode: Mode) -> bool:
    """Whether a recording would change anything in this mode."""
    if_hit, if_miss = _TABLE[mode]
    return if_hit is not if_miss


def on_miss(word: str) -> Mode:
    """The mode that `serve --on-miss` asks for: `fail`, `record` or `forward`."""
    return {"fail": Mode.REPLAY, "record": Mode.NEW, "forward": Mode.FORWARD}[word]
