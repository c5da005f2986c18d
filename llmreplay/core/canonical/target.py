"""Targets: the path and the query of a URL, each spelled one way."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import parse_qsl, quote, unquote_to_bytes

__all__ = ["encoded", "path_of", "query_of", "segments"]

_BEFORE_PATH = re.compile(r"[a-zA-Z][\w+.-]*://[^/?#]*")
_PLAIN = re.compile(r"[\w.:-]*", re.ASCII)
_SAFE = "!$&'()*+,;=:@{}"
"""What RFC 3986 lets stand in a path segment, and the braces of `{id-1}`."""


@lru_cache(maxsize=1024)
def segments(url: str) -> tuple[str, ...]:
    """The path's segments, decoded; `//` counts as `/`. The last is "" after a slash.

    Kept, as is `encoded`: thousands of recordings share a few URLs.
    """
    path, _ = _path_and_query(url)
    return tuple(
        unquote_to_bytes(_as_bytes(segment)).decode("utf-8", "surrogateescape")
        if "%" in segment
        else segment
        for segment in re.sub(r"/{2,}", "/", path).removeprefix("/").split("/")
    )


@lru_cache(maxsize=1024)
def encoded(parts: tuple[str, ...]) -> str:
    """Decoded segments → a path, percent-encoded only where it must be."""
    return "/" + "/".join(
        part if _PLAIN.fullmatch(part) else quote(_as_bytes(part), safe=_SAFE) for part in parts
    )


def path_of(url: str) -> str:
    """The path of `url`, spelled one way."""
    return encoded(segments(url))


def query_of(url: str) -> list[tuple[str, str]]:
    """The query's fields by name, those of one name in their order."""
    _, query = _path_and_query(url)
    if not query:
        return []
    fields = parse_qsl(query, keep_blank_values=True, errors="surrogateescape")
    return sorted(fields, key=lambda pair: pair[0])


def _path_and_query(url: str) -> tuple[str, str]:
    beginning = _BEFORE_PATH.match(url)
    rest = url[beginning.end() :] if beginning is not None else url
    path, _, query = rest.partition("#")[0].partition("?")
    return path, query


def _as_bytes(text: str) -> bytes:
    """Text off the wire → its bytes, also where they were no UTF-8."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
