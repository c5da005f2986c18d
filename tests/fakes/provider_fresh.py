"""Ids, texts and values that are never the same twice.

The fake provider answers with these, so that a replay that reached it after all, or that mixed
up two recordings, cannot look like the recording.
"""

from __future__ import annotations

import secrets
import string
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["fresh_id", "fresh_number", "fresh_text", "fresh_value", "pieces"]

_ALPHABET = string.ascii_letters + string.digits
_WORDS = (
    "amber", "boat", "café", "cloud", "drift", "ember", "fjord", "gentle", "harbour", "ink",
    "jasmine", "kettle", "lantern", "meadow", "naïve", "orchard", "pebble", "quiet", "river",
    "straße", "tide", "under", "velvet", "willow", "xylem", "yonder", "zephyr", "東京", "Привет",
)  # fmt: skip
# What has broken files and parsers before: escapes, odd spaces, line separators, astral signs.
_SPICE = (
    '"quoted"',
    "back\\slash",
    "tab\there",
    "👩\u200d💻",
    "é\u0301",
    "a\u2028b",
    "<b>&amp;",
    "100 %",
)


def fresh_id(prefix: str, size: int = 24) -> str:
    """`prefix` and `size` random letters and digits, as the providers make their ids."""
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(size))


def fresh_number(low: int, high: int) -> int:
    """A whole number from `low` to `high`, both included."""
    return low + secrets.randbelow(high - low + 1)


def fresh_text(words: int = 12) -> str:
    """A few sentences on two lines, with characters that are easy to get wrong."""
    chosen = [secrets.choice(_WORDS) for _ in range(words)]
    chosen.insert(words // 2, secrets.choice(_SPICE))
    half = len(chosen) // 2
    return f"{' '.join(chosen[:half]).capitalize()}. \n\n{' '.join(chosen[half:])}…"


def pieces(text: str) -> list[str]:
    """`text` in random pieces of 1 to 9 characters, as a model gives it out."""
    found = []
    while text:
        size = fresh_number(1, 9)
        found.append(text[:size])
        text = text[size:]
    return found


def fresh_value(schema: dict[str, Any]) -> Any:  # noqa: ANN401  # any JSON value
    """A random value that satisfies the JSON schema `schema` (the keywords that SDKs write)."""
    if "enum" in schema:
        return secrets.choice(schema["enum"])
    make = _MAKERS.get(schema.get("type", "string"), _MAKERS["string"])
    return make(schema)


_MAKERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "object": lambda schema: {
        key: fresh_value(inner) for key, inner in schema.get("properties", {}).items()
    },
    "array": lambda schema: [
        fresh_value(schema.get("items", {})) for _ in range(fresh_number(1, 3))
    ],
    "integer": lambda _: fresh_number(0, 10_000),
    "number": lambda _: fresh_number(0, 10_000) / 64,
    "boolean": lambda _: bool(secrets.randbelow(2)),
    "string": lambda _: f"{secrets.choice(_WORDS)} {secrets.token_hex(3)}",
}
