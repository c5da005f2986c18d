"""The explanation of a miss, as the person reads it in the exception of an SDK.

Some SDKs cut long messages, and some print them on one line: so what was asked and the first
difference stand at the front, and each line is whole by itself.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from typing import TYPE_CHECKING

from llmreplay.core.canonical import BodyKind, Strictness, canonical
from llmreplay.core.fingerprint import weights
from llmreplay.core.matching import MissReason
from llmreplay.core.mismatch.conversation import turn_number
from llmreplay.core.mismatch.differences import differences, told
from llmreplay.core.mismatch.nearest import candidates, nearest
from llmreplay.core.mismatch.remedy import remedy_for
from llmreplay.core.mismatch.wording import cut
from llmreplay.errors import LlmreplayError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from llmreplay.core.canonical import Canonical, MatchSettings
    from llmreplay.core.dialect import Dialect
    from llmreplay.core.exchange import Request
    from llmreplay.core.matching import Miss
    from llmreplay.core.mismatch.difference import Difference
    from llmreplay.core.mismatch.nearest import Candidates
    from llmreplay.core.tape import Recording, Tape

__all__ = ["Explanation", "Question", "explain"]


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
    session: str = "default"
    cassettes: str = "cassettes/"
    elsewhere: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a request missed. `lines` are those of `text`.

    `nearest` is the recording that it was compared with; `setting` is the YAML that would
    make that one match, if anything would.
    """

    text: str
    nearest: Recording | None = None
    setting: str | None = None

    @property
    def lines(self) -> tuple[str, ...]:
        """The text by lines."""
        return tuple(self.text.split("\n"))


@dataclass(frozen=True, slots=True)
class _Compared:
    """A recording, loaded, and what sets the question apart from it."""

    recording: Recording
    request: Request
    differences: tuple[Difference, ...]

    @property
    def distance(self) -> tuple[int, int]:
        return (
            sum(one.weight for one in self.differences),
            sum(one.size for one in self.differences),
        )


_LOADED = 3
"""Recordings that are loaded and compared: the nearest by their features."""
_LARGE_BYTES = 500_000
"""A body from which on only one recording is: it takes half a second by itself."""
_NAMED = 5
"""Paths or recordings that are named in one sentence."""
_PATHS = 200
"""Recorded paths that are compared with one that is not, and characters of each."""


def explain(question: Question, tape: Tape, miss: Miss) -> Explanation:
    """Why there is no recording for `question`. Bounded in time and length."""
    if miss.reason is MissReason.USED_UP:
        return _used_up(question, miss)
    if not len(tape):
        nothing = f"no recordings are loaded from {question.cassettes}"
        return _missed(question, f"{nothing}; make some with: llmreplay record")
    if question.elsewhere:
        return _elsewhere(question)
    asked, upstream = question.canonical, question.request.upstream
    found = candidates(tape, asked.method, asked.path, upstream, question.dialect)
    best = _nearest(question, found)
    if best is None:
        return _missed(question, _UNREADABLE if found.recordings else _recorded(question, tape))
    if found.other_upstream:
        return _other_upstream(question, best)
    return _differs(question, found, best)


def _used_up(question: Question, miss: Miss) -> Explanation:
    one = len(miss.used) == 1
    recordings = "the only recording" if one else f"all {len(miss.used)} recordings"
    kind = "with this method and path" if miss.by_order else "of this request"
    sources = _some(recording.source for recording in miss.used)
    setting = "after_last: repeat"
    used = f"{recordings} {kind} {'was' if one else 'were'} already replayed"
    lines = (
        f"llmreplay: recordings used up for {_described(question)}",
        f"{used} in session {question.session} ({sources}); after_last is `fail`",
        f"to get the last one again, in llmreplay.yaml: {setting}",
    )
    return Explanation("\n".join(lines), setting=setting)


def _elsewhere(question: Question) -> Explanation:
    return _missed(
        question,
        f"this very request is recorded in {_some(question.elsewhere)}, which session "
        f"{question.session} does not use: it reads {question.cassettes}",
    )


def _other_upstream(question: Question, best: _Compared) -> Explanation:
    """Recorded on this path, but only for other upstreams."""
    theirs, ours = best.recording.upstream, question.request.upstream
    if not best.differences:
        said = f"this very request is recorded for {theirs} ({best.recording.source}), not {ours}"
        return _missed(question, said, nearest=best.recording)
    return _missed(
        question,
        f"nothing is recorded on this path for {ours}; the nearest for another upstream, "
        f"{theirs}, is {best.recording.source}:",
        *_listed(best),
        nearest=best.recording,
    )


def _differs(question: Question, found: Candidates, best: _Compared) -> Explanation:
    """Recorded, but not quite this."""
    setting = remedy_for(
        best.request, question.request, question.dialect, question.settings, best.differences
    )
    by_place = not found.other_model and question.settings.strictness is Strictness.EXACT
    advice: tuple[str, ...] = ()
    if setting is not None:
        advice = (f"to match all the same, in llmreplay.yaml: {setting}",)
    elif any(one.answer_form for one in best.differences):
        advice = (_ANOTHER_FORM,)
    elif by_place:
        advice = (_BY_PLACE,)
    source, many = best.recording.source, len(found.recordings)
    compared = f"the nearest of {many} recordings, {source}" if many > 1 else f"{source}"
    return _missed(
        question,
        *_listed(best),
        f"compared with {compared}",
        *advice,
        nearest=best.recording,
        setting=setting,
    )


_UNREADABLE = "what is recorded on this path has changed since it was loaded; start llmreplay again"
_ANOTHER_FORM = "what is recorded is an answer of another form: record this request as well"
_BY_PLACE = (
    "if the change is meant, record again; to answer by place whatever differs, "
    "in llmreplay.yaml: match: order"
)


def _missed(
    question: Question,
    *lines: str,
    nearest: Recording | None = None,
    setting: str | None = None,
) -> Explanation:
    first = f"llmreplay: no recording for {_described(question)}"
    return Explanation("\n".join((first, *lines)), nearest, setting)


def _described(question: Question) -> str:
    """What was asked: `POST /v1/chat/completions (openai, gpt-4o, turn 3)`."""
    asked, dialect = question.canonical, question.dialect
    turns = dialect.conversation(asked.body) if asked.kind is BodyKind.JSON else ()
    details = (
        question.request.upstream,
        dialect.model(asked.path, asked.body),
        f"turn {turn_number(turns)}" if turns else None,
    )
    told = ", ".join(cut(detail) for detail in details if detail)
    path = cut(question.request.parts.path or "/")
    return f"{asked.method} {path}{f' ({told})' if told else ''}"


def _nearest(question: Question, found: Candidates) -> _Compared | None:
    """The recording with the least difference among the few that share most."""
    dialect, settings = question.dialect, question.settings
    compared: list[_Compared] = []
    limit = _LOADED if len(question.request.body) < _LARGE_BYTES else 1
    for recording in nearest(found.recordings, weights(question.canonical, dialect), limit):
        try:
            request = recording.load().request
        except LlmreplayError:
            # A file that changed under us is told of where it is loaded to be replayed.
            continue
        recorded = canonical(request, dialect, settings)
        apart = differences(recorded, question.canonical, dialect)
        compared.append(_Compared(recording, request, apart))
    return min(compared, key=lambda one: one.distance, default=None)


def _listed(best: _Compared) -> list[str]:
    """The differences, one a line."""
    sentences = told(best.differences) or ("nothing that shows in its canonical form differs",)
    return [f"- {sentence}" for sentence in sentences]


def _recorded(question: Question, tape: Tape) -> str:
    """What there is where nothing is near: other paths of this upstream, or other upstreams."""
    upstream = question.request.upstream
    ours = [one for one in tape if upstream is None or one.upstream in {None, upstream}]
    if not ours:
        others = sorted({one.upstream for one in tape if one.upstream is not None})
        return f"nothing is recorded for {upstream}; recorded is {_some(others)}"
    counts = Counter((one.path, one.method) for one in ours)
    known = dict.fromkeys(path for path, _ in counts)
    routes = [
        f"{method} {cut(near)} ({count})"
        for near in _most_alike(question.canonical.path, known)
        for (path, method), count in counts.items()
        if path == near
    ]
    with_method = f" with {question.canonical.method}" if question.canonical.path in known else ""
    whose = f" for {upstream}" if upstream is not None else ""
    return f"nothing is recorded on this path{with_method}{whose}; recorded is {_some(routes)}"


def _most_alike(path: str, known: Collection[str]) -> list[str]:
    """A few of the `known` paths, `path` itself first; bounded, for paths may be many and long."""
    first = [path] if path in known else []
    by_beginning = {one[:_PATHS]: one for one in (*first, *islice(known, _PATHS))}
    alike = get_close_matches(path[:_PATHS], by_beginning, n=_NAMED, cutoff=0)
    return [by_beginning[one] for one in alike]


def _some(items: Iterable[str]) -> str:
    names = list(items)
    more = len(names) - _NAMED
    listed = ", ".join(cut(name) for name in names[:_NAMED])
    return f"{listed} and {more} more" if more > 0 else listed
