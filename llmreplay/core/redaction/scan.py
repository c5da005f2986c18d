"""The last look at text that is about to be written: is a secret left in it?

Takes the text as it will be in the file, so also as YAML folds and escapes it. Only what is a
credential wherever it stands counts, because a finding stops the write. Who calls: the cassette
writer, `llmreplay scan`, and the redactor for the values that it knows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from llmreplay.core.redaction.edits import Joined
from llmreplay.core.redaction.finder import Finder, finder_of
from llmreplay.core.redaction.formats import is_plain, kind_of
from llmreplay.core.redaction.spans import Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llmreplay.core.redaction.spans import Wrapped

__all__ = ["Finding", "find_secrets"]

# How a double-quoted YAML scalar goes on in the next line.
_FOLD = re.compile(rb"\\\r?\n[ \t]*\\?")


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A secret at characters `start` to `end`, of the kind that its placeholder would name."""

    start: int
    end: int
    kind: str


def find_secrets(text: str, values: Iterable[bytes] = ()) -> tuple[Finding, ...]:
    """What in `text` is a secret by its form, or is one of `values` in any common spelling."""
    source = text.encode("utf-8", "surrogatepass")
    secrets = sorted({value for value in values if not is_plain(value)})
    finder = finder_of(tuple(secrets), strong_only=True)
    findings = {
        Finding(_characters(source, start), _characters(source, end), kind)
        for start, end, kind in (*_places(finder, source), *_folded_places(finder, source))
    }
    return tuple(sorted(findings))


def _places(finder: Finder, text: bytes) -> Iterator[tuple[int, int, str]]:
    for found in finder.find(text):
        yield found.start, found.end, _kind(finder, found)


def _folded_places(finder: Finder, text: bytes) -> Iterator[tuple[int, int, str]]:
    """The same, read over the folds; what no fold divides is found twice."""
    folds = [fold.span() for fold in _FOLD.finditer(text)]
    if not folds:
        return
    begins = [0, *(end for _, end in folds)]
    ends = [*(start for start, _ in folds), len(text)]
    unfolded = Joined(text, [list(zip(begins, ends, strict=True))])
    for start, end, kind in _places(finder, unfolded.text):
        places = unfolded.places(start, end)
        yield places[0][0], places[-1][1], kind


def _kind(finder: Finder, found: Span | Wrapped) -> str:
    if isinstance(found, Span):
        return kind_of(found.secret)
    # Where base64 was found to hold a secret, there is a search inside base64.
    inner = cast("Finder", finder.inner)
    return _kind(inner, inner.find(found.decoded)[0])


def _characters(text: bytes, end: int) -> int:
    return len(text[:end].decode("utf-8", "surrogatepass"))
