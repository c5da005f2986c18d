"""Reads documents that look as `writing` writes them; of all others it says that it cannot.

Four times as fast as libyaml, whose events are Python objects each: what makes a cold start with
10,000 exchanges bearable. It knows one way to write each thing and takes nothing for granted:
whatever a person or another tool has written otherwise, broken or not, is `reading`'s. Where
both read a text, they read the same; a test holds them to it on mutilated documents.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from llmreplay.cassettes.reading import TEXT, json_scalar
from llmreplay.cassettes.writing import MAX_DEPTH, SPECIAL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmreplay.cassettes.reading import Shape

__all__ = ["UNKNOWN", "read_written"]

UNKNOWN: Final = object()
"""The answer for text that is written in any other way."""

_QUOTED = r"""'(?:[^'\n]|'')*'|"(?:[^"\\\n]|\\.)*\""""
_PLAIN_KEY = r"[A-Za-z_$/][A-Za-z0-9_./$-]*"
_LINE = re.compile(rf"^( *)((?:- )*)(?:({_PLAIN_KEY}|{_QUOTED}):(?: |$))?(.*)$", re.MULTILINE)
_BLOCK = re.compile(r"\|(2?)([-+]?)")
_NUMBER_ROW = re.compile(r"\[-?[0-9][0-9.eE+-]*(?:, -?[0-9][0-9.eE+-]*)*\]")
_FLOW_ENTRY = re.compile(
    rf"({_PLAIN_KEY}|{_QUOTED}): "
    rf"({_QUOTED}|\d{{4}}-\d\d-\d\dT[\d:]+Z|[A-Za-z0-9_/.(][^,\[\]{{}}:?#\n]*)(?:, |$)"
)
_MAX_BYTES: Final = 1 << 20
"""Beyond it, libyaml's bounds hold, and blocks of text are no slower with it."""

_INDICATORS: Final = frozenset("-?:,[]{}#&*!|>'\"%@` ")
_ORDINARY: Final = bytes([0x0A, *range(0x20, 0x7F)])


def read_written(data: bytes, shape: Shape) -> Any:  # noqa: ANN401  # whatever stands there
    """The value of a document, from `---` to `...`, or `UNKNOWN`."""
    if not (data.startswith(b"---\n") and data.endswith(b"\n...\n")) or len(data) > _MAX_BYTES:
        return UNKNOWN
    try:
        text = data[4:-4].decode()
        if data.translate(None, _ORDINARY) and SPECIAL.search(text):
            return UNKNOWN
        return _Written(text).document(shape)
    except (_OtherwiseError, ValueError):
        return UNKNOWN


class _OtherwiseError(Exception):
    """Something is written in a way that is not ours."""


class _Written:
    """The lines of a document, and which is next.

    A token is a line's indentation, its dashes, its key, quoted or not, and what follows.
    """

    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")
        self._tokens: list[tuple[str, str, str, str]] = _LINE.findall(text)
        self._next = 0
        self._end = len(self._lines) - 1  # the text ends with a line break

    def document(self, shape: Shape) -> dict[str, Any]:
        value = self._mapping(0, shape, 0)
        if self._next != self._end:
            raise _OtherwiseError
        return value

    def _mapping(self, column: int, shape: Shape, depth: int) -> dict[str, Any]:
        """The mapping whose keys stand in `column`, of which one is next."""
        if depth > MAX_DEPTH:
            raise _OtherwiseError
        children, others = shape.children, shape.others or shape
        tokens, end = self._tokens, self._end
        mapping: dict[str, Any] = {}
        while self._next < end:
            indent, dashes, key, rest = tokens[self._next]
            if len(indent) != column or dashes or not key:
                break
            if key[0] in "'\"":
                key = _unquoted(key)
            if key in mapping:
                raise _OtherwiseError
            mapping[key] = self._value(rest, column, children.get(key, others), depth)
        if not mapping:
            raise _OtherwiseError
        return mapping

    def _sequence(self, column: int, shape: Shape, depth: int) -> list[Any]:
        """The sequence whose dashes stand in `column`, of which one is next."""
        if depth > MAX_DEPTH:
            raise _OtherwiseError
        tokens = self._tokens
        items: list[Any] = []
        while self._next < self._end:
            indent, dashes, key, rest = tokens[self._next]
            if len(indent) != column or not dashes:
                break
            if len(dashes) == len("- ") and not key:
                items.append(self._value(rest, column, shape, depth))
                continue
            # What follows the dash is read as if it stood alone in its column.
            tokens[self._next] = (indent + "  ", dashes[2:], key, rest)
            inner = self._sequence if len(dashes) > len("- ") else self._mapping
            items.append(inner(column + 2, shape, depth + 1))
        return items

    def _value(self, rest: str, column: int, shape: Shape, depth: int) -> Any:  # noqa: ANN401
        """What stands after a key, or a dash, in `column`: on its line, or on those below."""
        self._next += 1
        if not rest:
            return self._below(column, shape, depth)
        first = rest[0]
        if first not in _INDICATORS:
            if ": " in rest or " #" in rest or rest[-1] in ": \t" or "\t" in rest:
                raise _OtherwiseError
            return json_scalar(rest) if shape.is_json else rest
        if first in "'\"":
            return _unquoted(rest)
        if first == "|":
            return self._block(rest, column)
        if first in "[{":
            return _row(rest, shape)
        if first == "-" and shape.is_json and not isinstance(number := json_scalar(rest), str):
            return number
        raise _OtherwiseError

    def _below(self, column: int, shape: Shape, depth: int) -> Any:  # noqa: ANN401
        if self._next >= self._end:
            raise _OtherwiseError
        indent, dashes, _, _ = self._tokens[self._next]
        if dashes and len(indent) == column:
            return self._sequence(column, shape, depth + 1)
        if len(indent) == column + 2 and not dashes:
            return self._mapping(column + 2, shape, depth + 1)
        raise _OtherwiseError

    def _block(self, header: str, column: int) -> str:
        """A literal block; its lines stand two to the right of `column`."""
        found = _BLOCK.fullmatch(header)
        if found is None:
            raise _OtherwiseError
        pad = " " * (column + 2)
        start, lines = self._next, self._lines
        at = start
        while at < self._end and (not lines[at] or lines[at].startswith(pad)):
            at += 1
        self._next = at
        content = [line[column + 2 :] for line in lines[start:at]]
        blank = 0
        while content and not content[-1]:
            blank += 1
            content.pop()
        # Without the indicator, the first line tells where the block stands.
        if not content or (not found[1] and (not content[0] or content[0][0] in " \t")):
            raise _OtherwiseError
        text = "\n".join(content)
        if found[2] == "+":
            return text + "\n" * (blank + 1)
        return text if found[2] else text + "\n"


def _unquoted(written: str) -> str:
    if written[0] == "'":
        text = written[1:-1].replace("''", "\0")
        if written[-1] != "'" or len(written) == 1 or "'" in text:
            raise _OtherwiseError
        return text.replace("\0", "'")
    # JSON's escapes mean the same in YAML, but for surrogates, which YAML does not have.
    if "\\ud" in written or "\\uD" in written:
        raise _OtherwiseError
    unquoted: str = json.loads(written)
    return unquoted


def _row(written: str, shape: Shape) -> Any:  # noqa: ANN401  # a collection on one line
    if written == "{}":
        return {}
    if written == "[]":
        return []
    if _NUMBER_ROW.fullmatch(written):
        items = written[1:-1].split(", ")
        return list(map(json_scalar, items)) if shape.is_json else items
    if written[0] == "{" and written[-1] == "}" and shape is TEXT:
        return _flow_mapping(written)
    raise _OtherwiseError


def _flow_mapping(written: str) -> Mapping[str, str]:
    mapping: dict[str, str] = {}
    at, end = 1, len(written) - 1
    while at < end:
        found = _FLOW_ENTRY.match(written, at, end)
        if found is None:
            raise _OtherwiseError
        key, value = found.groups()
        if key[0] in "'\"":
            key = _unquoted(key)
        if key in mapping or value[-1] == " ":
            raise _OtherwiseError
        mapping[key] = _unquoted(value) if value[0] in "'\"" else value
        at = found.end()
    return mapping
