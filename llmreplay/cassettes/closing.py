"""What a cassette becomes when its takes are closed: bytes to bytes, no file touched.

What stays as it was keeps every byte, comments, too; what a take brought is written anew under
the number that `superseding` gave it. `take` puts the result in the cassette's place.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from llmreplay.cassettes.document import dump, read_exchange, read_head
from llmreplay.cassettes.superseding import Entry, Outcome, Stay, supersede

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmreplay.cassettes.contents import Contents
    from llmreplay.cassettes.document import Head
    from llmreplay.cassettes.library import Index
    from llmreplay.cassettes.reading import Limits
    from llmreplay.core.exchange import Exchange
    from llmreplay.core.tape import Indexed

__all__ = ["closed", "entries_of"]

_ENDED = re.compile(rb"^\.\.\.[^\n]*\Z", re.MULTILINE)


def closed(
    contents: Contents, index: Index, limits: Limits, *, keep_errors: bool, fresh: bool
) -> tuple[bytes, Outcome]:
    """The bytes of the cassette with all its takes closed, and what became of its exchanges.

    Raises:
        BrokenFileError: it has mistakes.
    """
    heads = contents.each(read_head, limits)
    entries = entries_of(heads, [index(head.request, head.base_path) for head in heads])

    def same(old: Entry, new: Entry) -> bool:
        return _unstamped(contents, old, limits) == _unstamped(contents, new, limits)

    outcome = supersede(entries, same=same, keep_errors=keep_errors, fresh=fresh)
    return _joined(contents, entries, outcome.stays, limits), outcome


def entries_of(heads: Sequence[Head], found: Sequence[Indexed]) -> list[Entry]:
    """What `supersede` needs to know of exchanges, given in the order of their file."""
    return [
        Entry(position, head.number, indexed.fingerprint, head.status, head.open_take)
        for position, (head, indexed) in enumerate(zip(heads, found, strict=True))
    ]


def _joined(
    contents: Contents, entries: Sequence[Entry], stays: Sequence[Stay], limits: Limits
) -> bytes:
    """The cassette with what stays: as it was, but for what the take brought."""
    data = contents.data
    # Comments above an exchange belong to its place, and outlast what stood there. Those above
    # what was appended were the last lines of the file, and are so again.
    above: dict[int, bytes] = {}
    last_lines: list[bytes] = []
    for entry, span in zip(entries, contents.spans, strict=True):
        comments = data[max(span.lead, contents.preamble_end) : span.start]
        if entry.take is None:
            above[entry.number] = comments
        else:
            last_lines.append(comments)
    last_lines.append(data[contents.spans[-1].end if contents.spans else contents.preamble_end :])
    pieces = [data[: contents.preamble_end]]
    for stay in stays:
        document = contents.document(contents.spans[stay.entry.position])
        if stay.entry.take is not None:
            exchange = read_exchange(document, limits)
            document = dump(replace(exchange, number=stay.number)).encode()
        pieces += [above.get(stay.number, b""), _ended(document)]
    return b"".join([*pieces, *last_lines])


def _ended(document: bytes) -> bytes:
    """`document` with its end: one that `---` ended may come to be the last."""
    if _ENDED.search(document.rstrip()):
        return document if document.endswith(b"\n") else document + b"\n"
    return document + b"...\n"


def _unstamped(contents: Contents, entry: Entry, limits: Limits) -> Exchange:
    """An exchange less what is different each time it is recorded."""
    exchange = read_exchange(contents.document(contents.spans[entry.position]), limits)
    chunks = tuple(replace(chunk, wait_ms=0) for chunk in exchange.response.chunks)
    response = replace(exchange.response, chunks=chunks)
    return replace(exchange, number=0, recorded=None, response=response)
