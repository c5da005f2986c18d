"""Names: ids and redacted secrets, called by the order in which they first appear.

So two requests that differ only in what their ids are called, or in how a cassette numbered
its placeholders, have one form. What is an id is the dialect's to say.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmreplay.core.canonical.rules import Rules
    from llmreplay.core.dialect import Dialect, Json

__all__ = ["Naming"]

_OUR_ID = re.compile(r"\{id-\d+\}")
_PLACEHOLDER = re.compile(r"REDACTED-([a-z]+)-(\d+)", re.ASCII)

_AS_THEY_ARE = frozenset({int, bool, type(None)})
_LEAST_INT, _BEYOND_INT = -(2**63), 2**64
"""Between these, JSON numbers are read as integers when they have no fraction."""


class Naming:
    """Gives names in one request, which it must be shown in one order: path, query, body."""

    def __init__(self, dialect: Dialect, rules: Rules) -> None:
        self.ids: dict[str, str] = {}
        self._secrets: dict[tuple[str, str], str] = {}
        self._dialect = dialect
        self._replace = rules.replace
        self._rewrites = True

    def field(self, name: str, text: str) -> str:
        """A query or form field's value."""
        return self._id(text) if text and name in self._dialect.id_keys else self.word(text)

    def word(self, text: str) -> str:
        """A path segment, or what else may be an id as a whole."""
        prefixes = self._dialect.id_prefixes
        if text.startswith(prefixes) and text not in prefixes:
            return self._id(text)
        return self._id(text) if _OUR_ID.fullmatch(text) else self.text(text)

    def text(self, text: str) -> str:
        """Any other text."""
        if self._replace is not None:
            text = self._replace(text)
        return self._known(text)

    def json(self, value: Json, source: bytes) -> Json:
        """A JSON value, keys in order, numbers by value. `source` are the bytes it came from."""
        self._rewrites = self._replace is not None or b"REDACTED-" in source
        return self._value(value, opaque=False)

    def _value(self, value: Json, opaque: bool) -> Json:  # noqa: FBT001  # called for each value
        kind = type(value)
        if kind is str:
            return self.text(value) if self._rewrites else value
        if kind is dict:
            keys = sorted(value)
            if opaque:
                plain = {key: self._value(value[key], opaque) for key in keys}
            else:
                plain = {key: self._member(key, value[key]) for key in keys}
            return {self._known(key): plain[key] for key in keys} if self._rewrites else plain
        if kind is list:
            # Tokens come by the hundred thousand.
            if set(map(type, value)) <= _AS_THEY_ARE:
                return value
            return [self._value(item, opaque) for item in value]
        if kind is float and value.is_integer() and _LEAST_INT <= value < _BEYOND_INT:
            return int(value)
        return value

    def _member(self, key: str, value: Json) -> Json:
        dialect = self._dialect
        if key in dialect.opaque_keys:
            return self._value(value, opaque=True)
        if key in dialect.id_keys:
            if type(value) is list:
                return [self._member(key, item) for item in value]
            if type(value) is str and value:
                return self._id(value)
        return self._value(value, opaque=False)

    def _id(self, text: str) -> str:
        return self.ids.setdefault(text, f"{{id-{len(self.ids) + 1}}}")

    def _known(self, text: str) -> str:
        return _PLACEHOLDER.sub(self._secret, text) if "REDACTED-" in text else text

    def _secret(self, found: re.Match[str]) -> str:
        kind, number = found.groups()
        known = self._secrets.get((kind, number))
        if known is None:
            known = f"REDACTED-{kind}-{len(self._secrets) + 1}"
            self._secrets[kind, number] = known
        return known
