"""Rules: what `ignore`, `replace`, presets and the dialect's volatile paths do, compiled once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from llmreplay.core.canonical.paths import compiled_path
from llmreplay.core.canonical.patterns import replacing
from llmreplay.core.canonical.presets import PRESETS
from llmreplay.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from llmreplay.core.canonical.paths import Path
    from llmreplay.core.canonical.settings import MatchSettings
    from llmreplay.core.dialect import Dialect, Json

__all__ = ["Rules", "rules_for"]


@dataclass(frozen=True, slots=True)
class Rules:
    """What to leave out and what to replace.

    `by_field` are the paths by the top-level field that they begin with, `anywhere` the others.
    """

    by_field: Mapping[str, tuple[Path, ...]]
    anywhere: tuple[Path, ...]
    query: frozenset[str]
    replace: Callable[[str], str] | None

    def leave_out(self, value: Json, source: bytes | None = None) -> None:
        """Remove what the paths select, all as `value` is now; in place.

        `source` are the bytes that `value` was read from, where it was.
        """
        found: dict[int, tuple[Any, set[Any]]] = {}
        for path in self._paths_into(value):
            if source is None or all(name in source for name in path.names):
                for holder, key in path.select(value):
                    found.setdefault(id(holder), (holder, set()))[1].add(key)
        for holder, keys in found.values():
            # From the end: the indexes before it stay true.
            for key in sorted(keys, reverse=True):
                del holder[key]

    def _paths_into(self, value: Json) -> Iterator[Path]:
        if isinstance(value, dict):
            for field in self.by_field.keys() & value.keys():
                yield from self.by_field[field]
        yield from self.anywhere


def rules_for(settings: MatchSettings, dialect: Dialect) -> Rules:
    """The rules of `settings`, its presets and `dialect`. Raises UsageError for a wrong one."""
    return _compiled(settings.ignore, settings.replace, settings.presets, dialect.volatile)


@lru_cache(maxsize=256)
def _compiled(
    ignore: tuple[str, ...],
    replace: tuple[tuple[str, str], ...],
    presets: tuple[str, ...],
    volatile: tuple[str, ...],
) -> Rules:
    unknown = [name for name in presets if name not in PRESETS]
    if unknown:
        raise UsageError(f'match.presets: "{unknown[0]}" is none of {", ".join(PRESETS)}')
    chosen = [PRESETS[name] for name in presets]
    ignored = [*ignore, *(path for preset in chosen for path in preset.ignore)]
    replaced = [*replace, *(pair for preset in chosen for pair in preset.replace)]
    paths = [
        compiled_path(text)
        for text in dict.fromkeys((*volatile, *ignored))
        if not text.startswith("?")
    ]
    by_field: dict[str, tuple[Path, ...]] = {}
    for path in paths:
        if path.field is not None:
            by_field[path.field] = (*by_field.get(path.field, ()), path)
    return Rules(
        by_field=MappingProxyType(by_field),
        anywhere=tuple(path for path in paths if path.field is None),
        query=frozenset(text[1:] for text in ignored if text.startswith("?")),
        replace=replacing(tuple(replaced)) if replaced else None,
    )
