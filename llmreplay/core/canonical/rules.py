"""Rules: what `ignore`, `replace` and the dialect's volatile paths do, compiled once.

The common JSONPaths (names, indexes, `*`, `..name`) are walked here; python-jsonpath, which
does all of RFC 9535, takes 3 to 16 ms for them on 30 kB and 70 ms to import, so it is kept
for filters and slices.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from llmreplay.core.canonical.presets import PRESETS
from llmreplay.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import jsonpath

    from llmreplay.core.canonical.settings import MatchSettings
    from llmreplay.core.dialect import Dialect, Json

__all__ = ["Rules", "rules_for"]

Place: TypeAlias = tuple[Any, Any]
"""A dict and a key in it, or a list and an index."""


@dataclass(frozen=True, slots=True)
class Path:
    """A JSONPath. `names` are the field names without which it selects nothing."""

    select: Callable[[Json], Iterable[Place]]
    names: tuple[bytes, ...] = ()

    def may_select(self, source: bytes) -> bool:
        """Whether it might select something in a body with these bytes: a cheap first look."""
        return all(name in source for name in self.names)


@dataclass(frozen=True, slots=True)
class Rules:
    """What to leave out and what to replace."""

    paths: tuple[Path, ...] = ()
    query: frozenset[str] = frozenset()
    replace: Callable[[str], str] | None = None

    def leave_out(self, value: Json, source: bytes | None = None) -> None:
        """Remove what the paths select, all as `value` is now; in place.

        `source` are the bytes that `value` was read from, where it was.
        """
        found: dict[int, tuple[Any, set[Any]]] = {}
        for path in self.paths:
            if source is None or path.may_select(source):
                for holder, key in path.select(value):
                    found.setdefault(id(holder), (holder, set()))[1].add(key)
        for holder, keys in found.values():
            # From the end: the indexes before it stay true.
            for key in sorted(keys, reverse=True):
                del holder[key]


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
    return Rules(
        paths=tuple(
            compiled_path(text)
            for text in dict.fromkeys((*volatile, *ignored))
            if not text.startswith("?")
        ),
        query=frozenset(text[1:] for text in ignored if text.startswith("?")),
        replace=_replacing(tuple(replaced)) if replaced else None,
    )


_STEP = re.compile(
    r"""\.\.(?P<deep>[\w-]+)
      | \.(?P<name>[\w-]+)
      | \[(?:'(?P<single>[^'\\]+)'|"(?P<double>[^"\\]+)")\]
      | \[(?P<index>-?\d{1,9})\]
      | (?P<all>\.\*|\[\*\])""",
    re.VERBOSE | re.ASCII,
)


_UNESCAPED = re.compile(r"[\w-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Step:
    """One segment of a path: a name, an index, or None for each child; `deep` for `..name`."""

    key: str | int | None
    deep: bool = False


def compiled_path(text: str) -> Path:
    """A JSONPath, ready to be used. Raises UsageError if it is none."""
    steps = _plain_steps(text)
    if steps is None:
        return Path(_by_library(text))
    names = [step.key for step in steps if isinstance(step.key, str)]
    return Path(
        select=lambda value: _walk(value, steps),
        # A client may write any other character as an escape.
        names=tuple(b'"%b"' % name.encode() for name in names if _UNESCAPED.fullmatch(name)),
    )


def _plain_steps(text: str) -> list[_Step] | None:
    """The steps of a path without filters, slices or unions; None for any other text."""
    steps: list[_Step] = []
    position = 1
    while position < len(text):
        step = _STEP.match(text, position)
        if step is None:
            return None
        position = step.end()
        match step.lastgroup:
            case "index":
                steps.append(_Step(int(step["index"])))
            case "all":
                steps.append(_Step(None))
            case kind:
                steps.append(_Step(step[kind or "name"], deep=kind == "deep"))
    return steps if steps and text[0] == "$" else None


def _walk(value: Json, steps: Iterable[_Step]) -> list[Place]:
    nodes = [value]
    places: list[Place] = []
    for step in steps:
        if step.deep:
            nodes = [inner for node in nodes for inner in _containers(node)]
        places = [(node, key) for node in nodes for key in _keys(node, step.key)]
        nodes = [node[key] for node, key in places]
    return places


def _containers(value: Json) -> list[Json]:
    """`value` and all objects and arrays in it."""
    found = [value]
    for node in found:
        children = node.values() if isinstance(node, dict) else node
        found.extend(child for child in children if isinstance(child, dict | list))
    return found


def _keys(node: Json, wanted: str | int | None) -> Iterable[str | int]:
    match node, wanted:
        case dict(), None:
            return tuple(node)
        case dict(), str() if wanted in node:
            return (wanted,)
        case list(), None:
            return range(len(node))
        case list(), int() if -len(node) <= wanted < len(node):
            return (wanted % len(node),)
        case _:
            return ()


def _by_library(text: str) -> Callable[[Json], Iterable[Place]]:
    import jsonpath  # 70 ms, and most people need no filter

    try:
        compiled = _environment().compile(text)
    except jsonpath.JSONPathError as error:
        raise UsageError(f'match.ignore: "{text}" is no JSONPath: {error.args[0]}') from error

    def select(value: Json) -> Iterable[Place]:
        for found in compiled.finditer(value):
            if found.parent is not None:
                yield found.parent.obj, found.parts[-1]

    return select


@lru_cache(maxsize=1)
def _environment() -> jsonpath.JSONPathEnvironment:
    """RFC 9535 and nothing else, its regular expressions by RE2."""
    import jsonpath  # as above
    from jsonpath.function_extensions import ExpressionType, FilterFunction

    class Matches(FilterFunction):
        """`match()` and `search()` of RFC 9535, in time linear in the text."""

        arg_types = [ExpressionType.VALUE, ExpressionType.VALUE]  # noqa: RUF012  # as its base  # as its base
        return_type = ExpressionType.LOGICAL

        def __init__(self, *, whole: bool) -> None:
            self.whole = whole

        def __call__(self, text: object, pattern: object) -> bool:
            if not isinstance(text, str) or not isinstance(pattern, str):
                return False
            try:
                compiled = _re2(pattern)
            except UsageError:
                return False
            found = compiled.fullmatch if self.whole else compiled.search
            return found(_encodable(text)) is not None

    environment = jsonpath.JSONPathEnvironment(strict=True)
    environment.function_extensions["match"] = Matches(whole=True)
    environment.function_extensions["search"] = Matches(whole=False)
    # Bodies are never deeper than what `form` lets through as JSON.
    environment.max_recursion_depth = 1_000
    return environment


def _replacing(pairs: tuple[tuple[str, str], ...]) -> Callable[[str], str]:
    """All replacements as one function. One search tells most texts that none applies."""
    any_of = _re2("|".join(f"(?:{pattern})" for pattern, _ in pairs))
    compiled = [(_re2(pattern), text) for pattern, text in pairs]

    def replace(text: str) -> str:
        text = _encodable(text)
        if any_of.search(text) is not None:
            for pattern, instead in compiled:
                text = pattern.sub(lambda _found, instead=instead: instead, text)
        return text

    return replace


def _encodable(text: str) -> str:
    """`text`, lone surrogates as `?`: RE2 works on UTF-8, which has none."""
    return text if text.isascii() else text.encode(errors="replace").decode()


@lru_cache(maxsize=256)
def _re2(pattern: str) -> Any:  # noqa: ANN401  # re2 has no types  # re2 has no types
    import re2  # only those who set a pattern pay for it

    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        raise UsageError(f'match.replace: "{pattern}" is no RE2 pattern: {error}') from error
