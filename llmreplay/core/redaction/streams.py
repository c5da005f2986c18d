"""Where in a stream's body the texts are that it tells in pieces. Who calls: the redactor."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from llmreplay.core.redaction.leaves import Leaves, Piece
from llmreplay.core.streams import Framing, split

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["leaves_of"]

# A line of data, where a line begins.
_DATA = re.compile(rb"(?<![^\r\n])(?:\xef\xbb\xbf)?data: ?([^\r\n]*)")


def leaves_of(framing: Framing, body: bytes) -> Leaves:
    """The string values of all events in `body`; a payload that is no JSON is one itself."""
    leaves = Leaves()
    at = 0
    for event in split(framing, body):
        end = at + len(event.raw)
        if event.data is not None:
            leaves.add(event.data, event.name, partial(_spans, framing, event.data, body, at, end))
        at = end
    return leaves


def _spans(framing: Framing, payload: bytes, body: bytes, at: int, end: int) -> Iterator[Piece]:
    """Where the payload of the event at `at` to `end` is in `body`, line by line."""
    if framing is Framing.SSE:
        for line in _DATA.finditer(body, at, end):
            yield line.span(1)
    else:
        start = body.find(payload, at, end)
        yield start, start + len(payload)
