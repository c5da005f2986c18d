"""The string values of JSON texts by their paths, so that a text told in pieces can be joined.

A stream tells a text piece by piece at one path. Where several are told at once (choices, tool
calls), positions, indexes or ids beside the pieces tell them apart. Knows no dialect, keeps no
values but ids, and reads tolerantly: what is broken has fewer leaves. Who calls: `streams`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator

__all__ = ["Leaves", "Piece"]

Piece = tuple[int, int]
"""Where the text between two quotes begins and ends; escapes in it are left as they are."""

_TOKEN = re.compile(rb'"([^"\\]*(?:\\.[^"\\]*)*)"(\s*:)?|[{}\[\],]', re.DOTALL)
_NUMBER = re.compile(rb"\s*(\d+)")


class _Node:
    """A path, array positions left out, and the pieces told there."""

    __slots__ = ("children", "pieces")

    def __init__(self) -> None:
        self.children: dict[bytes, _Node] = {}
        self.pieces: list[tuple[Piece, _Scope, int]] = []

    def child(self, key: bytes) -> _Node:
        node = self.children.get(key)
        if node is None:
            node = self.children[key] = _Node()
        return node


@dataclass(slots=True)
class _Scope:
    """One object or array: where it is in its parent, and what in it may tell texts apart."""

    node: _Node
    parent: _Scope | None
    is_array: bool
    place: int
    position: int = 0
    key: bytes = b""
    indexes: list[bytes] = field(default_factory=list)
    ids: list[bytes] = field(default_factory=list)


class Leaves:
    """Collects the string values of one stream's events."""

    def __init__(self) -> None:
        self._root = _Node()
        self._several = False  # whether positions or indexes differ anywhere
        self._indexes: dict[bytes, bytes] = {}
        self._ids: dict[bytes, bytes] = {}
        self._several_ids = False

    def add_text(self, place: Piece, name: bytes) -> None:
        """A payload that is no JSON is a leaf itself, apart from others by its event's name."""
        root = self._root.child(b"\0" + name)
        root.pieces.append((place, _Scope(root, None, is_array=False, place=0), 0))

    def add_json(self, text: bytes, spans: Iterable[Piece], name: bytes = b"") -> None:
        """One JSON value in `text`, written over `spans` (the data lines of one event)."""
        scope = _Scope(self._root.child(name), None, is_array=False, place=0)
        for start, end in spans:
            for token in _TOKEN.finditer(text, start, end):
                scope = self._step(text, token, scope)

    def groups(self) -> Iterator[list[Piece]]:
        """Pieces that may make up one text, the surest groups first; a piece may be in several."""
        nodes = [node for node in _all(self._root) if len(node.pieces) > 1]
        if self._several:
            yield from _grouped(nodes, _places)
        if self._several_ids:
            yield from _grouped(nodes, _ids)
        for node in nodes:
            yield [piece for piece, _, _ in node.pieces]

    def _step(self, text: bytes, token: re.Match[bytes], scope: _Scope) -> _Scope:
        """The scope after `token`."""
        string, colon = token.groups()
        if string is not None:
            if colon:
                self._key(text, string, token.end(), scope)
            else:
                self._leaf(token.span(1), string, scope)
            return scope
        match token[0]:
            case b"{" | b"[":
                node = scope.node.child(b"[" if scope.is_array else scope.key)
                self._several = self._several or scope.position > 0
                return _Scope(node, scope, token[0] == b"[", place=scope.position)
            case b"," if scope.is_array:
                scope.position += 1
            case b"}" | b"]" if scope.parent is not None:
                return scope.parent
        return scope

    def _key(self, text: bytes, key: bytes, end: int, scope: _Scope) -> None:
        scope.key = key
        if key.endswith(b"ndex") and (number := _NUMBER.match(text, end)):
            scope.indexes.append(number[1])
            self._several = self._several or self._indexes.setdefault(key, number[1]) != number[1]

    def _leaf(self, place: Piece, value: bytes, scope: _Scope) -> None:
        node = scope.node.child(b"[" if scope.is_array else scope.key)
        node.pieces.append((place, scope, scope.position))
        self._several = self._several or scope.position > 0
        if scope.key.endswith(b"id") and not scope.is_array:
            scope.ids.append(value)
            self._several_ids = self._several_ids or (
                self._ids.setdefault(scope.key, value) != value
            )


def _all(node: _Node) -> Iterator[_Node]:
    nodes = [node]
    while nodes:
        node = nodes.pop()
        nodes += node.children.values()
        yield node


def _grouped(
    nodes: Iterable[_Node], told_apart: Callable[[_Scope], Hashable]
) -> Iterator[list[Piece]]:
    """The pieces of each path, by what tells them apart; those that stand alone are left out."""
    for node in nodes:
        groups: dict[Hashable, list[Piece]] = {}
        for piece, scope, position in node.pieces:
            groups.setdefault((told_apart(scope), position), []).append(piece)
        yield from (group for group in groups.values() if len(group) > 1)


def _places(scope: _Scope | None) -> Hashable:
    """The positions in arrays and the indexes on the way to `scope`."""
    way: list[object] = []
    while scope is not None:
        way += [scope.place, *scope.indexes]
        scope = scope.parent
    return tuple(way)


def _ids(scope: _Scope | None) -> Hashable:
    """The ids on the way to `scope`."""
    way: list[bytes] = []
    while scope is not None:
        way += scope.ids
        scope = scope.parent
    return tuple(way)
