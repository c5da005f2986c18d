"""The proof that a cassette gives back what was recorded: `llmreplay check`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmreplay.cassettes.contents import BrokenFileError
from llmreplay.cassettes.document import BrokenDocumentError, dump, read_exchange
from llmreplay.cassettes.library import TORN
from llmreplay.errors import CassetteError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmreplay.cassettes.library import Library
    from llmreplay.cassettes.reading import Limits

__all__ = ["prove"]


def prove(library: Library, name: str) -> tuple[str, ...]:
    """Everything wrong with a cassette, each as `path:line: what, remedy`; empty if it is right.

    It is read, and for each exchange load(dump(x)) == x and dump is the same twice.

    Raises:
        UsageError: there is no such cassette.
    """
    return tuple(_problems(library, name))


def _problems(library: Library, name: str) -> Iterator[str]:
    path = library.path(name)
    try:
        contents = library.contents(name)
    except CassetteError as error:
        yield str(error)
        return
    except BrokenFileError as error:
        yield from (f"{path}:{line}: {reason}" for line, reason in error.mistakes)
        return
    for span in contents.spans:
        for line, reason in _disproofs(contents.document(span), library.limits):
            yield f"{path}:{span.line + line - 1}: {reason}"
    if contents.torn is not None:
        yield f"{path}:{contents.torn.line}: {TORN}"


def _disproofs(document: bytes, limits: Limits) -> Iterator[tuple[int, str]]:
    """What speaks against a document, each with its line in it."""
    try:
        exchange = read_exchange(document, limits)
    except BrokenDocumentError as error:
        yield from error.mistakes
        return
    try:
        written = dump(exchange)
        again = read_exchange(written.encode(), limits)
    except (CassetteError, BrokenDocumentError) as error:
        yield 1, f"written again it cannot be read: {error}; please report this"
        return
    if again != exchange:
        yield 1, "written again it is another exchange; please report this"
    elif dump(again) != written:
        yield 1, "written twice it is not the same text; please report this"
