"""The parts of a URL that carry credentials: user information and some query parameters.

Works on URLs and request targets as they came, however malformed, and changes nothing else in
them: no decoding, no sorting, no normalisation.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from llmreplay.core.redaction.places import is_credential_query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["url_secrets", "without_credentials"]

_USER_INFORMATION = re.compile(r"(?<=://)[^/?#\s]*@")
_PARAMETER = re.compile(r"(?<=[?&])([^=&#?]*)=([^&#]+)")
# Of what signs a URL, these are no secrets; a date or an algorithm may be anywhere.
_TELLS_NOTHING = re.compile(
    r"x-(?:amz|goog)-(?:algorithm|date|expires|signedheaders)", re.IGNORECASE
)


def url_secrets(url: str) -> Iterator[bytes]:
    """The credentials in `url`, decoded."""
    if found := _USER_INFORMATION.search(url):
        user, _, password = found[0].removesuffix("@").partition(":")
        yield unquote_to_bytes(password or user)
    for name, value in _PARAMETER.findall(url):
        if is_credential_query(name) and not _TELLS_NOTHING.fullmatch(name):
            secret = unquote_to_bytes(value)
            # Of a signed URL's credential, the part after the key tells where and when.
            yield secret.partition(b"/")[0] if name.lower().endswith("-credential") else secret


def without_credentials(url: str, placeholder: Callable[[bytes], str]) -> str:
    """`url` without user information, each credential parameter a placeholder for its value."""

    def hidden(parameter: re.Match[str]) -> str:
        name, value = parameter.groups()
        if not is_credential_query(name):
            return parameter[0]
        return f"{name}={placeholder(unquote_to_bytes(value))}"

    return _PARAMETER.sub(hidden, _USER_INFORMATION.sub("", url, count=1))
