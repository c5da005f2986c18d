"""What stands under the keys of a document, each looked at once, its mistakes noted, not raised.

So that a person who mends a cassette is told of everything at once. `document` says which keys
there are.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar

from llmreplay.cassettes.headers import headers_of
from llmreplay.cassettes.mistakes import Mistake, unknown_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llmreplay.cassettes.mistakes import Place
    from llmreplay.core.exchange import Headers

__all__ = ["Fields"]

_T = TypeVar("_T")

_NATURAL = re.compile(r"0|[1-9][0-9]{0,17}")


class Fields:
    """A mapping in a document, and the list to which the document's mistakes go."""

    def __init__(self, values: Mapping[str, Any], place: Place, mistakes: list[Mistake]) -> None:
        self.values = values
        self._place = place
        self._mistakes = mistakes

    def note(self, mistake: Mistake) -> None:
        """Remember `mistake`, whose place is one in this mapping."""
        self._mistakes.append(mistake.below(*self._place))

    def trying(self, read: Callable[[], _T], otherwise: _T) -> _T:
        """What `read` gives, or `otherwise` and its mistake noted."""
        try:
            return read()
        except Mistake as mistake:
            self.note(mistake)
            return otherwise

    def text(self, key: str, otherwise: str | None = None) -> str:
        """The text under `key`; required unless there is something else instead."""
        value = self.values.get(key, otherwise)
        if isinstance(value, str):
            return value
        self.note(Mistake((key,), f"{key!r} is missing" if value is None else f"{key!r} is text"))
        return ""

    def checked(self, key: str, check: Callable[[str], str]) -> str:
        """The text under `key`, which must be there and pass `check`."""
        text = self.text(key)
        is_text = isinstance(self.values.get(key), str)
        return self.trying(lambda: check(text), "") if is_text else ""

    def natural(self, key: str) -> int:
        """The whole number under `key`, which must be there."""
        text = self.text(key)
        if text and not _NATURAL.fullmatch(text):
            self.note(Mistake((key,), f"{key!r} is a whole number, not {text!r}"))
        return int(text) if _NATURAL.fullmatch(text) else 0

    def naturals(self, key: str) -> tuple[int, ...] | None:
        """The numbers under `key`, or None if there is no such key."""
        values = self.values.get(key)
        if values is None:
            return None
        if isinstance(values, list) and all(isinstance(item, str) for item in values):
            numbers = [int(item) for item in values if _NATURAL.fullmatch(item)]
            if len(numbers) == len(values):
                return tuple(numbers)
        self.note(Mistake((key,), f"{key!r} is a list of whole numbers"))
        return None

    def headers(self) -> Headers:
        """The headers in this mapping, if there are any."""
        try:
            return headers_of(self.values.get("headers", {}))
        except Mistake as mistake:
            self.note(mistake.below("headers"))
            return ()

    def section(self, key: str, known: frozenset[str], *, required: bool = True) -> Fields:
        """The mapping under `key`, which holds no keys but those that are `known`."""
        value = self.values.get(key, None if required else {})
        if not isinstance(value, dict):
            reason = f"{key!r} is missing" if value is None else f"{key!r} is a mapping"
            self.note(Mistake((key,), reason))
            return Fields({}, (), [])  # said once: what is missing in it goes nowhere
        section = Fields(value, (*self._place, key), self._mistakes)
        for mistake in unknown_keys(value, known):
            section.note(mistake)
        return section
