"""What a test is to run with: its markers, the command line and the ini file → one `Choice`.

Pure decisions over words; what the words do is the running's to know. Every mistake in a marker
is a sentence for a person, and fails the test that bears it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from llmreplay.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["MODES", "UNUSED", "Choice", "Defaults", "Mark", "choose"]

MODES: Final = {
    "replay": "answer from the cassette only; a request without a recording fails the test",
    "auto": "answer what is recorded, record what is not",
    "record": "record everything anew",
    "once": "record where there is no cassette, else replay",
    "off": "ask the providers, and store nothing",
}
"""Word → what it does, for --help."""

UNUSED: Final = ("report", "fail", "ignore")
"""What becomes of recordings that the test did not ask for."""

_ONE_RULE: Final = ("fault", "match", "when")
_SETTINGS: Final = ("overlays", "seed", "timing", "after_last")
_ARGUMENTS: Final = ("mode", "unused", "cassettes", "rules", *_ONE_RULE, *_SETTINGS)


@dataclass(frozen=True, slots=True)
class Mark:
    """One `@pytest.mark.llmreplay(...)`, as it is written."""

    args: tuple[object, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Defaults:
    """What is said for all tests: on the command line, and in the ini file. None is not said."""

    mode: str | None = None
    unused: str | None = None
    ini_mode: str = "replay"
    ini_unused: str = "report"


@dataclass(frozen=True, slots=True)
class Choice:
    """What one test is to run with.

    `cassettes` are names or globs below the cassettes folder; empty is the test's own one, and
    the first is the one that is recorded into. `rules` are as an overlay file has them. In
    `settings` is what the markers say besides: seed, timing, after_last, and whether the run's
    overlays hold.
    """

    mode: str = "replay"
    unused: str = "report"
    cassettes: tuple[str, ...] = ()
    rules: tuple[Mapping[str, Any], ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)


def choose(marks: Sequence[Mark], defaults: Defaults) -> Choice:
    """The choice for a test with these markers, the nearest to its function first.

    The command line wins over markers, and those over the ini file; of two markers, the nearer
    one. Rules of all markers hold, those of the nearest first. A test that is marked to replay is
    never recorded, whatever the command line says: its cassette may have been written by hand.
    Cassettes that are named may be several tests', so what one leaves unused of them counts only
    where a marker says so.

    Raises:
        UsageError: what is wrong in them.
    """
    for mark in marks:
        _check(mark)
    marked = _nearest(marks, "mode")
    named = next((found for mark in marks if (found := _cassettes(mark))), ())
    marked_unused = _nearest(marks, "unused")
    unused = "ignore" if named else defaults.ini_unused
    return Choice(
        mode="replay" if marked == "replay" else defaults.mode or marked or defaults.ini_mode,
        unused=(not named and defaults.unused) or marked_unused or unused,
        cassettes=named,
        rules=tuple(rule for mark in marks for rule in _rules(mark)),
        settings={
            name: value for name in _SETTINGS if (value := _nearest(marks, name)) is not None
        },
    )


def _check(mark: Mark) -> None:
    for name in mark.kwargs:
        if name not in _ARGUMENTS:
            raise UsageError(f"there is no {name}={_hint(name, _ARGUMENTS)}")
    for name, words in (("mode", tuple(MODES)), ("unused", UNUSED)):
        word = mark.kwargs.get(name)
        if word is not None and word not in words:
            raise UsageError(f'there is no {name}="{word}"{_hint(str(word), words)}')
    if mark.args and "cassettes" in mark.kwargs:
        raise UsageError("cassettes are named either first or by cassettes=, not both")
    lost = [
        name for name in ("match", "when") if name in mark.kwargs and not mark.kwargs.get("fault")
    ]
    if lost:
        raise UsageError(f"{lost[0]}= goes with fault=: write fault= as well, or rules=[…]")


def _nearest(marks: Sequence[Mark], name: str) -> Any:  # noqa: ANN401  # each argument has its own type
    return next((mark.kwargs[name] for mark in marks if mark.kwargs.get(name) is not None), None)


def _cassettes(mark: Mark) -> tuple[str, ...]:
    """One name, or several."""
    given = mark.args or mark.kwargs.get("cassettes")
    if given is None:
        return ()
    several = (given,) if isinstance(given, str) else given
    if not isinstance(several, Sequence) or not all(isinstance(one, str) for one in several):
        raise UsageError(f"cassettes takes one name or a list of them, and got {given!r}")
    return tuple(several)


def _rules(mark: Mark) -> Iterable[Mapping[str, Any]]:
    """Its rules: the one that is written flat, then the list."""
    if mark.kwargs.get("fault") is not None:
        yield {name: mark.kwargs[name] for name in _ONE_RULE if name in mark.kwargs}
    listed = mark.kwargs.get("rules") or ()
    if not isinstance(listed, Sequence) or not all(isinstance(one, Mapping) for one in listed):
        raise UsageError('rules takes a list of mappings, as rules=[{"fault": "rate_limit"}]')
    yield from listed


def _hint(word: str, words: Sequence[str]) -> str:
    close = get_close_matches(word, words, n=1)
    return f'; did you mean "{close[0]}"?' if close else f", known are {', '.join(words)}"
