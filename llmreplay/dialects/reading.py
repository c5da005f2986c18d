"""Reads what providers and clients sent, without ever raising.

Bodies come from the network: any field may be missing, null or of the wrong type, and a stream
may be cut anywhere. Every dialect reads through these few functions, so that a wrong value
reads as an empty one. What a field means is the dialects' knowledge, none of it is here.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import orjson

from llmreplay.core.dialect import Json, Part, PartKind, Reply
from llmreplay.core.exchange import Response, header
from llmreplay.core.streams import Framing, framing_of, split

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "Document",
    "compact",
    "data_url",
    "decoded",
    "depth_within",
    "documents",
    "entries",
    "error_text",
    "failed",
    "fields",
    "media",
    "named_results",
    "number",
    "same",
    "shortened",
    "size",
    "undecoded",
    "words",
]

_FIRST_ERROR_STATUS = 400
_HEAD_BYTES = 4096  # enough for `framing_of` to see the first event of any known provider
_SHOWN_CHARACTERS = 400
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")
_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+)?(?:;[\w=.-]+)*,", re.ASCII)
_KINDS = {"image": PartKind.IMAGE, "audio": PartKind.AUDIO}


@dataclass(frozen=True, slots=True)
class Document:
    """One decoded JSON value of a body; `name` is the event's type where the stream has one."""

    value: Json
    name: str = ""


def fields(value: Json) -> dict[str, Json]:
    """`value` if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def entries(value: Json) -> list[Json]:
    """`value` if it is an array, else an empty one."""
    return value if isinstance(value, list) else []


def words(value: Json) -> str:
    """`value` if it is a string, else an empty one."""
    return value if isinstance(value, str) else ""


def number(value: Json) -> int | None:
    """`value` if it is a whole number (and no boolean), else None."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def decoded(data: bytes | str) -> Json:
    """The JSON value that `data` spells, or None."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return None


def compact(value: Json) -> str:
    """`value` as a person reads it: a string as it is, anything else as JSON on one line."""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return "(too deep)"


def depth_within(value: Json, most: int) -> bool:
    """Whether `value` has at most so many levels of arrays and objects."""
    level = [value]
    for _ in range(most):
        level = [
            child
            for node in level
            for child in (*fields(node).values(), *entries(node))
            if isinstance(child, dict | list)
        ]
        if not level:
            return True
    return False


def shortened(text: str) -> str:
    """As much of `text` as fits where only its kind is of interest."""
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"


def same(value: Json, other: Json) -> bool:
    """Equal and of one type: in JSON, `true` is not 1."""
    return type(value) is type(other) and bool(value == other)


def documents(response: Response) -> tuple[Document, ...]:
    """The JSON values of a response: its events if it is a stream, else the one of its body.

    What is no JSON (`[DONE]`, audio, a broken event) is left out; an array of objects reads as
    the objects, for that is how Gemini streams.
    """
    body = response.body
    # `length_known` keeps an array in one piece: read whole, it need not be well cut.
    framing = framing_of(response.headers, body[:_HEAD_BYTES], length_known=True)
    read = [
        Document(value, event.name)
        for event in split(framing, body)
        if event.data is not None and (value := decoded(event.data)) is not None
    ]
    if not read and framing is not Framing.NONE and (value := decoded(body)) is not None:
        read = [Document(value)]  # labelled as a stream, but one JSON document: an error
    if len(read) == 1 and isinstance(array := read[0].value, list):
        objects = [Document(value) for value in array if isinstance(value, dict)]
        return tuple(objects or read)
    return tuple(read)


def failed(response: Response) -> bool:
    """Whether the status tells of an error."""
    return response.status >= _FIRST_ERROR_STATUS


def undecoded(response: Response) -> Reply:
    """What a body says that is no JSON: its text, or what kind of file and how large."""
    body = response.body
    if not body:
        return Reply()
    media_type = (header(response.headers, "content-type") or "").partition(";")[0].strip()
    family = media_type.partition("/")[0].lower()
    text = "" if family in {"image", "audio", "video"} else _readable(body)
    if failed(response):
        return Reply(error=text or size(len(body)))
    return Reply((Part(PartKind.TEXT, text) if text else _file(media_type, size(len(body))),))


def media(media_type: str, base64_text: Json, *, place: Json = None) -> Part:
    """A picture, sound or file in a few words: `image/png, 34 kB`, or its type and `place`.

    `base64_text` is its content; without one `place` (a URL, a file id) tells which it is.
    """
    content = words(base64_text)
    padding = len(content) - len(content.rstrip("="))
    return _file(media_type, size(len(content) * 3 // 4 - padding) if content else words(place))


def data_url(url: Json, media_type: str) -> Part:
    """A picture or file given by URL; a `data:` URL is told by its type and size."""
    text = words(url)
    inline = _DATA_URL.match(text)
    if inline is None:
        return media(media_type, None, place=text)
    return media(inline[1] or media_type, text[inline.end() :])


def size(byte_count: int) -> str:
    """A number of bytes for people: `512 B`, `34 kB`, `1.2 MB`."""
    if byte_count < 1000:  # noqa: PLR2004  # where the next unit begins, as below
        return f"{byte_count} B"
    if byte_count < 1_000_000:  # noqa: PLR2004  # the same
        return f"{round(byte_count / 1000)} kB"
    return f"{byte_count / 1_000_000:.1f} MB"


def error_text(value: Json, *, expected: bool) -> str | None:
    """The error that `value` tells of, as `code: message`, or None if it tells of none.

    One is `expected` where the status or the event's type tells of it already; then a bare
    `message`, `detail` or string is the error as well.
    """
    if isinstance(value, str):
        return value if expected else None
    said = fields(value)
    error = said.get("error") or said.get("errors")
    if isinstance(error, dict) and "data" in error:  # {"errors": {"data": […]}}: OpenAI's batches
        error = error["data"]
    if not error and expected:
        error = said.get("detail") or said
    if isinstance(error, list):
        error = next(iter(error), None)
    return _spoken(error) if error else None


def named_results(parts: Iterable[Part], name: str | None) -> tuple[Part, ...]:
    """`parts` of a tool's answer as results of the tool `name`; files stay files."""
    return tuple(
        replace(part, kind=PartKind.TOOL_RESULT, name=name) if part.kind is PartKind.TEXT else part
        for part in parts
    )


def _readable(body: bytes) -> str:
    """The text that `body` is, or an empty one if it is none (protobuf can look like UTF-8)."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return ""
    return "" if _CONTROL.search(text) else text


def _spoken(error: Json) -> str:
    """An error object in one line: its code or type, if that is a word, and its message."""
    said = fields(error)
    message = next(
        (said[key] for key in ("message", "Message", "msg", "detail", "error") if said.get(key)),
        None,
    )
    if message is None:
        return compact(error)
    codes = (words(said.get(key)) for key in ("code", "type", "status"))
    code = next((code for code in codes if code not in {"", "error"}), None)
    return f"{code}: {compact(message)}" if code else compact(message)


def _file(media_type: str, more: str) -> Part:
    kind = _KINDS.get(media_type.partition("/")[0].lower(), PartKind.FILE)
    return Part(kind, ", ".join(text for text in (media_type, more) if text))
