"""Mismatch: why a request missed, in sentences that a person can act on.

It finds the nearest recordings by conversation, says what differs, and which setting would
make them match, having tried it. Called only on a miss, off the event loop; all requests it
is given are redacted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmreplay.core.matching import AfterLast, Miss

if TYPE_CHECKING:
    from llmreplay.core.canonical import Canonical, MatchSettings
    from llmreplay.core.dialect import Dialect
    from llmreplay.core.exchange import Request
    from llmreplay.core.tape import Recording, Tape

__all__ = ["Explanation", "Question", "drift", "explain"]


@dataclass(frozen=True, slots=True)
class Question:
    """A request that missed, and what its explanation needs to know about it.

    `request` is redacted, its `upstream` filled in where known. `cassettes` names what the
    session reads as a person would (`cassettes/`, `cassettes/chat.yaml`). `elsewhere` are
    sources (`cassette#number`) of recordings of this very request that the session does not
    use.
    """

    request: Request
    canonical: Canonical
    dialect: Dialect
    settings: MatchSettings
    after_last: AfterLast = AfterLast.REPEAT
    session: str = "default"
    cassettes: str = "cassettes/"
    elsewhere: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a request missed. `text` is all of it, `lines` the same by line.

    `nearest` is the recording that it was compared with; `setting` is the YAML that would
    make that one match, if anything would.
    """

    text: str
    lines: tuple[str, ...]
    nearest: Recording | None = None
    setting: str | None = None


def explain(question: Question, tape: Tape, miss: Miss) -> Explanation:
    """Why there is no recording for `question`. Bounded in time and length."""
    raise NotImplementedError


def drift(live: Canonical, recorded: Canonical, dialect: Dialect) -> tuple[str, ...]:
    """What differs between a request and the recording that answers it, in a few sentences."""
    raise NotImplementedError
