"""A cassette's bytes → its settings and documents, with every mistake placed in the file.

What is not about one exchange is decided here: the encoding, the format's number, a conflict
that git left, the settings document, the torn tail. Reading, recording and checking begin here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from llmreplay.cassettes.document import BrokenDocumentError
from llmreplay.cassettes.mistakes import Mistake, unknown_keys
from llmreplay.cassettes.reading import TEXT, UnreadableError, line_of, read_yaml
from llmreplay.cassettes.splitting import Span, find_conflict, split_documents
from llmreplay.core.canonical import Strictness

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeVar

    from llmreplay.cassettes.reading import Limits

    T = TypeVar("T")

__all__ = ["HEADER", "BrokenFileError", "Contents", "read_contents", "settings_document"]

HEADER: Final = "# llmreplay cassette, format 1\n"
"""The first line of a cassette."""

_FORMAT = re.compile(rb"(?:\xef\xbb\xbf)?# llmreplay cassette, format ([0-9]+)")
_OURS = re.compile(rb"^(?:# llmreplay cassette|(?:exchange|cassette):)", re.MULTILINE)
"""What tells a torn cassette from a file that never was one."""
_NO_CASSETTE: Final = (
    f"no cassette: it does not begin with `{HEADER.strip()}`, and no exchange is in it; take it "
    "out of the folder, or restore it"
)
_MAX_SETTINGS: Final = 4096


class BrokenFileError(ValueError):
    """A file that is no cassette, or one with mistakes. Each has its line, from 1."""

    def __init__(self, mistakes: tuple[tuple[int, str], ...]) -> None:
        super().__init__("; ".join(f"line {line}: {reason}" for line, reason in mistakes))
        self.mistakes = mistakes


@dataclass(frozen=True, slots=True)
class Contents:
    """What stands in a cassette.

    `preamble_end` is where the first exchange's document begins, or would. `torn` is an
    unfinished last document.
    """

    data: bytes
    strictness: Strictness | None
    preamble_end: int
    spans: tuple[Span, ...]
    torn: Span | None

    def document(self, span: Span) -> bytes:
        """The bytes of one document."""
        return self.data[span.start : span.end]

    def each(self, read: Callable[[bytes, Limits], T], limits: Limits) -> list[T]:
        """What `read` makes of each document, in order.

        Raises:
            BrokenFileError: the mistakes of all of them.
        """
        found: list[T] = []
        mistakes: list[tuple[int, str]] = []
        for span in self.spans:
            try:
                found.append(read(self.document(span), limits))
            except BrokenDocumentError as error:
                mistakes += [(span.line + line - 1, reason) for line, reason in error.mistakes]
        if mistakes:
            raise BrokenFileError(tuple(mistakes))
        return found


def read_contents(data: bytes, limits: Limits) -> Contents:
    """The contents of a cassette, exchanges not yet read.

    Raises:
        BrokenFileError: it is none.
    """
    if len(data) > limits.max_file_bytes:
        raise BrokenFileError(((1, f"larger than {limits.max_file_bytes:,} bytes"),))
    mistakes = tuple(_mistakes_of_file(data))
    if mistakes:
        raise BrokenFileError(mistakes)
    spans = split_documents(data)
    documents = spans.documents
    strictness = None
    preamble_end = documents[0].start if documents else len(data)
    if documents and (settings := _settings(data, documents[0], limits)) is not None:
        strictness = _strictness(
            data[documents[0].start : documents[0].end], settings, documents[0]
        )
        preamble_end = documents[0].end
        documents = documents[1:]
    if spans.torn is not None:
        if not documents and not _OURS.search(data):
            raise BrokenFileError(((1, _NO_CASSETTE),))
        preamble_end = min(preamble_end, spans.torn.start)
    return Contents(data, strictness, preamble_end, documents, spans.torn)


def settings_document(strictness: Strictness) -> str:
    """The document that says how a cassette wants to be matched; it comes before all others."""
    return f"---\ncassette: {{match: {strictness.value}}}\n...\n"


def _mistakes_of_file(data: bytes) -> Iterator[tuple[int, str]]:
    try:
        data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        yield line, "not UTF-8; a cassette is text, restore it or record it again"
    if (line_of_conflict := find_conflict(data)) is not None:
        yield line_of_conflict, "a conflict of git stands here unresolved; choose one side"
    if (named := _FORMAT.match(data)) and int(named[1]) != 1:
        yield 1, f"format {int(named[1])} is newer than this llmreplay knows; upgrade llmreplay"


def _settings(data: bytes, span: Span, limits: Limits) -> dict[str, Any] | None:
    """The first document's value, if it is settings and not an exchange."""
    document = data[span.start : span.end]
    if len(document) > _MAX_SETTINGS or b"cassette" not in document:
        return None
    try:
        value = read_yaml(document, TEXT, limits)
    except UnreadableError:
        return None  # reading it as an exchange will say what is wrong
    is_settings = isinstance(value, dict) and "cassette" in value and "exchange" not in value
    return value if is_settings else None


def _strictness(document: bytes, value: dict[str, Any], span: Span) -> Strictness | None:
    settings = value["cassette"]
    mistakes = [*unknown_keys(value, {"cassette"})]
    if isinstance(settings, dict):
        mistakes += [mistake.below("cassette") for mistake in unknown_keys(settings, {"match"})]
    else:
        settings = {}
        mistakes.append(Mistake(("cassette",), "`cassette` is a mapping with `match`"))
    word = settings.get("match")
    if word is not None and word not in list(Strictness):
        words = " or ".join(Strictness)
        mistakes.append(Mistake(("cassette", "match"), f"{word!r} is not {words}"))
    if mistakes:
        first = span.line - 1
        placed = [(first + line_of(document, m.place), m.reason) for m in mistakes]
        raise BrokenFileError(tuple(placed))
    return Strictness(word) if word else None
