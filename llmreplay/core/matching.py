"""Matching: which recording answers a request, if any.

It knows sequences and what comes after their end; what makes two requests the same is decided
in `canonical`, and what to do about a miss in `policy`. Sessions call it once a request.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from llmreplay.core.canonical import Strictness

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmreplay.core.tape import Asked, Recording, Tape

__all__ = ["AfterLast", "Hit", "Miss", "MissReason", "echo_ids", "match"]


class AfterLast(StrEnum):
    """What a request gets when all its recordings were replayed in this session."""

    REPEAT = "repeat"
    FAIL = "fail"
    CYCLE = "cycle"


class MissReason(StrEnum):
    """Why there is no recording to give."""

    NEVER_RECORDED = "never recorded"
    USED_UP = "used up"


@dataclass(frozen=True, slots=True)
class Hit:
    """A recording to replay: the one at `index` (from 0) in its sequence.

    With `by_order` it was found by its place and not by its meaning: if its fingerprint is not
    the one asked for, `mismatch.drift` says what differs.
    """

    recording: Recording
    index: int = 0
    by_order: bool = False


@dataclass(frozen=True, slots=True)
class Miss:
    """No recording to replay. `used` are those that were, where they are used up."""

    reason: MissReason
    used: tuple[Recording, ...] = ()


def match(
    tape: Tape,
    session: str,
    asked: Asked,
    *,
    strictness: Strictness = Strictness.EXACT,
    after_last: AfterLast = AfterLast.REPEAT,
) -> Hit | Miss:
    """The next recording for `asked` in `session`. Moves the session's cursor on a hit."""
    raise NotImplementedError


def echo_ids(body: bytes, recorded_ids: Sequence[str], live_ids: Sequence[str]) -> bytes:
    """`body` with the recorded request's ids replaced by the live request's, rank by rank.

    Only whole JSON strings that look like ids are replaced, all in one pass, so that ids which
    changed places come out right. Unless both sides have as many ids, nothing is replaced.
    """
    raise NotImplementedError
