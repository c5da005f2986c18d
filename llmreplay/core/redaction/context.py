"""Credentials that only their surroundings give away: `api_key: 0f3c…`, `Bearer xyz…`.

By itself such a value looks like any digest or id, so a word for a credential must stand right
before it, with nothing but punctuation between, and the value must have the form of one. Who
calls: `finder`, for what is being redacted; never for the last scan.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from llmreplay.core.redaction.encodings import plain_spelling
from llmreplay.core.redaction.formats import latin1
from llmreplay.core.redaction.spans import PLACEHOLDER, Span

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["beside_access_key", "named_secrets"]

_ESCAPED = rb"%[0-9a-fA-F]{2}\+*|\\+(?:u00[0-9a-fA-F]{2}|[nrt])"
# No hyphen, which begins a multipart boundary; no comma, which begins another value; no backslash
# without what it escapes, which would count as the value's first letter. As short as may be, for
# base64 can begin with a plus or slash.
_GLUE = rb"(?:[^A-Za-z0-9_%,\x00\\-]|\\+[^A-Za-z0-9\\]|" + _ESCAPED + rb"){1,16}?"
_SAID = rb"(?:(?:[ _+]|%20)(?:is|was|provided|given|value|used|found|invalid|header))*"
_SCHEME = rb"(?i:(?:bearer|basic|token|key|apikey)(?: |%20|\+)+)?"
_PLAIN = rb"[A-Za-z0-9+/=_.~-]"
_CODED = rb"%2[bBfF]|%3[dD]|\\+/|\\+u00(?:2[bB]|3[dD])"
_NAME = rb"(?i:key|token|secret|bearer|authorization|mistral|cohere)"
_BETWEEN = _SAID + _GLUE + _SCHEME
_FIRST = rb"(?:[A-Za-z0-9+/]|%2[bBfF]|\\+/)"

_NAMED = latin1(rb"(%s)%s(%s(?:%s|%s){19})" % (_NAME, _BETWEEN, _FIRST, _PLAIN, _CODED))
_VALUE = re.compile(rb"(?:%s++|%s)++" % (_PLAIN, _CODED))
_ENDS_SENTENCE = b".~-"
_SHORTEST, _LONGEST = 20, 4096

# What must stand before a value, its last word being one of the names above.
_REACH = 64
_CREDENTIAL = re.compile(
    rb"(?:api|subscription|secret|access|private)[-_ +]?(?:key|token)$|client[-_ +]?secret$"
    rb"|(?:refresh|id|auth|bearer|session|security)[-_ +]?token$|bearer$|authorization$"
    rb"|aws[-_ +]?secret$|secret[-_ +]?access[-_ +]?key$"
)
_NO_CREDENTIAL = re.compile(rb"(?:cache|idempotency|partition|public|routing|sort)[-_ ]?key$")
_PROVIDER = re.compile(
    rb"(?:azure|ocp-apim|together|cohere|mistral|deepseek|aws|bedrock|\bco_)"
    rb"[\w .,:'\"=/\\+-]{0,24}(?:key|token|secret)$|(?:mistral|cohere)$"
)

_SHAPE = re.compile(rb"[0-9a-f]{32}|[0-9a-f]{64}|[A-Za-z0-9]{32}|[A-Za-z0-9]{40}|[A-Za-z0-9+/]{40}")
_HEX = re.compile(rb"[0-9a-f]+")
_LETTER = re.compile(rb"[A-Za-z]")
_DIGIT = re.compile(rb"[0-9]")
_LEAST_DIGITS = 3  # of a value of any other length, lest it be a name in a program

_NEAR = 120
_AWS_SECRET = re.compile(
    rb"(?<![A-Za-z0-9+/])(?=[a-z0-9+/]*[A-Z])(?=[A-Z0-9+/]*[a-z])(?=[A-Za-z+/]*[0-9])"
    rb"(?:[A-Za-z0-9+]|\\*/){40}(?![A-Za-z0-9+/=])"
)


def named_secrets(text: bytes) -> Iterator[Span]:
    """The values in `text` that a word for a credential stands before."""
    at = 0
    while (named := _NAMED.search(text, at)) is not None:
        at = named.start() + 1
        start, end_of_name = named.start(2), named.end(1)
        value = cast("re.Match[bytes]", _VALUE.match(text, start))  # 20 characters are there
        if len(value[0]) > _LONGEST:
            # No credential; nor is what follows other names in it, until nearly its end.
            at = max(at, value.end() - _LONGEST)
            continue
        found = value[0].rstrip(_ENDS_SENTENCE)
        secret = plain_spelling(found)
        if (
            len(secret) >= _SHORTEST
            and not PLACEHOLDER.search(secret)
            and _is_credential(text[max(0, end_of_name - _REACH) : end_of_name], secret)
        ):
            at = start + len(found)
            yield Span(start, at, secret)


def beside_access_key(text: bytes, key: Span) -> Iterator[Span]:
    """The secret of an AWS access key where both stand side by side, as in a CSV file."""
    for found in _AWS_SECRET.finditer(text, max(0, key.start - _NEAR), key.end + _NEAR):
        yield Span(*found.span(), plain_spelling(found[0]))


def _is_credential(before: bytes, secret: bytes) -> bool:
    """Whether the words `before` make `secret` a credential, as it is shaped."""
    before = plain_spelling(before).lower()
    digits = len(_DIGIT.findall(secret))
    if not digits or not _LETTER.search(secret) or _NO_CREDENTIAL.search(before):
        return False
    shaped = _SHAPE.fullmatch(secret) is not None
    if _CREDENTIAL.search(before):
        return shaped or digits >= _LEAST_DIGITS
    if not shaped or not _PROVIDER.search(before):
        return False
    # Right after a provider's name a digest is as likely as a key.
    return not (before.endswith((b"mistral", b"cohere")) and _HEX.fullmatch(secret))
