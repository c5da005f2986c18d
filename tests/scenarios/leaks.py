"""Looks for keys in what a process left behind, in every spelling that is common.

It knows the keys and nothing of redaction: 15 characters of any spelling are a leak.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode, urlsafe_b64encode
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Sought", "in_base64", "spellings"]

_PIECE = 12
_STEP = 4


class Sought:
    """Keys by name; `found_in` names those of which something is in a text."""

    def __init__(self, keys: Iterable[tuple[str, str]]) -> None:
        self._pieces: dict[str, str] = {}
        for name, key in keys:
            self.add(name, key)

    def add(self, name: str, key: str) -> None:
        """Seek this one, too."""
        for spelling in spellings(key):
            for at in range(0, max(1, len(spelling) - _PIECE + 1), _STEP):
                self._pieces[spelling[at : at + _PIECE]] = f"{name}: {key}"

    def found_in(self, text: bytes | str) -> set[str]:
        """The keys of which a piece is in `text`, also where YAML folded a line."""
        told = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
        unfolded = re.sub(r"\\?\n\s*\\?", "", told)
        return set(self._in(told)) | set(self._in(unfolded))

    def _in(self, text: str) -> Iterator[str]:
        pieces = self._pieces
        for at in range(len(text) - _PIECE + 1):
            if (piece := text[at : at + _PIECE]) in pieces:
                yield f"{pieces[piece]} in …{text[max(0, at - 60) : at + 60]}…"


def spellings(key: str) -> set[str]:
    """The key as it is, and in each encoding that somebody might look through."""
    raw = key.encode()
    return {
        key,
        json.dumps(key)[1:-1],
        json.dumps(json.dumps(key))[3:-3],
        quote(key, safe=""),
        quote_plus(key),
        raw.hex(),
        raw.hex().upper(),
        *in_base64(key, 0),
        *in_base64(key, 1),
        *in_base64(key, 2),
    }


def in_base64(key: str, before: int) -> set[str]:
    """What base64 has of nothing but the key, where `before` bytes come before it."""
    raw = bytes(before) + key.encode()
    first = -(-before * 8 // 6)
    last = len(raw) * 8 // 6
    return {encoded(raw).decode()[first:last] for encoded in (b64encode, urlsafe_b64encode)}
