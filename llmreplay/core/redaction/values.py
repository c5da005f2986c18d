"""The credentials that an exchange brought with it, by the places where credentials travel.

What is found here is sought everywhere in the exchange. A value that is plainly no secret
(`EMPTY`, `ollama`, `your-api-key-here`) is not: it goes with its header, and content stays.
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as Base64Error
from typing import TYPE_CHECKING

from llmreplay.core.redaction.formats import is_plain
from llmreplay.core.redaction.places import is_account_header, is_credential_header
from llmreplay.core.redaction.urls import url_secrets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llmreplay.core.exchange import Headers, Request

__all__ = ["request_secrets", "response_secrets"]

_SCHEME = re.compile(r"(?:Bearer|Token|Key|ApiKey|Api-Key|Basic|OAuth)\s+", re.IGNORECASE)
_BASIC = re.compile(r"Basic\s+([A-Za-z0-9+/_-]+)=*", re.IGNORECASE)
_AWS = re.compile(r"\b(?:Credential=([^/,\s]+)|Signature=([0-9a-f]+))")
_COOKIE = re.compile(r"[^=;\s]+=([^;]*)")
# How a browser, which cannot set headers on a WebSocket, sends an OpenAI key.
_SUBPROTOCOL = re.compile(r"openai-insecure-api-key\.([^\s,]+)")


def request_secrets(request: Request) -> tuple[bytes, ...]:
    """Every credential that came with `request`, once each, in order of appearance."""
    return _secret((*_of_headers(request.headers), *url_secrets(request.url)))


def response_secrets(headers: Headers) -> tuple[bytes, ...]:
    """The cookies, and who pays, as a response's headers say."""
    return _secret(_of_headers(headers))


def _secret(values: Iterable[bytes]) -> tuple[bytes, ...]:
    return tuple(dict.fromkeys(value for value in values if not is_plain(value)))


def _of_headers(headers: Headers) -> Iterator[bytes]:
    for name, value in headers:
        lower = name.lower()
        if lower == "cookie":
            yield from map(_bytes, _COOKIE.findall(value))
        elif lower == "set-cookie":  # what follows the first pair are attributes
            yield from map(_bytes, _COOKIE.findall(value)[:1])
        elif lower == "sec-websocket-protocol":
            yield from map(_bytes, _SUBPROTOCOL.findall(value))
        elif is_credential_header(lower):
            yield from _of_authorization(value.strip())
        elif is_account_header(lower):
            yield _bytes(value.strip())


def _of_authorization(value: str) -> Iterator[bytes]:
    if value.startswith("AWS4-"):
        for key, signature in _AWS.findall(value):
            yield _bytes(key or signature)
    elif basic := _BASIC.fullmatch(value):
        yield _of_basic(basic[1])
    else:
        yield _bytes(_SCHEME.sub("", value, count=1))


def _of_basic(token: str) -> bytes:
    """The password, or the user where there is none: some APIs take a key as the user."""
    digits = token.replace("-", "+").replace("_", "/") + "=="
    try:
        user, _, password = b64decode(digits).partition(b":")
    except Base64Error:
        return _bytes(token)
    return password or user


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
