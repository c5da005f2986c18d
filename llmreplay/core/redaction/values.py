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

__all__ = ["accounts", "lasting_credentials", "request_credentials", "response_credentials"]

_SCHEME = re.compile(r"(?:Bearer|Token|Key|ApiKey|Api-Key|Basic|OAuth)\s+", re.IGNORECASE)
_BASIC = re.compile(r"Basic\s+([A-Za-z0-9+/_-]+)=*", re.IGNORECASE)
_AWS = re.compile(r"\b(?:Credential=([^/,\s]+)|Signature=([0-9a-f]+))")
_SIGNATURE = re.compile(rb"[0-9a-f]{64}")
_COOKIE = re.compile(r"[^=;\s]+=([^;]*)")
# How a browser, which cannot set headers on a WebSocket, sends an OpenAI key.
_SUBPROTOCOL = re.compile(r"openai-insecure-api-key\.([^\s,]+)")


def request_credentials(request: Request) -> tuple[bytes, ...]:
    """Every credential that came with `request`, once each, in order of appearance."""
    return _secret((*_credentials(request.headers), *url_secrets(request.url)))


def lasting_credentials(request: Request) -> tuple[bytes, ...]:
    """Those of them that other requests will bring as well: no cookies, no signatures."""
    headers = (pair for pair in request.headers if pair[0].lower() != "cookie")
    values = _secret((*_credentials(headers), *url_secrets(request.url)))
    return tuple(value for value in values if not _SIGNATURE.fullmatch(value))


def response_credentials(headers: Headers) -> tuple[bytes, ...]:
    """The cookies that a response set."""
    return _secret(_credentials(headers))


def accounts(headers: Headers) -> tuple[bytes, ...]:
    """Who pays, as the headers of a request or response say: ids, no credentials."""
    return _secret(_bytes(value.strip()) for name, value in headers if is_account_header(name))


def _secret(values: Iterable[bytes]) -> tuple[bytes, ...]:
    return tuple(dict.fromkeys(value for value in values if not is_plain(value)))


def _credentials(headers: Iterable[tuple[str, str]]) -> Iterator[bytes]:
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
