"""JSONPaths: which places of a body `match.ignore` and a dialect's volatile list mean.

The common ones (names, indexes, `*`, `..name`) are walked here; jsonpath-rfc9535, which does
all of it, takes 0.2 to 3 ms for them on 30 kB, so it is kept for
filters, slices and unions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from llmreplay.core.canonical.patterns import compiled_pattern, encodable
from llmreplay.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import jsonpath_rfc9535

    from llmreplay.core.dialect import Json

__all__ = ["Path", "Place", "compiled_path"]

Place: TypeAlias = tuple[Any, Any]
"""A dict and a key in it, or a list and an index."""


@dataclass(frozen=True, slots=True)
class Path:
    """A JSONPath, ready to be used.

    `field` is the top-level field that it begins with, None for one that may select anywhere.
    `names` are the names further in, as bytes of JSON: where one is missing, it selects nothing.
    """

    select: Callable[[Json], Iterable[Place]]
    field: str | None = None
    names: tuple[bytes, ...] = ()


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
    first, *others = steps
    return Path(
        select=lambda value: _walk(value, steps),
        field=first.key if isinstance(first.key, str) and not first.deep else None,
        # A client may write any other character as an escape.
        names=tuple(
            b'"%b"' % step.key.encode()
            for step in others
            if isinstance(step.key, str) and _UNESCAPED.fullmatch(step.key)
        ),
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
            nodes = _within(nodes)
        places = [(node, key) for node in nodes for key in _keys(node, step.key)]
        nodes = [node[key] for node, key in places]
    return places


def _within(nodes: Iterable[Json]) -> list[Json]:
    """The objects and arrays among `nodes` and in them, each once."""
    found: dict[int, Json] = {}
    level = list(nodes)
    while level:
        level = [node for node in level if isinstance(node, dict | list) and id(node) not in found]
        found |= {id(node): node for node in level}
        level = [
            child for node in level for child in (node.values() if isinstance(node, dict) else node)
        ]
    return list(found.values())


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
    import jsonpath_rfc9535  # noqa: PLC0415  # 70 ms, and most people need no filter

    try:
        compiled = _environment().compile(text)
    except jsonpath_rfc9535.JSONPathError as error:
        raise UsageError(f'match.ignore: "{text}" is no JSONPath: {error.args[0]}') from error

    def select(value: Json) -> Iterable[Place]:
        for found in compiled.finditer(value):
            if found.parent is not None:
                yield found.parent.value, found.location[-1]

    return select


@lru_cache(maxsize=1)
def _environment() -> jsonpath_rfc9535.JSONPathEnvironment:
    """RFC 9535, its regular expressions by RE2."""
    import jsonpath_rfc9535  # noqa: PLC0415  # as above
    from jsonpath_rfc9535.function_extensions import (  # noqa: PLC0415
        ExpressionType,
        FilterFunction,
    )

    class Matches(FilterFunction):
        """`match()` and `search()` of RFC 9535, in time linear in the text."""

        arg_types = [ExpressionType.VALUE, ExpressionType.VALUE]  # noqa: RUF012  # as its base
        return_type = ExpressionType.LOGICAL

        def __init__(self, *, whole: bool) -> None:
            self.whole = whole

        def __call__(self, text: object, pattern: object) -> bool:
            if not isinstance(text, str) or not isinstance(pattern, str):
                return False
            try:
                compiled = compiled_pattern(pattern)
            except UsageError:
                return False
            found = compiled.fullmatch if self.whole else compiled.search
            return found(encodable(text)) is not None

    environment = jsonpath_rfc9535.JSONPathEnvironment()
    environment.function_extensions["match"] = Matches(whole=True)
    environment.function_extensions["search"] = Matches(whole=False)
    # Bodies are never deeper than what `form` lets through as JSON.
    environment.max_recursion_depth = 1_000
    return environment
