"""Takes the secrets out of exchanges: headers, URLs, bodies and streams.

Everything but the secrets stays as it was, byte for byte; a redacted exchange stays as it is.
One redactor serves one cassette, so that a secret has one placeholder in it. It keeps the secrets
that it saw in memory and shows them nowhere.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from llmreplay.core.exchange import Chunk, Exchange, Headers, Request, Response
from llmreplay.core.redaction.edits import Edit, Joined, applied
from llmreplay.core.redaction.encodings import wrap
from llmreplay.core.redaction.finder import Finder, finder_of
from llmreplay.core.redaction.formats import kind_of
from llmreplay.core.redaction.frames import frame_edits
from llmreplay.core.redaction.leaves import SEPARATOR
from llmreplay.core.redaction.logprobs import number_edits
from llmreplay.core.redaction.places import stored_request_headers, stored_response_headers
from llmreplay.core.redaction.scan import Finding, find_secrets
from llmreplay.core.redaction.spans import PLACEHOLDER, Claims, Span, Wrapped
from llmreplay.core.redaction.streams import leaves_of
from llmreplay.core.redaction.urls import without_credentials
from llmreplay.core.redaction.values import (
    accounts,
    lasting_credentials,
    request_credentials,
    response_credentials,
)
from llmreplay.core.streams import Framing, framing_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from llmreplay.core.redaction.leaves import Leaves, Piece

__all__ = ["Redactor", "redact_text", "redact_url"]

_MOST_PASSES = 8
"""What one pass uncovers, such as a secret beside another, the next one takes."""

_MOST_REMEMBERED = 32
"""Values of earlier requests that are sought in later ones; the newest stay."""

_SNIFFED = 4096
_FIRST_ERROR = 400

_TOKENS = b'"token":'
"""Log probabilities tell a text in pieces, too, in one body."""


class Redactor:
    """Redacts the exchanges of one cassette. Not safe for threads at the same time.

    `also_store` are names, in lower case, of request headers that are stored besides the usual.
    """

    def __init__(self, also_store: frozenset[str] = frozenset()) -> None:
        self._also_store = also_store
        self._placeholders: dict[bytes, str] = {}
        self._last_number: dict[str, int] = {}
        self._remembered: dict[bytes, None] = {}

    def __repr__(self) -> str:
        return f"<Redactor: {len(self._placeholders)} secrets seen>"

    @classmethod
    def continuing(cls, existing_text: str, also_store: frozenset[str] = frozenset()) -> Redactor:
        """One for a cassette that holds `existing_text`: its numbers go on after those there."""
        redactor = cls(also_store)
        for found in PLACEHOLDER.findall(existing_text.encode("utf-8", "replace")):
            kind, number = found.decode().split("-")[1:]
            last = redactor._last_number.get(kind, 0)
            redactor._last_number[kind] = max(last, int(number))
        return redactor

    def exchange(self, exchange: Exchange) -> Exchange:
        """`exchange` without secrets, its headers reduced to those that are stored."""
        asked, answered = exchange.request, exchange.response
        known = self._known(asked)
        told = _once((*known, *response_credentials(answered.headers)))
        payers = _once((*accounts(asked.headers), *accounts(answered.headers)))
        return replace(
            exchange,
            # What only the response tells is no part of how a request is matched later.
            request=self._request(asked, finder_of(known, _once(accounts(asked.headers)))),
            response=self._response(
                answered, finder_of(told, payers), _body_finder(answered, told, payers)
            ),
        )

    def request(self, request: Request) -> Request:
        """`request` without secrets, just as `exchange` leaves it."""
        known = self._known(request)
        return self._request(request, finder_of(known, _once(accounts(request.headers))))

    def text(self, text: str) -> str:
        """`text`, such as a message, without any secret that has been seen or shows its form."""
        finder = finder_of(tuple(self._remembered))
        return self._rewritten(_bytes(text), finder).decode("utf-8", "surrogateescape")

    def leaks(self, text: str, exchange: Exchange | None = None) -> tuple[Finding, ...]:
        """What is still secret in `text`, which is about to be written.

        Besides the formats, the values are sought that came with `exchange` (as it was before
        its redaction) and with the requests before it.
        """
        values = list(self._remembered)
        if exchange is not None:
            values += request_credentials(exchange.request)
            values += response_credentials(exchange.response.headers)
        return find_secrets(text, _once(values))

    def _known(self, request: Request) -> tuple[bytes, ...]:
        """The values to seek: those that came with `request`, and those before it."""
        known = _once((*request_credentials(request), *self._remembered))
        for value in lasting_credentials(request):
            self._remembered.pop(value, None)
            self._remembered[value] = None
        while len(self._remembered) > _MOST_REMEMBERED:
            del self._remembered[next(iter(self._remembered))]
        return known

    def _request(self, request: Request, finder: Finder) -> Request:
        stored = stored_request_headers(request.headers, self._also_store)
        url, headers = self._head(request.url, stored, finder)
        body = self._rewritten(request.body, finder)
        return replace(request, url=url, headers=headers, body=body)

    def _response(self, response: Response, for_head: Finder, finder: Finder) -> Response:
        _, headers = self._head("", stored_response_headers(response.headers), for_head)
        pieces = [chunk.data for chunk in response.chunks]
        body = b"".join(pieces)
        framing = framing_of(
            response.headers, body[:_SNIFFED], length_known=len(response.chunks) == 1
        )
        changed = self._pieces(pieces, framing, finder)
        chunks = tuple(
            Chunk(data, chunk.wait_ms)
            for data, chunk in zip(changed, response.chunks, strict=True)
            if data or not chunk.data
        )
        return replace(response, headers=headers, chunks=chunks)

    def _head(self, url: str, headers: Headers, finder: Finder) -> tuple[str, Headers]:
        """URL and headers, searched as one text because both are short."""
        url = without_credentials(url, self._placeholder)
        texts = [_bytes(text) for text in (url, *(value for _, value in headers))]
        separated = [part for text in texts for part in (text, SEPARATOR)]
        changed = self._pieces(separated, Framing.NONE, finder)[::2]
        new_url, *values = (text.decode("utf-8", "surrogateescape") for text in changed)
        names = (name for name, _ in headers)
        return new_url, tuple(zip(names, values, strict=True))

    def _rewritten(self, text: bytes, finder: Finder) -> bytes:
        return self._pieces([text], Framing.NONE, finder)[0]

    def _pieces(self, pieces: Sequence[bytes], framing: Framing, finder: Finder) -> list[bytes]:
        """The pieces of one body without secrets, as many as before."""
        pieces = list(pieces)
        for _ in range(_MOST_PASSES):
            body = b"".join(pieces)
            edits = self._edits_of(body, framing, finder)
            if not edits:
                break
            pieces = applied(pieces, edits)
        return pieces

    def _edits_of(self, body: bytes, framing: Framing, finder: Finder) -> list[Edit]:
        if framing is Framing.EVENT_STREAM:
            return frame_edits(body, lambda text, leaves: self._edits(text, finder, leaves))
        has_tokens = _TOKENS in body
        if framing is Framing.NONE and not has_tokens:
            return self._edits(body, finder)
        edits = self._edits(body, finder, leaves_of(framing, body))
        if has_tokens and not edits and b"REDACTED-" in body:
            edits = list(number_edits(body))
        return edits

    def _edits(self, text: bytes, finder: Finder, leaves: Leaves | None = None) -> list[Edit]:
        """What is to change in `text`.

        What leaves join up to goes before what stands in one place, which may be but a part of
        it; not so base64, whose pieces are more often whole than parts.
        """
        across = _across(text, finder, leaves) if leaves is not None else []
        inside = [(found, ((found.start, found.end),)) for found in finder.find(text)]
        wrapped = [one for one in inside if isinstance(one[0], Wrapped)]
        claims = Claims()
        return [
            edit
            for found, places in (*wrapped, *across, *inside)
            if claims.claim(places)
            for edit in self._edit(found, places, finder)
        ]

    def _edit(
        self, found: Span | Wrapped, places: tuple[Piece, ...], finder: Finder
    ) -> Iterable[Edit]:
        if isinstance(found, Wrapped):
            left = wrap(found, self._rewritten(found.decoded, finder.inner or finder))
            for start, end in places[:-1]:  # digits stay in their pieces, as far as they go
                yield Edit(start, end, left[: end - start])
                left = left[end - start :]
            yield Edit(*places[-1], left)
            return
        placeholder = self._placeholder(found.secret).encode()
        for start, end in places:
            yield Edit(start, end, placeholder)
            placeholder = b""  # it stands where the secret begins; the rest goes

    def _placeholder(self, secret: bytes) -> str:
        """The same for the same secret; for a placeholder, itself."""
        if PLACEHOLDER.fullmatch(secret):
            return secret.decode()
        known = self._placeholders.get(secret)
        if known is None:
            kind = kind_of(secret)
            number = self._last_number[kind] = self._last_number.get(kind, 0) + 1
            known = self._placeholders[secret] = f"REDACTED-{kind}-{number}"
        return known


def _across(
    text: bytes, finder: Finder, leaves: Leaves
) -> list[tuple[Span | Wrapped, tuple[Piece, ...]]]:
    """What is secret in the texts that `text` tells in pieces, and in which pieces it is."""
    if not finder.find(leaves.told):
        return []
    joined = Joined(text, leaves.groups(text))
    return [(found, joined.places(found.start, found.end)) for found in finder.find(joined.text)]


def redact_url(url: str) -> str:
    """`url`, or a request's target, for a log line or message: no credential in it."""
    return Redactor()._head(url, (), finder_of(()))[0]  # noqa: SLF001  # the class is this module's


def redact_text(text: str) -> str:
    """`text` for a log line or message: nothing in it that has the form of a secret."""
    return Redactor().text(text)


def _body_finder(
    response: Response, values: tuple[bytes, ...], accounts: tuple[bytes, ...]
) -> Finder:
    """What searches the body of `response`.

    Errors echo who pays, in prose. In a success an organisation or an ARN is data: the object
    that was asked for, which a client may read and send back.
    """
    if response.status >= _FIRST_ERROR:
        return finder_of(values, accounts)
    return finder_of(values, ids=False)


def _once(values: Iterable[bytes]) -> tuple[bytes, ...]:
    """The values in one order, whatever the order they came in, so that finders are kept."""
    return tuple(sorted(set(values)))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
