"""The string values of a stream's events by path, so that texts told in pieces can be joined.

A stream tells a text piece by piece at one path. Where several are told at once (choices, tool
calls), positions, indexes or ids beside the pieces tell them apart. Knows no dialect. Where in
the bytes the pieces are is worked out only when it matters. Who calls: `streams`, `frames`.
"""

from __future__ import annotations

import contextlib
import json
import re
from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["SEPARATOR", "Leaves", "Piece"]

Piece: TypeAlias = "tuple[int, int]"
"""Where a piece begins and ends; between quotes, escapes left as they are."""

SEPARATOR = b"\0"
"""Stands between texts that are searched together; no secret has it."""

_LITERAL = re.compile(rb'"([^"\\]*(?:\\.[^"\\]*)*)"(\s*:)?', re.DOTALL)
_JSON = (b"{", b"[", b'"')
_INNER = frozenset({str, dict, list})
_TELLING = ("ndex", "id")
_ELEMENTS = 0
"""Where in a tree of paths the elements of an array are, if their positions do not count."""

_Node: TypeAlias = "dict[Any, Any]"
"""Keys to further nodes; under None, the numbers of the leaves here."""


class _ToldApart(Enum):
    """What, besides the path, tells texts apart."""

    BY_PLACE = auto()
    """Positions in arrays, and numbers called index."""
    BY_LAST_PLACE = auto()
    """The position in the innermost array alone: the n-th alternative of each token."""
    BY_ID = auto()
    BY_NAME = auto()
    """The names of events."""
    BY_NOTHING = auto()


class _Lines(list[str]):
    """A payload that is no JSON: its lines."""


@dataclass(frozen=True, slots=True)
class _Payload:
    """One event's payload. `first` is the number of its first leaf."""

    value: Any
    name: str
    first: int
    spans: Callable[[], Iterable[Piece]]

    def places(self, source: bytes) -> Iterator[Piece]:
        """Where in `source` its leaves are, in their order."""
        if isinstance(self.value, _Lines):
            yield from self.spans()
            return
        for start, end in self.spans():
            for literal in _LITERAL.finditer(source, start, end):
                if literal[2] is None:  # no colon after it: a value
                    yield literal.span(1)


class Leaves:
    """Collects the string values of one stream's events."""

    def __init__(self) -> None:
        self._payloads: list[_Payload] = []
        self._texts: list[str] = []
        self._paths: _Node = {}
        self._first_seen: dict[str, object] = {}
        self._several: set[_ToldApart] = {_ToldApart.BY_NOTHING}

    def add(self, payload: bytes, name: str, spans: Callable[[], Iterable[Piece]]) -> None:
        """One event's payload; `spans` tells where its lines are. If no JSON, it is a leaf."""
        value = _read(payload)
        self._payloads.append(_Payload(value, name, len(self._texts), spans))
        if name != self._payloads[0].name:
            self._several.add(_ToldApart.BY_NAME)
        self._note(value, self._paths)

    @property
    def told(self) -> bytes:
        """All texts that are told in pieces, decoded, put together."""
        texts = ("".join(self._texts[number] for number in group) for group in self._groups)
        return b"".join(text.encode("utf-8", "surrogatepass") + SEPARATOR for text in texts)

    def groups(self, source: bytes) -> Iterator[list[Piece]]:
        """Where in `source` the pieces of each text are, the surest texts first.

        A piece may be in several.
        """
        places: dict[int, Piece] = {}
        for payload in self._payloads:
            places.update(enumerate(payload.places(source), start=payload.first))
        for group in self._groups:
            yield [places[number] for number in group if number in places]

    def _note(self, value: Any, node: _Node) -> None:  # noqa: ANN401  # any JSON
        """Takes in the leaves of `value`, whose path is `node`, and what could tell texts apart.

        Depth first and without recursion, since JSON may be nested deeply.
        """
        left = [(value, node)]
        while left:
            value, node = left.pop()
            if value.__class__ is str:
                node.setdefault(None, []).append(len(self._texts))
                self._texts.append(value)
            elif value.__class__ is dict:
                for key, inner in reversed(value.items()):
                    if inner.__class__ in _INNER:
                        left.append((inner, node.setdefault(key, {})))
                    if key.endswith(_TELLING):
                        self._compare(key, inner)
            else:  # a list, as no others come here
                if len(value) > 1:
                    self._several |= {_ToldApart.BY_PLACE, _ToldApart.BY_LAST_PLACE}
                node = node.setdefault(_ELEMENTS, {})
                left += reversed([(inner, node) for _, inner in _elements(value)])

    def _compare(self, key: str, value: object) -> None:
        """Whether an index or id is the same everywhere; mostly it is."""
        if self._first_seen.setdefault(key, value) != value:
            kind = _ToldApart.BY_ID if key.endswith("id") else _ToldApart.BY_PLACE
            self._several.add(kind)

    @cached_property
    def _groups(self) -> list[list[int]]:
        """The leaves, by number, that may make up one text."""
        groups: dict[tuple[int, ...], list[int]] = {}
        for told_apart in _ToldApart:
            if told_apart in self._several:
                for numbers in _leaves_by_path(self._tree(told_apart)):
                    # What says the same in every event tells no text in pieces.
                    if len({self._texts[number] for number in numbers}) > 1:
                        groups.setdefault(tuple(numbers), numbers)
        return list(groups.values())

    def _tree(self, told_apart: _ToldApart) -> _Node:
        if told_apart is _ToldApart.BY_NOTHING:
            return self._paths
        tree: _Node = {}
        for payload in self._payloads:
            root = tree.setdefault(payload.name, {})
            left = [(payload.value, root, root)]
            number = payload.first
            while left:
                value, node, path = left.pop()
                if value.__class__ is str:
                    node.setdefault(None, []).append(number)
                    number += 1
                else:
                    left += reversed(list(_CHILDREN[told_apart](value, node, path)))
        return tree


_Children: TypeAlias = "Iterator[tuple[Any, _Node, _Node]]"
"""What is in a value, with its node and with the node of its bare path."""


def _by_place(value: Any, node: _Node, _path: _Node) -> _Children:  # noqa: ANN401  # any JSON
    if value.__class__ is dict:
        yield from _fields(value, _tagged(value, node, "ndex"), {})
    else:
        for position, inner in _elements(value):
            yield inner, node.setdefault(position, {}), {}


def _by_last_place(value: Any, node: _Node, path: _Node) -> _Children:  # noqa: ANN401  # the same
    if value.__class__ is dict:
        yield from _fields(value, node, path)
    else:
        elements = path.setdefault(_ELEMENTS, {})
        for position, inner in _elements(value):
            yield inner, path.setdefault(("at", position), {}), elements


def _by_id(value: Any, node: _Node, path: _Node) -> _Children:  # noqa: ANN401  # the same
    tagged = _tagged(value, node, "id") if value.__class__ is dict else node
    yield from _by_path(value, tagged, path)


def _by_path(value: Any, node: _Node, _path: _Node) -> _Children:  # noqa: ANN401  # the same
    if value.__class__ is dict:
        yield from _fields(value, node, {})
    else:
        elements = node.setdefault(_ELEMENTS, {})
        for _, inner in _elements(value):
            yield inner, elements, {}


_CHILDREN = {
    _ToldApart.BY_PLACE: _by_place,
    _ToldApart.BY_LAST_PLACE: _by_last_place,
    _ToldApart.BY_ID: _by_id,
    _ToldApart.BY_NAME: _by_path,
}


def _fields(value: dict[str, Any], node: _Node, path: _Node) -> _Children:
    for key, inner in value.items():
        if inner.__class__ in _INNER:
            yield inner, node.setdefault(key, {}), path.setdefault(key, {})


def _elements(value: list[Any]) -> Iterator[tuple[int, Any]]:
    """Those that can hold a string: of numbers, as in embeddings, there may be thousands."""
    for position, inner in enumerate(value):
        if inner.__class__ in _INNER:
            yield position, inner


def _tagged(value: dict[str, Any], node: _Node, ending: str) -> _Node:
    """The node for an object that has these indexes, or these ids."""
    tag = tuple(
        (key, inner)
        for key, inner in value.items()
        if key.endswith(ending) and isinstance(inner, str | int)
    )
    return node.setdefault(tag, {}) if tag else node


def _leaves_by_path(tree: _Node) -> Iterator[list[int]]:
    nodes = [tree]
    while nodes:
        node = nodes.pop()
        if None in node:
            yield node[None]
        nodes += [inner for key, inner in reversed(node.items()) if key is not None]


def _read(payload: bytes) -> Any:  # noqa: ANN401  # any JSON
    """The JSON value, or the lines of what is none."""
    if payload.lstrip().startswith(_JSON):
        try:
            return orjson.loads(payload)
        except orjson.JSONDecodeError:
            # Some servers write NaN, or half a surrogate pair.
            with contextlib.suppress(ValueError, RecursionError):
                return json.loads(payload)
    return _Lines(payload.decode("utf-8", "surrogateescape").split("\n"))
