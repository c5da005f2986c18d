"""Bodies ⇄ the one key under which a cassette holds them: `json`, `sse` and so on.

It decides the form: the most readable one that gives back every byte, else a more literal one,
base64 in the end. Each is proved by rendering it, or exact by construction. `document` asks for
forms when it writes and for bytes when it reads; multipart parts and frames hold bodies, too.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import parse_qsl, urlencode

from llmreplay.cassettes.frames import frame_headers, split_frames, stored_frame_headers
from llmreplay.cassettes.headers import headers_of, stored_headers
from llmreplay.cassettes.json_layout import COMPACT, LAYOUTS, Layout, find_layout, parse_json
from llmreplay.cassettes.mistakes import Mistake, unknown_keys
from llmreplay.cassettes.multipart import Part, boundary_of, join_parts, split_parts
from llmreplay.cassettes.writing import Row
from llmreplay.core.exchange import header
from llmreplay.core.streams import Framing
from llmreplay.core.streams.event_stream import Frame, encode_frame

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from llmreplay.core.exchange import Headers

__all__ = ["BODY_KEYS", "Form", "body_of", "check_body", "forms"]

Form: TypeAlias = "dict[str, Any]"
"""Keys and values that stand for a body in its mapping; the last key names the form."""

# Nobody reviews a body of this many values one by one, and reading costs 1 µs for each. Few
# values have commas (or ampersands) in them, so these are counted, which costs next to nothing.
_MAX_VALUES: Final = 20_000
_MAX_PARTS: Final = 1_000
# Text with these is no text: some short binary messages happen to be UTF-8.
_BINARY = re.compile("[\0-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")
_BASE64_LINE: Final = 76
_CRLF: Final = "crlf"
_URLENCODED: Final = "application/x-www-form-urlencoded"


def forms(body: bytes, headers: Headers, framing: Framing = Framing.NONE) -> Iterator[Form]:
    """The forms that give back `body`, the most readable first; the last one always can.

    `headers` are those beside the body, `framing` the one they make it have.
    """
    if not body:
        yield {}
        return
    if framing is Framing.EVENT_STREAM and body.count(b",") < _MAX_VALUES:
        yield from _frames(body)
    if boundary := boundary_of(headers, body):
        yield from _multipart(body, headers, boundary)
    yield from _plain_forms(body, headers, framing)


def body_of(fields: Mapping[str, Any], headers: Headers) -> bytes:
    """The bytes of the body in `fields`, which may hold other keys as well.

    Raises:
        Mistake: there are two bodies, or one that cannot be rendered.
    """
    present = [key for key in fields if key in _RENDERERS]
    if not present:
        return b""
    if len(present) > 1:
        raise Mistake((present[1],), f"a second body; there is {present[0]!r} already")
    return _RENDERERS[present[0]](fields, headers)


def check_body(fields: Mapping[str, Any], headers: Headers) -> None:
    """Raises what `body_of` would, for less: JSON, the most there is, need not be rendered."""
    if "json" in fields:
        _layout(fields)
    if "json" not in fields or len(_RENDERERS.keys() & fields.keys()) > 1:
        body_of(fields, headers)


def _plain_forms(
    body: bytes, headers: Headers = (), framing: Framing = Framing.NONE
) -> Iterator[Form]:
    """The forms that hold no other bodies."""
    text = _decoded(body)
    if text is not None:
        yield from _text_forms(text, headers, framing)
    yield {"base64": _wrapped(body)}


def _text_forms(text: str, headers: Headers, framing: Framing) -> Iterator[Form]:
    if framing is Framing.SSE and text.endswith("\n"):
        yield _sse(text)
    elif framing is Framing.NDJSON:
        yield _lines("ndjson", text)
    elif text.startswith(("{", "[")) and text.count(",") < _MAX_VALUES:
        yield from _json(text)
    elif (header(headers, "content-type") or "").lower().startswith(_URLENCODED):
        yield from _urlencoded(text)
    yield _lines("text", text)


# One form after the other: how it is written, how it is rendered.


def _json(text: str) -> Iterator[Form]:
    try:
        value = parse_json(text)
    except ValueError:
        return
    layout = find_layout(value, text)
    if layout is not None:
        yield {**({"json_layout": layout} if layout != COMPACT else {}), "json": value}


def _render_json(fields: Mapping[str, Any], _headers: Headers) -> bytes:
    return _layout(fields).render(fields["json"]).encode()


def _layout(fields: Mapping[str, Any]) -> Layout:
    name = fields.get("json_layout", COMPACT)
    layout = LAYOUTS.get(name) if isinstance(name, str) else None
    if layout is None:
        raise Mistake(("json_layout",), f"unknown layout {name!r}; known are {', '.join(LAYOUTS)}")
    return layout


def _lines(key: str, text: str) -> Form:
    """Text whose lines all end in CR LF has them written as plain ones: else it were one line."""
    if "\r" not in text:
        return {key: text}
    plain = text.replace("\r\n", "\n")
    if "\r" in plain or text.count("\n") != text.count("\r\n"):
        return {key: text}
    return {f"{key}_layout": _CRLF, key: plain}


def _render_lines(key: str, fields: Mapping[str, Any], end: str = "") -> bytes:
    text, layout = fields[key], fields.get(f"{key}_layout", "")
    if not isinstance(text, str):
        raise Mistake((key,), f"{key!r} is text; put it in quotes or in a block after `|`")
    if layout not in ("", _CRLF):  # what a person wrote may not be hashable
        raise Mistake((f"{key}_layout",), f"unknown layout {layout!r}; the only one is {_CRLF}")
    text += end
    return (text.replace("\n", "\r\n") if layout == _CRLF else text).encode()


def _sse(text: str) -> Form:
    """Events, less the line break that ends the last: as a block, no blank line is at stake."""
    form = _lines("sse", text)
    return {**form, "sse": form["sse"][:-1]}


def _frames(body: bytes) -> Iterator[Form]:
    frames = split_frames(body)
    if len(frames) < _MAX_VALUES:
        yield {"event_stream": [_stored_frame(frame) for frame in frames]}


def _stored_frame(frame: Frame | bytes) -> dict[str, Any]:
    """A frame has headers, if only `{}`; what has none is bytes as they were."""
    if isinstance(frame, bytes):
        return {"base64": _wrapped(frame)}
    return {"headers": Row(stored_frame_headers(frame.headers)), **_payload(frame.payload)}


def _payload(body: bytes, headers: Headers = ()) -> Form:
    return next(_plain_forms(body, headers)) if body else {}


def _render_frames(fields: Mapping[str, Any], _headers: Headers) -> bytes:
    return b"".join(_each(fields, "event_stream", _rendered_frame))


def _rendered_frame(item: dict[str, Any]) -> bytes:
    payload = body_of(item, ())
    if "headers" not in item:
        return payload
    try:
        return encode_frame(Frame(frame_headers(item["headers"]), payload))
    except ValueError as error:
        raise Mistake(("headers",), str(error)) from error


def _multipart(body: bytes, headers: Headers, boundary: str) -> Iterator[Form]:
    parts = split_parts(body, boundary)
    if parts is None or len(parts) > _MAX_PARTS:
        return
    try:
        items = [
            {"headers": stored_headers(part.headers), **_payload(part.body, part.headers)}
            for part in parts
        ]
    except Mistake:  # a part's header that no HTTP header could be
        return
    yield {**({} if boundary_of(headers) else {"boundary": boundary}), "multipart": items}


def _render_multipart(fields: Mapping[str, Any], headers: Headers) -> bytes:
    boundary = fields.get("boundary") or boundary_of(headers)
    if not isinstance(boundary, str):
        raise Mistake(("multipart",), "no boundary: name it in the content type or as `boundary`")
    return join_parts(tuple(_each(fields, "multipart", _rendered_part)), boundary)


def _rendered_part(item: dict[str, Any]) -> Part:
    try:
        headers = headers_of(item.get("headers", {}))
    except Mistake as mistake:
        raise mistake.below("headers") from mistake
    return Part(headers, body_of(item, headers))


def _urlencoded(text: str) -> Iterator[Form]:
    if text.count("&") > _MAX_VALUES:
        return
    pairs = parse_qsl(text, keep_blank_values=True)
    fields: dict[str, Any] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    form = {name: values if values[1:] else values[0] for name, values in fields.items()}
    if urlencode(form, doseq=True) == text:
        yield {"form": form}


def _render_urlencoded(fields: Mapping[str, Any], _headers: Headers) -> bytes:
    form = fields["form"]
    if not isinstance(form, dict) or not all(map(_is_text_or_texts, form.values())):
        raise Mistake(("form",), "a form is a mapping of names to texts, or to lists of texts")
    return urlencode(form, doseq=True).encode()


def _is_text_or_texts(value: object) -> bool:
    items = value if isinstance(value, list) else [value]
    return all(isinstance(item, str) for item in items)


def _wrapped(data: bytes) -> str:
    coded = base64.b64encode(data).decode()
    lines = [coded[at : at + _BASE64_LINE] for at in range(0, len(coded), _BASE64_LINE)]
    return "\n".join(lines)


def _render_base64(fields: Mapping[str, Any], _headers: Headers) -> bytes:
    text = fields["base64"]
    if not isinstance(text, str):
        raise Mistake(("base64",), "base64 is text")
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Mistake(("base64",), f"not base64: {error}") from error


def _each(
    fields: Mapping[str, Any], key: str, render: Callable[[dict[str, Any]], Any]
) -> Iterator[Any]:
    """What `render` makes of each item under `key`."""
    items = fields[key]
    if not isinstance(items, list):
        raise Mistake((key,), f"{key!r} is a list")
    for index, item in enumerate(items):
        if not isinstance(item, dict):
            raise Mistake((key, index), "a mapping with `headers` and a body")
        try:
            for mistake in unknown_keys(item, {"headers", *BODY_KEYS}):
                raise mistake
            yield render(item)
        except Mistake as mistake:
            raise mistake.below(key, index) from mistake


def _decoded(body: bytes) -> str | None:
    """`body` as text, or None where it is none."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    return None if _BINARY.search(text) else text


_RENDERERS: Final[Mapping[str, Callable[[Mapping[str, Any], Headers], bytes]]] = {
    "json": _render_json,
    "text": lambda fields, _headers: _render_lines("text", fields),
    "sse": lambda fields, _headers: _render_lines("sse", fields, end="\n"),
    "ndjson": lambda fields, _headers: _render_lines("ndjson", fields),
    "event_stream": _render_frames,
    "multipart": _render_multipart,
    "form": _render_urlencoded,
    "base64": _render_base64,
}

BODY_KEYS: Final = frozenset(
    {*_RENDERERS, "json_layout", "text_layout", "sse_layout", "ndjson_layout", "boundary"}
)
"""All keys that stand for a body, or for how it is laid out."""
