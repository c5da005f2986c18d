"""Patterns: what `match.replace` replaces, by RE2, which cannot backtrack for ever."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from llmreplay.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["compiled_pattern", "encodable", "replacing"]


def replacing(pairs: tuple[tuple[str, str], ...]) -> Callable[[str], str]:
    """All replacements as one function. One search tells most texts that none applies."""
    # Each by itself first: a mistake in one is told of as such.
    compiled = [(compiled_pattern(pattern), text) for pattern, text in pairs]
    any_of = compiled_pattern("|".join(f"(?:{pattern})" for pattern, _ in pairs))

    def replace(text: str) -> str:
        text = encodable(text)
        if any_of.search(text) is not None:
            for pattern, instead in compiled:
                text = pattern.sub(lambda _found, instead=instead: instead, text)
        return text

    return replace


def encodable(text: str) -> str:
    """`text`, lone surrogates as `?`: RE2 works on UTF-8, which has none."""
    return text if text.isascii() else text.encode(errors="replace").decode()


@lru_cache(maxsize=256)
def compiled_pattern(pattern: str) -> Any:  # noqa: ANN401  # re2 has no types
    """An RE2 pattern, ready to be used. Raises UsageError if it is none."""
    import re2  # noqa: PLC0415  # only those who set a pattern pay for it

    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0].decode() if isinstance(error.args[0], bytes) else error.args[0]
        raise UsageError(f'match.replace: "{pattern}" is no RE2 pattern: {reason}') from error
