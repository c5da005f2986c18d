"""Headers ⇄ the mapping that stands for them in a cassette.

Order and duplicates are kept: a name that repeats has a list of values, and where that would
lose their order, the headers are a list of pairs. Nothing that is read is trusted: what cannot
travel in a header is refused.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Any, Final

from llmreplay.cassettes.mistakes import Mistake
from llmreplay.cassettes.writing import Row

if TYPE_CHECKING:
    from llmreplay.core.exchange import Headers

__all__ = ["TOKEN", "headers_of", "stored_headers"]

TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""What names of headers and methods are: RFC 9110, 5.6.2."""

_LINE_END = re.compile("[\r\n\0]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_SHAPE: Final = "headers are a mapping of names to values, or a list of [name, value] pairs"


def stored_headers(headers: Headers) -> Row | list[list[Any]]:
    """`headers` as they stand in a cassette.

    Raises:
        Mistake: a name or value that could not have travelled.
    """
    pairs = [(name, _stored(value)) for name, value in _checked(headers)]
    grouped: dict[str, list[Any]] = {}
    for name, value in pairs:
        grouped.setdefault(name, []).append(value)
    in_order = [(name, value) for name, values in grouped.items() for value in values]
    if in_order != pairs:
        return [list(pair) for pair in pairs]
    return Row({name: values if values[1:] else values[0] for name, values in grouped.items()})


def headers_of(stored: object) -> Headers:
    """The headers that stand in a cassette.

    Raises:
        Mistake: they are of another shape, or could not travel.
    """
    if isinstance(stored, dict):
        pairs = [
            (name, value if isinstance(value, str) else _text(value, name))
            for name, values in stored.items()
            for value in (values if isinstance(values, list) else (values,))
        ]
    elif isinstance(stored, list):
        pairs = [_pair(item, index) for index, item in enumerate(stored)]
    else:
        raise Mistake((), _SHAPE)
    return _checked(tuple(pairs))


def _checked(headers: Headers) -> Headers:
    for name, value in headers:
        if not TOKEN.fullmatch(name):
            raise Mistake((name,), f"{name!r} is no name of a header")
        if _LINE_END.search(value):
            raise Mistake((name,), f"the header {name!r} holds a line break or NUL; take it out")
    return headers


def _pair(item: object, index: int) -> tuple[str, str]:
    match item:
        case [str(name), value]:
            return name, _text(value, index)
        case _:
            raise Mistake((index,), _SHAPE)


def _stored(value: str) -> str | dict[str, str]:
    """Bytes beyond UTF-8 come from the wire as lone surrogates, which no YAML holds."""
    if not _SURROGATE.search(value):
        return value
    return {"base64": base64.b64encode(value.encode(errors="surrogateescape")).decode()}


def _text(stored: object, step: str | int) -> str:
    match stored:
        case str():
            return stored
        case {"base64": str(coded), **rest} if not rest:
            try:
                return base64.b64decode(coded, validate=True).decode(errors="surrogateescape")
            except binascii.Error as error:
                raise Mistake((step,), f"not base64: {error}") from error
        case _:
            raise Mistake((step,), "a header's value is text")
