"""One exchange ⇄ one YAML document, as format 1 has it.

It decides the order of the keys, what is left out because it is understood, and what a document
that a person wrote may look like. Files, locks and takes are none of its business. Whatever
reads or writes cassettes calls it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from llmreplay.cassettes.bodies import BODY_KEYS, body_of, check_body, forms
from llmreplay.cassettes.fields import Fields
from llmreplay.cassettes.headers import TOKEN, stored_headers
from llmreplay.cassettes.mistakes import Mistake, unknown_keys
from llmreplay.cassettes.reading import (
    DEFAULT_LIMITS,
    EXCHANGE,
    Limits,
    UnreadableError,
    line_of,
    read_yaml,
)
from llmreplay.cassettes.writing import UnwritableError, flow, mapping_lines
from llmreplay.cassettes.written import UNKNOWN, read_written
from llmreplay.core.exchange import Chunk, Ending, Exchange, Recorded, Request, Response
from llmreplay.core.streams import framing_of, split
from llmreplay.errors import CassetteError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmreplay.cassettes.bodies import Form
    from llmreplay.core.exchange import Headers

__all__ = ["BrokenDocumentError", "Head", "dump", "load", "read_exchange", "read_head"]

_KEYS: Final = frozenset({"exchange", "upstream", "base", "request", "response", "recorded"})
_REQUEST_KEYS: Final = frozenset({"method", "url", "headers", *BODY_KEYS})
_RESPONSE_KEYS: Final = frozenset(
    {"status", "headers", "chunk_bytes", "pace_ms", "ending", *BODY_KEYS}
)
_RECORDED_KEYS: Final = frozenset({"at", "take", "open"})

_ENDINGS: Final = {ending.value: ending for ending in Ending}

_NOT_IN_URL = re.compile(r"[\0-\x20\x7f]")
_STATUS = re.compile(r"[1-9][0-9]{2}")  # RFC 9110, 15
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


class BrokenDocumentError(ValueError):
    """A document that is no exchange. Each mistake has its line, from 1 within the document."""

    def __init__(self, mistakes: tuple[tuple[int, str], ...]) -> None:
        super().__init__("; ".join(f"line {line}: {reason}" for line, reason in mistakes))
        self.mistakes = mistakes


@dataclass(frozen=True, slots=True)
class Head:
    """What an exchange is found and sorted by; its response was checked, not rendered.

    `open_take` is the take that appended it, if that was never closed.
    """

    number: int
    upstream: str
    base_path: str
    request: Request
    status: int
    open_take: str | None


def dump(exchange: Exchange, *, open_take: bool = False) -> str:
    """The document of `exchange`, from `---` to `...`.

    `open_take` marks it as appended by a take that is still open.

    Raises:
        CassetteError: it holds what no cassette can (a header value with a line break).
    """
    try:
        lines = [
            "---",
            f"exchange: {exchange.number}",
            *mapping_lines(_origin(exchange), 0),
            "request:",
            *_request_lines(exchange.request),
            "response:",
            *_response_lines(exchange.response),
            *_recorded_lines(exchange.recorded, open_take=open_take),
            "...",
            "",
        ]
    except (Mistake, UnwritableError) as error:
        raise CassetteError(f"exchange {exchange.number} fits in no cassette: {error}") from error
    return "\n".join(lines)


def load(text: str | bytes) -> Exchange:
    """The exchange of one document; `load(dump(x)) == x`.

    Raises:
        CassetteError: every mistake in it, each with its line.
    """
    data = text.encode(errors="surrogatepass") if isinstance(text, str) else text
    try:
        return read_exchange(data)
    except BrokenDocumentError as error:
        mistakes = [f"<document>:{line}: {reason}" for line, reason in error.mistakes]
        raise CassetteError("\n".join(mistakes)) from error


def read_exchange(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Exchange:
    """The whole exchange in `data`, one document in UTF-8.

    Raises:
        BrokenDocumentError: every mistake in it.
    """
    document = _parse(data, limits)
    head = _head(document)
    response = _response(document.response, head.status)
    recorded = _recorded(document.recorded)
    document.raise_mistakes(data)
    return Exchange(
        number=head.number,
        upstream=head.upstream,
        request=head.request,
        response=response,
        recorded=recorded,
        base_path=head.base_path,
    )


def read_head(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Head:
    """What loading for replay needs of the exchange in `data`, one document in UTF-8.

    Raises:
        BrokenDocumentError: every mistake in it, in the response, too.
    """
    document = _parse(data, limits)
    head = _head(document)
    _check_response(document.response)
    _recorded(document.recorded)
    document.raise_mistakes(data)
    return head


# Writing.


def _origin(exchange: Exchange) -> dict[str, str]:
    named = {"upstream": exchange.upstream, "base": exchange.base_path}
    return {key: value for key, value in named.items() if value}


def _request_lines(request: Request) -> Iterator[str]:
    line = {"method": _method(request.method), "url": _url(request.url)}
    yield from mapping_lines(line, 2, 1)
    yield from _header_lines(request.headers)
    yield from _body_lines(forms(request.body, request.headers))[0]


def _response_lines(response: Response) -> Iterator[str]:
    yield f"  status: {response.status}"
    yield from _header_lines(response.headers)
    body = response.body
    framing = framing_of(response.headers, body, length_known=False)
    lines, form = _body_lines(forms(body, response.headers, framing))
    yield from lines
    if form.get("sse", "").endswith("\n") and not form["sse"].endswith("\n\n"):
        yield ""  # the blank line that ends the last event, for the eye; YAML clips it off
    sizes = [len(chunk.data) for chunk in response.chunks]
    if sizes != [len(event.raw) for event in split(framing, body)]:
        yield f"  chunk_bytes: {flow(sizes)}"
    waits = [max(0, chunk.wait_ms) for chunk in response.chunks]
    if any(waits):
        yield f"  pace_ms: {flow(waits)}"
    yield f"  ending: {response.ending.value}"


def _header_lines(headers: Headers) -> Iterator[str]:
    if headers:
        yield from mapping_lines({"headers": stored_headers(headers)}, 2, 1)


def _body_lines(candidates: Iterator[Form]) -> tuple[list[str], Form]:
    """The lines of the first form that YAML can hold, and that form; it holds base64."""
    tried = ((_lines(form), form) for form in candidates)
    return next((lines, form) for lines, form in tried if lines is not None)


def _lines(form: Form) -> list[str] | None:
    try:
        return list(mapping_lines(form, 2, 1))
    except UnwritableError:
        return None


def _recorded_lines(recorded: Recorded | None, *, open_take: bool) -> Iterator[str]:
    if recorded is None:
        return
    # A time needs no quotes: here it is read as text, elsewhere as the time it is.
    at = recorded.at if _TIMESTAMP.fullmatch(recorded.at) else flow(recorded.at)
    mark = ", open: true" if open_take else ""
    yield f"recorded: {{at: {at}, take: {flow(recorded.take)}{mark}}}"


# Reading.


@dataclass(frozen=True, slots=True)
class _Document:
    """A document's mappings."""

    top: Fields
    request: Fields
    response: Fields
    recorded: Fields
    mistakes: list[Mistake]

    def raise_mistakes(self, data: bytes) -> None:
        if self.mistakes:
            found = {(line_of(data, mistake.place), mistake.reason) for mistake in self.mistakes}
            raise BrokenDocumentError(tuple(sorted(found)))


def _parse(data: bytes, limits: Limits) -> _Document:
    try:
        value = UNKNOWN
        if len(data) <= limits.max_document_bytes:
            value = read_written(data, EXCHANGE)
        if value is UNKNOWN:
            value = read_yaml(data, EXCHANGE, limits)
    except UnreadableError as error:
        raise BrokenDocumentError(((error.line, error.reason),)) from error
    if not isinstance(value, dict):
        raise BrokenDocumentError(((1, "no exchange; one begins with `exchange: NUMBER`"),))
    mistakes: list[Mistake] = []
    top = Fields(value, (), mistakes)
    for mistake in unknown_keys(value, _KEYS):
        top.note(mistake)
    return _Document(
        top,
        top.section("request", _REQUEST_KEYS),
        top.section("response", _RESPONSE_KEYS),
        top.section("recorded", _RECORDED_KEYS, required=False),
        mistakes,
    )


def _head(document: _Document) -> Head:
    top, request = document.top, document.request
    upstream = top.text("upstream", "")
    headers = request.headers()
    is_open = document.recorded.text("open", "false") == "true"
    return Head(
        number=top.natural("exchange"),
        upstream=upstream,
        base_path=top.text("base", ""),
        request=Request(
            method=request.checked("method", _method),
            url=request.checked("url", _url),
            headers=headers,
            body=request.trying(lambda: body_of(request.values, headers), b""),
            upstream=upstream or None,
        ),
        status=int(document.response.checked("status", _status) or 0),
        open_take=document.recorded.text("take", "") if is_open else None,
    )


def _status(status: str) -> str:
    if not _STATUS.fullmatch(status):
        raise Mistake(("status",), f"a status has three digits, not {status!r}")
    return status


def _response(fields: Fields, status: int) -> Response:
    headers = fields.headers()
    body = fields.trying(lambda: body_of(fields.values, headers), b"")
    pieces = _pieces(fields, headers, body)
    waits = (*(fields.naturals("pace_ms") or ()), *(0 for _ in pieces))
    chunks = tuple(Chunk(piece, wait) for piece, wait in zip(pieces, waits, strict=False))
    return Response(status, headers, chunks, _ending(fields))


def _pieces(fields: Fields, headers: Headers, body: bytes) -> list[bytes]:
    """The body in its chunks: the events of its framing, unless `chunk_bytes` says otherwise."""
    sizes = fields.naturals("chunk_bytes")
    if sizes is None:
        framing = framing_of(headers, body, length_known=False)
        return [event.raw for event in split(framing, body)]
    if sum(sizes) != len(body):
        reason = f"the sizes add up to {sum(sizes)}, the body has {len(body)} bytes; leave it out"
        fields.note(Mistake(("chunk_bytes",), reason))
    ends = list(accumulate(sizes))
    return [body[end - size : end] for size, end in zip(sizes, ends, strict=True)]


def _check_response(fields: Fields) -> None:
    """Notes the mistakes that making the response would."""
    headers = fields.headers()
    fields.trying(lambda: check_body(fields.values, headers), None)
    fields.naturals("pace_ms")
    if "chunk_bytes" in fields.values:
        body = fields.trying(lambda: body_of(fields.values, headers), b"")
        _pieces(fields, headers, body)
    _ending(fields)


def _ending(fields: Fields) -> Ending:
    word = fields.text("ending", Ending.COMPLETE)
    ending = _ENDINGS.get(word)
    if ending is None:
        fields.note(Mistake(("ending",), f"{word!r} is none of {', '.join(_ENDINGS)}"))
    return ending or Ending.COMPLETE


def _recorded(fields: Fields) -> Recorded | None:
    if not fields.values:
        return None
    return Recorded(fields.text("at", ""), fields.text("take", ""))


def _method(method: str) -> str:
    if not TOKEN.fullmatch(method):
        raise Mistake(("method",), f"{method!r} is no HTTP method")
    return method


def _url(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise Mistake(("url",), f"{url!r} is no URL: {error}") from error
    if parts.scheme not in {"http", "https"} or not parts.netloc or _NOT_IN_URL.search(url):
        raise Mistake(("url",), f"{url!r} is no absolute http or https URL")
    return url
