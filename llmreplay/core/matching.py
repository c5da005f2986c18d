"""Matching: which recording answers a request, if any.

It knows sequences and what comes after their end; what makes two requests the same is decided
in `canonical`, and what to do about a miss in `policy`. Sessions call it once a request.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

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


class Hit(NamedTuple):
    """A recording to replay: the one at `place` (from 0) in its sequence.

    With `by_order` it was found by its place and not by its meaning: if its fingerprint is not
    the one asked for, `mismatch.drift` says what differs.
    """

    recording: Recording
    place: int = 0
    by_order: bool = False


class Miss(NamedTuple):
    """No recording to replay. `used` are those that were, where they are used up.

    With `by_order` they are those with this method and path, whatever was asked.
    """

    reason: MissReason
    used: tuple[Recording, ...] = ()
    by_order: bool = False


def match(
    tape: Tape,
    session: str,
    asked: Asked,
    *,
    strictness: Strictness = Strictness.EXACT,
    after_last: AfterLast = AfterLast.REPEAT,
) -> Hit | Miss:
    """The next recording for `asked` in `session`, whose cursor moves on.

    By fingerprint first, then by order among the recordings whose cassettes ask for it; with
    `strictness` ORDER, by order among all.
    """
    queue = None if strictness is Strictness.ORDER else tape.by_meaning(asked)
    by_order = queue is None
    if queue is None:
        queue = tape.by_order(asked, every=strictness is Strictness.ORDER)
    if queue is None:
        return Miss(MissReason.NEVER_RECORDED)
    recordings = queue.recordings
    place = tape.step(session, queue)
    if place >= len(recordings):
        if after_last is AfterLast.FAIL:
            return Miss(MissReason.USED_UP, tuple(recordings), by_order)
        place = place % len(recordings) if after_last is AfterLast.CYCLE else len(recordings) - 1
    return Hit(recordings[place], place, by_order)


_ID = re.compile(r"[\w.:-]{6,}", re.ASCII)
_STRING_OF_ID = re.compile(rb'(?<!\\)"([\w.:-]{6,})"')


def echo_ids(body: bytes, recorded_ids: Sequence[str], live_ids: Sequence[str]) -> bytes:
    """`body` with the recorded request's ids replaced by the live request's, rank by rank.

    Only whole JSON strings that look like ids are replaced, all in one pass, so that ids which
    changed places come out right. Unless both requests have as many ids (found by order, they
    may not), nothing is replaced.
    """
    if len(recorded_ids) != len(live_ids):
        return body
    renamed = {
        recorded.encode(): live.encode()
        for recorded, live in zip(recorded_ids, live_ids, strict=True)
        if recorded != live and _ID.fullmatch(recorded) and _ID.fullmatch(live)
    }
    if not any(recorded in body for recorded in renamed):
        return body
    return _STRING_OF_ID.sub(lambda found: b'"%b"' % renamed.get(found[1], found[1]), body)
