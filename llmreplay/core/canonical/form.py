"""From a request to its canonical form, top to bottom."""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING

from llmreplay.core.canonical.body import BodyKind, read_body
from llmreplay.core.canonical.naming import Naming
from llmreplay.core.canonical.rules import rules_for
from llmreplay.core.canonical.target import encoded, query_of, segments
from llmreplay.core.redaction import CREDENTIAL_QUERY, is_credential_header

if TYPE_CHECKING:
    from llmreplay.core.canonical.settings import MatchSettings
    from llmreplay.core.dialect import Dialect, Json
    from llmreplay.core.exchange import Headers, Request

__all__ = ["Canonical", "canonical"]


@dataclass(frozen=True, slots=True)
class Canonical:
    """A request in canonical form.

    `body` is a JSON value for every kind of body: of a multipart body or a form the list of
    its parts or fields, of a text the text, of other bytes their length and digest.
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
    path = encoded(tuple(map(naming.word, plain)))
    query = tuple(
        (name, naming.field(name, value))
        for name, value in query_of(request.url)
        if name.lower() not in CREDENTIAL_QUERY and name not in rules.query
    )
    kind, body = read_body(request)
    if kind in _STRUCTURED:
        rules.leave_out(body, request.body if kind is BodyKind.JSON else None)
    if kind is BodyKind.JSON:
        body = dialect.simplify(encoded(plain), body)
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


def _named(kind: BodyKind, body: Json, naming: Naming, source: bytes) -> Json:
    match kind:
        case BodyKind.JSON:
            return naming.json(body, source)
        case BodyKind.FORM:
            return [
                {"name": one["name"], "value": naming.field(one["name"], one["value"])}
                for one in body
                if one["name"].lower() not in CREDENTIAL_QUERY
            ]
        case BodyKind.MULTIPART:
            return [_named_part(part, naming) for part in body]
        case BodyKind.TEXT:
            return naming.text(body)
        case _:
            return body


def _named_part(part: dict[str, str], naming: Naming) -> dict[str, str]:
    """A field may be an id; a file is text, and so is its name. Digests are left alone."""
    if "filename" not in part and "text" in part:
        return part | {"text": naming.field(part["name"], part["text"])}
    return {key: value if key == "data" else naming.text(value) for key, value in part.items()}


def _headers(headers: Headers, wanted: tuple[str, ...], naming: Naming) -> Headers:
    """The headers that take part: never one that holds a credential."""
    if not wanted:
        return ()
    names = {name.lower() for name in wanted if not is_credential_header(name)}
    chosen = [(name.lower(), value) for name, value in headers if name.lower() in names]
    return tuple((name, naming.text(value)) for name, value in sorted(chosen, key=itemgetter(0)))
