"""From a request to its canonical form, top to bottom."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import blake2b
from math import isfinite
from operator import itemgetter
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import orjson

from llmreplay.core.canonical.multipart import parts_of
from llmreplay.core.canonical.naming import Naming
from llmreplay.core.canonical.rules import rules_for
from llmreplay.core.canonical.target import encoded, query_of, segments
from llmreplay.core.exchange import Headers, Request, header

try:
    from llmreplay.core.redaction import CREDENTIAL_HEADERS, CREDENTIAL_QUERY
except ImportError:  # until redaction lands
    CREDENTIAL_HEADERS = CREDENTIAL_QUERY = frozenset()

if TYPE_CHECKING:
    from llmreplay.core.canonical.multipart import Part
    from llmreplay.core.canonical.settings import MatchSettings
    from llmreplay.core.dialect import Dialect, Json

__all__ = ["BodyKind", "Canonical", "canonical"]


class BodyKind(StrEnum):
    """What a body turned out to be, by its bytes."""

    NONE = "none"
    JSON = "json"
    MULTIPART = "multipart"
    FORM = "form"
    TEXT = "text"
    BINARY = "binary"


@dataclass(frozen=True, slots=True)
class Canonical:
    """A request in canonical form.

    `body` is a JSON value for every kind of body: of a multipart body or a form the list of
    its parts or fields, of a text a string, of other bytes their length and digest.
    `ids` are the ids that the form names `{id-1}`, `{id-2}`, …, in this order.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Headers = ()
    kind: BodyKind = BodyKind.NONE
    body: Json = None
    ids: tuple[str, ...] = field(default=(), compare=False)


def canonical(request: Request, dialect: Dialect, settings: MatchSettings) -> Canonical:
    """The canonical form of `request`. Takes any request; raises UsageError for `settings` only.

    Path, query and body are gone through in this order and by sorted names, so that which id
    comes first depends on nothing that does not count.
    """
    rules = rules_for(settings, dialect)
    naming = Naming(dialect, rules)
    plain = segments(request.url)
    path = encoded([naming.word(segment) for segment in plain])
    query = tuple(
        (name, naming.field(name, value))
        for name, value in query_of(request.url)
        if name.lower() not in CREDENTIAL_QUERY and name not in rules.query
    )
    kind, body = _read(request)
    if kind in _STRUCTURED:
        rules.leave_out(body, request.body if kind is BodyKind.JSON else None)
    if kind is BodyKind.JSON:
        body = _plainest(dialect.simplify(encoded(plain), body), request.method)
    return Canonical(
        method=request.method.upper(),
        path=path,
        query=query,
        headers=_headers(request.headers, settings.headers, naming),
        kind=kind,
        body=_named(kind, body, naming, request.body),
        ids=tuple(naming.ids),
    )


_STRUCTURED = frozenset({BodyKind.JSON, BodyKind.MULTIPART, BodyKind.FORM})
_BEGINS_JSON = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?=[\[{])")
_DEEPEST = 100
"""Levels of JSON. Deeper bodies are compared as texts: no recursion may depend on its caller."""


def _read(request: Request) -> tuple[BodyKind, Json]:
    """The body by its bytes. The content type decides only where they do not tell: forms."""
    body = request.body
    if not body:
        return BodyKind.NONE, None
    beginning = _BEGINS_JSON.match(body)
    if beginning is not None:
        value = _json(body[beginning.end() :])
        if value is not None:
            return BodyKind.JSON, value
    parts = parts_of(body)
    if parts is not None:
        return BodyKind.MULTIPART, sorted(map(_part, parts), key=itemgetter("name"))
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return BodyKind.BINARY, _digest(body)
    if "x-www-form-urlencoded" in (header(request.headers, "content-type") or "").lower():
        fields = sorted(parse_qsl(text, keep_blank_values=True), key=itemgetter(0))
        return BodyKind.FORM, [
            {"name": name, "value": value}
            for name, value in fields
            if name.lower() not in CREDENTIAL_QUERY
        ]
    return BodyKind.TEXT, text


def _json(body: bytes) -> Json | None:
    """The value of a JSON text, or None for one that is none or too deep."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        value = _lenient_json(body)
    brackets = body.count(b"[") + body.count(b"{")
    return value if brackets <= _DEEPEST or _depth_within(value, _DEEPEST) else None


def _lenient_json(body: bytes) -> Json | None:
    r"""Half an emoji (`"\ud83d"`, which JavaScript sends after a careless cut) is JSON too."""
    if re.search(rb"\\u[dD]", body) is None:
        return None
    try:
        return json.loads(body, parse_constant=_refuse, parse_float=_finite, parse_int=_in_range)
    except (ValueError, RecursionError):
        return None


def _refuse(text: str) -> float:
    raise ValueError(f"{text} is no JSON")


def _finite(text: str) -> float:
    value = float(text)
    return value if isfinite(value) else _refuse(text)


def _in_range(text: str) -> int | float:
    """As orjson reads them: integers in 64 bits, others as floats."""
    value = int(text)
    return value if -(2**63) <= value < 2**64 else _finite(text)


def _depth_within(value: Json, most: int) -> bool:
    level = [value]
    for _ in range(most + 1):
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, dict | list)
        ]
        if not level:
            return True
    return False


def _part(part: Part) -> dict[str, Json]:
    """A part as a JSON value. Its type is text/plain unless it says otherwise (RFC 7578)."""
    told: dict[str, Json] = {"name": part.name}
    if part.filename is not None:
        told["filename"] = part.filename
    kind = part.type.lower().replace(" ", "").removesuffix(";charset=utf-8")
    told["type"] = kind or "text/plain"
    try:
        told["text"] = part.content.decode()
    except UnicodeDecodeError:
        told |= _digest(part.content)
    return told


def _digest(data: bytes) -> dict[str, Json]:
    return {"bytes": len(data), "blake2b": blake2b(data, digest_size=16).hexdigest()}


def _plainest(body: Json, method: str) -> Json:
    """`body` without its top-level nulls: absent means the same, but for what replaces."""
    if not isinstance(body, dict) or method.upper() in {"PUT", "PATCH"}:
        return body
    return {key: value for key, value in body.items() if value is not None}


def _named(kind: BodyKind, body: Json, naming: Naming, source: bytes) -> Json:
    match kind:
        case BodyKind.JSON:
            return naming.json(body, source)
        case BodyKind.FORM:
            return [
                {"name": one["name"], "value": naming.field(one["name"], one["value"])}
                for one in body
            ]
        case BodyKind.MULTIPART:
            return [_named_part(part, naming) for part in body]
        case BodyKind.TEXT:
            return naming.text(body)
        case BodyKind.NONE | BodyKind.BINARY:
            return body


def _named_part(part: dict[str, Json], naming: Naming) -> dict[str, Json]:
    """A field may be an id; a file is text, and so is its name."""
    if "filename" in part:
        return {key: naming.text(str(value)) for key, value in part.items()}
    return part | {"text": naming.field(part["name"], part["text"])} if "text" in part else part


def _headers(headers: Headers, wanted: tuple[str, ...], naming: Naming) -> Headers:
    """The headers that take part: never one that holds a credential."""
    if not wanted:
        return ()
    names = {name.lower() for name in wanted} - CREDENTIAL_HEADERS
    chosen = [(name.lower(), value) for name, value in headers if name.lower() in names]
    return tuple((name, naming.text(value)) for name, value in sorted(chosen, key=itemgetter(0)))
