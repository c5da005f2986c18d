"""Fields compared: where two JSON values differ, each place with its path."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from llmreplay.core.fingerprint import spelled
from llmreplay.core.mismatch.alignment import Alignment, aligned
from llmreplay.core.mismatch.difference import Difference
from llmreplay.core.mismatch.wording import change, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmreplay.core.dialect import Json

__all__ = ["field_differences", "value_differences"]


def field_differences(
    recorded: dict[str, Json], asked: dict[str, Json], but_for: frozenset[str] = frozenset()
) -> Iterator[Difference]:
    """What differs between two request bodies, less the fields in `but_for`."""
    for key in sorted((recorded.keys() | asked.keys()) - but_for):
        path = _child("$", key)
        if key not in recorded:
            yield Difference(f"field {key} is new: {shown(asked[key])}", (path,), path)
        elif key not in asked:
            missing = f"field {key} is missing: recorded {shown(recorded[key])}"
            yield Difference(missing, (path,), path)
        else:
            yield from value_differences(recorded[key], asked[key], path, f"field {key}")


def value_differences(
    recorded: Json, asked: Json, path: str, name: str | None = None
) -> Iterator[Difference]:
    """Where two values differ, deep. `path` is their place; `name` is what to call it."""
    # For Python 1 is True; for a provider it is not.
    if recorded == asked and spelled(recorded) == spelled(asked):
        return
    match recorded, asked:
        case dict(), dict():
            yield from _in_objects(recorded, asked, path)
        case list(), list():
            yield from _in_lists(recorded, asked, path)
        case str(), str():
            differs = change(recorded, asked)
            sentence = f"{name or path} differs: {differs}"
            yield Difference(sentence, (path,), path, differs.region, size=differs.size)
        case _:
            sides = f"recorded {shown(recorded)}, asked {shown(asked)}"
            yield Difference(f"{name or path} differs: {sides}", (path,), path)


def _in_objects(
    recorded: dict[str, Json], asked: dict[str, Json], path: str
) -> Iterator[Difference]:
    for key in sorted(recorded.keys() | asked.keys()):
        inner = _child(path, key)
        if key not in recorded:
            yield _new(asked[key], inner)
        elif key not in asked:
            yield _missing(recorded[key], inner)
        else:
            yield from value_differences(recorded[key], asked[key], inner)


def _in_lists(recorded: list[Json], asked: list[Json], path: str) -> Iterator[Difference]:
    ours, theirs = _by_name(recorded), _by_name(asked)
    if ours is not None and theirs is not None and ours.keys() & theirs.keys():
        found = Alignment.of(
            (ours.get(name), theirs.get(name)) for name in dict.fromkeys((*ours, *theirs))
        )
    else:
        found = aligned([spelled(item) for item in recorded], [spelled(item) for item in asked])
    for here, there in found.changed:
        yield from value_differences(recorded[here], asked[there], f"{path}[{there}]")
    for index in found.new:
        yield _new(asked[index], f"{path}[{index}]")
    for index in found.missing:
        yield _missing(recorded[index], f"{path}[{index}]")


def _new(value: Json, path: str) -> Difference:
    return Difference(f"{path} is new: {_brief(value)}", (path,), path)


def _missing(value: Json, path: str) -> Difference:
    return Difference(f"{path} is missing: recorded {_brief(value)}", (path,), path)


def _by_name(items: list[Json]) -> dict[str, int] | None:
    """Where each item stands by its name, if all have one of their own, as tools do."""
    names = {name: index for index, item in enumerate(items) if (name := _name(item))}
    return names if len(names) == len(items) else None


def _name(value: Json) -> str | None:
    if not isinstance(value, dict):
        return None
    inner = value.get("function")
    name = inner.get("name") if isinstance(inner, dict) else value.get("name")
    return name if isinstance(name, str) else None


def _brief(value: Json) -> str:
    return _name(value) or shown(value)


_PLAIN_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)


def _child(path: str, key: str) -> str:
    return f"{path}.{key}" if _PLAIN_NAME.fullmatch(key) else f"{path}[{spelled(key).decode()}]"
