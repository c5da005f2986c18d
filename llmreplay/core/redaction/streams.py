"""Where in a stream's body the texts are that it tells in pieces. Who calls: the redactor."""

from __future__ import annotations

import re

from llmreplay.core.redaction.leaves import Leaves
from llmreplay.core.streams import Event, Framing, split

__all__ = ["leaves_of"]

# A line of data, where a line begins.
_DATA = re.compile(rb"(?<![^\r\n])(?:\xef\xbb\xbf)?data: ?([^\r\n]*)")
_JSON = (b"{", b"[", b'"')


def leaves_of(framing: Framing, body: bytes) -> Leaves:
    """The string values of all events in `body`; a payload that is no JSON is one itself."""
    leaves = Leaves()
    at = 0
    for event in split(framing, body):
        if event.data is not None:
            spans = _spans(framing, event, body, at)
            name = event.name.encode()
            if event.data.lstrip().startswith(_JSON):
                leaves.add_json(body, spans, name)
            else:
                for span in spans:
                    leaves.add_text(span, name)
        at += len(event.raw)
    return leaves


def _spans(framing: Framing, event: Event, body: bytes, at: int) -> list[tuple[int, int]]:
    """Where the event's payload is in `body`, the event beginning `at`."""
    end = at + len(event.raw)
    if framing is Framing.SSE:
        return [line.span(1) for line in _DATA.finditer(body, at, end)]
    payload = event.data or b""
    start = body.find(payload, at, end)
    return [(start, start + len(payload))]
