"""A session's settings as they are written in JSON → a `Setup`, and back.

All mistakes at once, each with its field and the nearest valid word.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from llmreplay.control.answers import Mistake, ProblemError
from llmreplay.control.schemas import MODES
from llmreplay.core.canonical import Strictness
from llmreplay.core.faults.reading import read_rules
from llmreplay.core.matching import AfterLast
from llmreplay.core.policy import Mode
from llmreplay.core.timing import INSTANT, parse_timing
from llmreplay.session import Setup

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmreplay.core.dialect import Json
    from llmreplay.core.faults import Rule

__all__ = ["mode_word", "read_rule_list", "read_setup", "setup_shown"]

_MODES: Final = MappingProxyType({
    "replay": Mode.REPLAY,
    "auto": Mode.NEW,
    "record": Mode.ALL,
    "forward": Mode.FORWARD,
    "off": Mode.OFF,
})  # fmt: skip
_MOST_SEED: Final = 2**63
_MOST_CASSETTES: Final = 1_000
_CASSETTE: Final = re.compile(
    r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}(?:/[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}){0,15}"
)
_GLOB: Final = re.compile(r"[A-Za-z0-9_*-][A-Za-z0-9._*-]*(?:/[A-Za-z0-9_*-][A-Za-z0-9._*-]*)*")
_NAME_FORM: Final = "letters, digits, '.', '_' and '-', in parts divided by '/', with no dot first"


def read_setup(written: Json) -> Setup:
    """The settings that are given; the others are the run's. Raises `ProblemError`."""
    if not isinstance(written, dict):
        raise ProblemError(422, "settings of a session are an object")
    mistakes: list[Mistake] = []
    read: dict[str, Json] = {}
    for name, value in written.items():
        reader = _READERS.get(name)
        if reader is None:
            mistakes.append(Mistake(name, f"there is no such setting{_near(name, _READERS)}"))
            continue
        try:
            read[name] = reader(value)
        except ValueError as error:
            mistakes.append(Mistake(name, str(error)))
        except ProblemError as error:
            mistakes += error.mistakes
    if mistakes:
        raise _refused(mistakes)
    mode = read.pop("mode", None)
    strictness = read.pop("match", None)
    once = mode == "once"
    return Setup(mode=_MODES.get(mode), once=once, strictness=strictness, **read)


def setup_shown(setup: Setup) -> dict[str, Json]:
    """The settings as JSON; rules by their names."""
    return {
        "mode": mode_word(setup.mode or Mode.REPLAY),
        "cassettes": setup.cassettes,
        "record_into": setup.record_into,
        "rules": [rule.name for rule in setup.rules],
        "overlays": setup.overlays,
        "seed": setup.seed or 0,
        "timing": str(setup.timing or INSTANT),
        "after_last": setup.after_last or AfterLast.REPEAT,
        "match": setup.strictness or Strictness.EXACT,
    }


def mode_word(mode: Mode) -> str:
    """What a mode is called here."""
    return next(word for word, known in _MODES.items() if known is mode)


def read_rule_list(written: Json, source: str = "") -> tuple[Rule, ...]:
    """`{"seed": …, "rules": […]}` → rules. Raises `ProblemError` for mistakes."""
    read = read_rules(written, source)
    if read.mistakes:
        raise _refused([Mistake(mistake.field, mistake.what) for mistake in read.mistakes])
    return read.rules


def _refused(mistakes: list[Mistake]) -> ProblemError:
    told = "; ".join(f"{one.field}: {one.what}" if one.field else one.what for one in mistakes)
    return ProblemError(422, told, mistakes)


def _mode(value: Json) -> str:
    if value not in MODES:
        raise ValueError(f"a mode is one of {', '.join(MODES)}{_near(value, MODES)}")
    return str(value)


def _cassettes(value: Json) -> tuple[str, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) > _MOST_CASSETTES:
        raise ValueError(f"this is a list of up to {_MOST_CASSETTES:,} names")
    if not all(isinstance(one, str) and _GLOB.fullmatch(one) for one in value):
        raise ValueError(f"a cassette's name is {_NAME_FORM}, and * for any text")
    return tuple(value)


def _record_into(value: Json) -> str | None:
    if value is not None and not (isinstance(value, str) and _CASSETTE.fullmatch(value)):
        raise ValueError(f"a cassette's name is {_NAME_FORM}")
    return value


def _rules(value: Json) -> tuple[Rule, ...]:
    return read_rule_list({"rules": value})


def _flag(value: Json) -> bool:
    if not isinstance(value, bool):
        raise ValueError("this is true or false")  # noqa: TRY004  # of a request, not of our code
    return value


def _seed(value: Json) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= _MOST_SEED:
        raise ValueError("a seed is a whole number")
    return value


def _timing(value: Json) -> Json:
    if not isinstance(value, str):
        raise ValueError("a timing is a text, as in recorded*0.1")  # noqa: TRY004  # as above
    return parse_timing(value)


def _word(words: type[AfterLast | Strictness]) -> Callable[[Json], Json]:
    known = [str(word) for word in words]

    def read(value: Json) -> Json:
        if value not in known:
            raise ValueError(f"this is one of {', '.join(known)}{_near(value, known)}")
        return words(value)

    return read


_READERS: Final[dict[str, Callable[[Json], Json]]] = {
    "mode": _mode,
    "cassettes": _cassettes,
    "record_into": _record_into,
    "rules": _rules,
    "overlays": _flag,
    "seed": _seed,
    "timing": _timing,
    "after_last": _word(AfterLast),
    "match": _word(Strictness),
}


def _near(word: Json, words: object) -> str:
    found = get_close_matches(word, [*words], 1) if isinstance(word, str) else []  # type: ignore[misc]
    return f'; did you mean "{found[0]}"?' if found else ""
