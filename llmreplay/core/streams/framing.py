"""Which framing a body has, and the parser for it.

The content type is asked first and the first bytes have the last word, because in recorded
traffic labels are missing or wrong. Who calls: recording (to cut what arrives), the cassette
reader and redaction.
"""

from __future__ import annotations

import re
from enum import StrEnum

from llmreplay.core.exchange import Headers, header
from llmreplay.core.streams.event import Event, Parser
from llmreplay.core.streams.event_stream import EventStreamParser, begins_frame
from llmreplay.core.streams.json_array import JsonArrayParser
from llmreplay.core.streams.ndjson import NdjsonParser
from llmreplay.core.streams.sse import BOM, SseParser

__all__ = ["Framing", "framing_of", "parser_for", "split"]


class Framing(StrEnum):
    """How a body falls into events."""

    NONE = "none"
    """It does not: the body is one piece."""
    SSE = "sse"
    NDJSON = "ndjson"
    JSON_ARRAY = "json_array"
    EVENT_STREAM = "event_stream"


_NDJSON_TYPES = frozenset(
    {
        "application/x-ndjson",
        "application/ndjson",
        "application/jsonl",
        "application/x-jsonl",
        "application/jsonlines",
        "application/x-jsonlines",
        "application/json-lines",
        "application/stream+json",  # Cohere v1
        "application/x-json-stream",
    }
)
_MEDIA = ("image/", "audio/", "video/", "multipart/", "application/pdf", "application/zip")

# Looks like server-sent events: comments, then a field. `data:` alone would also be a data URI.
_SSE_START = re.compile(
    rb"[\r\n]*(?::[^\r\n]*[\r\n]|(?:data: |data:[{\[\r\n]|event: ?[\w.-]+[\r\n]|(?:id|retry): ?\w))"
)
# Two lines that begin an object each; indented JSON does not begin its second line so.
_NDJSON_START = re.compile(rb"\s*\{[^\r\n]*\}[ \t]*\r?\n\{")
_JSON_START = re.compile(rb"\s*[{\[]")
_ARRAY_START = re.compile(rb"\s*\[")


class _Whole:
    """The parser for a body that is no stream: all of it, once, at the end."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def feed(self, data: bytes) -> list[Event]:
        self._pending += data
        return []

    def finish(self) -> list[Event]:
        body = bytes(self._pending)
        self._pending.clear()
        return [Event(body, body)] if body else []


_PARSERS: dict[Framing, type[Parser]] = {
    Framing.NONE: _Whole,
    Framing.SSE: SseParser,
    Framing.NDJSON: NdjsonParser,
    Framing.JSON_ARRAY: JsonArrayParser,
    Framing.EVENT_STREAM: EventStreamParser,
}


def parser_for(framing: Framing) -> Parser:
    """A new parser for one body."""
    return _PARSERS[framing]()


def split(framing: Framing, body: bytes) -> tuple[Event, ...]:
    """All events of a whole body; their `raw` joined is `body`."""
    parser = parser_for(framing)
    return (*parser.feed(body), *parser.finish())


def framing_of(headers: Headers, body_start: bytes, *, length_known: bool) -> Framing:
    """The framing of a response from its headers and the decoded bytes it begins with.

    `body_start` may be empty, then the content type decides alone; the more of the first event
    it holds, the surer the answer where the label is missing or wrong. `length_known` says
    that the upstream sent a content length: then a JSON array is an answer, not a stream.
    """
    media_type = (header(headers, "content-type") or "").partition(";")[0].strip().lower()
    if media_type.startswith(_MEDIA):
        return Framing.NONE
    start = body_start.removeprefix(BOM)
    return _by_bytes(media_type, start) or _by_label(media_type, start, length_known=length_known)


def _by_bytes(media_type: str, start: bytes) -> Framing | None:
    if begins_frame(start):
        return Framing.EVENT_STREAM
    if media_type not in _NDJSON_TYPES and _SSE_START.match(start):
        return Framing.SSE
    if _NDJSON_START.match(start):
        return Framing.NDJSON
    return None


def _by_label(media_type: str, start: bytes, *, length_known: bool) -> Framing:
    is_json = _JSON_START.match(start) is not None
    if media_type == "text/event-stream":
        return Framing.NONE if is_json else Framing.SSE
    if media_type == "application/vnd.amazon.eventstream":
        return Framing.NONE if is_json else Framing.EVENT_STREAM
    if media_type in _NDJSON_TYPES:
        return Framing.NDJSON
    if media_type == "application/json" and not length_known and _ARRAY_START.match(start):
        return Framing.JSON_ARRAY
    return Framing.NONE
