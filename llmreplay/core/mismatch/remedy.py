"""The remedy: the setting under which a request would match a recording, if there is one.

Nothing is proposed that was not tried: both requests are put into canonical form under the
new settings, and their fingerprints must be equal.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

import orjson

from llmreplay.core.canonical import PRESETS, canonical
from llmreplay.core.fingerprint import fingerprint
from llmreplay.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from llmreplay.core.canonical import MatchSettings
    from llmreplay.core.dialect import Dialect
    from llmreplay.core.exchange import Request
    from llmreplay.core.mismatch.difference import Difference

__all__ = ["remedy_for"]


@dataclass(frozen=True, slots=True)
class Shape:
    """A kind of word that is new in each run, and what to put in its place."""

    pattern: str
    placeholder: str

    def tells_apart(self, recorded: str, asked: str) -> bool:
        """Whether both texts have such words, and not the same ones."""
        ours, theirs = (re.findall(self.pattern, text) for text in (recorded, asked))
        return bool(ours and theirs) and ours != theirs


_MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
_SHAPES = (
    Shape(r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b", "UUID"),
    # A date within a time stamp is no date of its own: the longer pattern stands first.
    Shape(r"\b\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}[\d:.]*(?:Z|[+-]\d{2}:?\d{2})?", "TIME"),
    Shape(r"\b\d{4}-\d{2}-\d{2}\b", "DATE"),
    Shape(rf"\b{_MONTH} \d{{1,2}},? \d{{4}}\b", "DATE"),
    Shape(r"\b\d{1,2}:\d{2}(?::\d{2})?\b", "TIME"),
    Shape(r"\b1[5-9]\d{8}(?:\d{3})?(?:\.\d+)?\b", "TIME"),
    Shape(r"(?:/private)?/(?:tmp|var/folders)/[\w./-]+", "TEMPORARY"),
    Shape(r"/(?:home|Users)/[\w.-]+", "HOME"),
    Shape(r"\b[0-9a-f]{16,64}\b", "HEX"),
)

_THE_QUESTION = re.compile(
    r"\$(?:\.(?:contents?|documents?|inputs?|messages?|prompts?|query|texts?)\b|$)"
)
"""What a request is about. Left out, any question would get the same answer."""


_TRIED_BYTES = 8_000_000
"""Bytes of requests that are put into other forms; of very large ones, only two are tried."""
_LONGEST = 800
"""Characters of a setting that anybody would take over."""


def remedy_for(
    recorded: Request,
    asked: Request,
    dialect: Dialect,
    settings: MatchSettings,
    found: Sequence[Difference],
) -> str | None:
    """The line of YAML under which both requests have one fingerprint, or None."""
    most = max(2, _TRIED_BYTES // (len(recorded.body) + len(asked.body) + 1))
    for tried in islice(dict.fromkeys(_proposals(settings, found)), most):
        if tried == settings:
            continue
        try:
            ours, theirs = (
                fingerprint(canonical(request, dialect, tried)) for request in (recorded, asked)
            )
        except UsageError:
            # A field's name that no JSONPath can spell, half an emoji say.
            continue
        if ours == theirs:
            line = _yaml(settings, tried)
            return line if len(line) <= _LONGEST else None
    return None


def _proposals(settings: MatchSettings, found: Sequence[Difference]) -> Iterator[MatchSettings]:
    """What might help, the narrowest first: a pattern, fields left out, an agent's preset."""
    patterns = {one: _patterns_for(one) for one in found}
    if all(one.ignore or patterns[one] for one in found):
        rest = _with(settings, ignore=[one for one in found if not patterns[one]])
        added = dict.fromkeys(pair for several in patterns.values() for pair in several)
        yield replace(rest, replace=(*rest.replace, *added))
    fields = _with(settings, ignore=found)
    yield fields
    if all(_may_be_ignored(one) for one in found):
        return
    for name in PRESETS:
        if name not in settings.presets:
            yield replace(settings, presets=(*settings.presets, name))
            yield replace(fields, presets=(*settings.presets, name))


def _patterns_for(difference: Difference) -> list[tuple[str, str]]:
    """What might be replaced for both sides to be the same, each with its placeholder."""
    if difference.names is not None:
        # The longer first: the shorter may be its beginning.
        longer_first = sorted(difference.names, key=len, reverse=True)
        return [("|".join(map(_literally, longer_first)), "MODEL")]
    if difference.texts is None:
        return []
    return [
        (shape.pattern, shape.placeholder)
        for shape in _SHAPES
        if shape.tells_apart(*difference.texts)
    ]


def _literally(name: str) -> str:
    """The pattern of a name, with no more backslashes than it needs."""
    return re.sub(r"[^\w:/-]", r"\\\g<0>", name)


def _may_be_ignored(difference: Difference) -> bool:
    return difference.ignore is not None and not _THE_QUESTION.match(difference.ignore)


def _with(settings: MatchSettings, ignore: Sequence[Difference]) -> MatchSettings:
    paths = [one.ignore for one in ignore if one.ignore is not None and _may_be_ignored(one)]
    return replace(settings, ignore=tuple(dict.fromkeys((*settings.ignore, *paths))))


def _yaml(before: MatchSettings, after: MatchSettings) -> str:
    """What `after` changes, as it stands in the settings file. JSON is YAML, and on one line."""
    told: list[str] = []
    if after.ignore != before.ignore:
        told.append(f"ignore: {_list(after.ignore)}")
    if after.replace != before.replace:
        pairs = ", ".join(f"{_text(one)}: {_text(other)}" for one, other in after.replace)
        told.append(f"replace: {{{pairs}}}")
    if after.presets != before.presets:
        told.append(f"presets: {_list(after.presets)}")
    return f"match: {{{', '.join(told)}}}"


def _list(items: tuple[str, ...]) -> str:
    return f"[{', '.join(map(_text, items))}]"


def _text(text: str) -> str:
    return orjson.dumps(text).decode()
