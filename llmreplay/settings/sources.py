"""Where settings are written: a YAML file, variables, flags. Each becomes the same `Setting`s.

It knows places (`llmreplay.yaml:3`, `LLMREPLAY_PORT`, `--port`) and shapes, and not what any
field means: `load` asks `fields` for that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "Found",
    "Mistake",
    "Setting",
    "Shape",
    "Text",
    "read_file",
    "read_yaml_text",
    "variable_of",
]

VARIABLE_PREFIX = "LLMREPLAY_"

MAX_FILE_BYTES = 2**20
"""A settings file is a page; more is another file given by mistake."""


class Shape(Enum):
    """What a value looks like."""

    SCALAR = auto()
    LIST = auto()
    MAPPING = auto()


@dataclass(frozen=True, slots=True)
class Text:
    """One scalar as it was written, where, and under which key if it stood in a mapping."""

    text: str
    where: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class Setting:
    """One field as it was given; `name` is dotted (`match.ignore`)."""

    name: str
    where: str
    shape: Shape
    items: tuple[Text, ...]

    @property
    def shown_name(self) -> str:
        """The field, for a message; a variable or a flag names it already."""
        return "" if self.where.startswith(("--", VARIABLE_PREFIX)) else self.name


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong, and where. `field` is empty where no field is to blame."""

    where: str
    field: str
    what: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.where, self.field, self.what) if part)


Found = Setting | Mistake


def read_file(path: Path, groups: frozenset[str]) -> Iterator[Found]:
    """The settings in the file at `path`; `groups` are the fields that hold fields by name."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        yield Mistake(str(path), "", f"cannot be read: {error.strerror}")
        return
    if len(raw) > MAX_FILE_BYTES:
        yield Mistake(str(path), "", "is over 1 MiB; is it a settings file?")
        return
    root = _compose(raw, str(path))
    if isinstance(root, Mistake):
        yield root
    elif isinstance(root, yaml.MappingNode):
        yield from _fields(root, lambda node: f"{path}:{_line(node)}", groups)
    elif root is not None:
        yield Mistake(f"{path}:{_line(root)}", "", "settings are lines of `field: value`")


def read_yaml_text(name: str, text: str, where: str) -> Found:
    """The one field `name`, given as YAML in a variable: `[$.user, $.seed]`, `{a: b}`."""
    root = _compose(text.encode(), where)
    if isinstance(root, Mistake):
        return root
    if root is None:
        return Setting(name, where, Shape.LIST, ())
    return _field(name, where, root, lambda _node: where)


def _compose(raw: bytes, where: str) -> yaml.Node | Mistake | None:
    try:
        node: yaml.Node | None = yaml.compose(raw, yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f":{mark.line + 1}" if mark and not where.startswith(VARIABLE_PREFIX) else ""
        return Mistake(where + line, "", f"no YAML: {error.problem}")
    except yaml.YAMLError as error:
        return Mistake(where, "", f"no YAML: {str(error).splitlines()[0]}")
    except RecursionError:
        return Mistake(where, "", "no YAML: nested too deeply")
    return node


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


Place = Callable[[yaml.Node], str]


def _fields(
    root: yaml.MappingNode, place: Place, groups: frozenset[str], prefix: str = ""
) -> Iterator[Found]:
    seen: set[str] = set()
    for key, value in root.value:
        where = place(key)
        if not isinstance(key, yaml.ScalarNode):
            yield Mistake(where, "", "a field's name is one word")
            continue
        name = prefix + key.value
        if name in seen:
            yield Mistake(where, name, "is given twice in this file")
            continue
        seen.add(name)
        if name in groups and isinstance(value, yaml.MappingNode):
            yield from _fields(value, place, groups, f"{name}.")
        elif name not in groups or not _is_null(value):
            yield _field(name, where, value, place)


def _field(name: str, where: str, node: yaml.Node, place: Place) -> Found:
    if isinstance(node, yaml.ScalarNode):
        if _is_null(node):
            return Setting(name, where, Shape.LIST, ())
        return Setting(name, where, Shape.SCALAR, (Text(node.value, where),))
    # Only scalars are read, so an alias cannot unfold into more than it is.
    texts = []
    for key, item in _entries(node):
        if not isinstance(item, yaml.ScalarNode):
            return Mistake(place(item), name, "holds something that is no plain text or number")
        texts.append(Text(item.value, place(item), key))
    shape = Shape.MAPPING if isinstance(node, yaml.MappingNode) else Shape.LIST
    return Setting(name, where, shape, tuple(texts))


def _is_null(node: yaml.Node) -> bool:
    return bool(node.tag == "tag:yaml.org,2002:null")


def _entries(node: yaml.Node) -> Iterator[tuple[str, yaml.Node]]:
    if isinstance(node, yaml.MappingNode):
        for key, item in node.value:
            yield ("", key) if not isinstance(key, yaml.ScalarNode) else (key.value, item)
    else:
        for item in node.value:
            yield "", item


def variable_of(name: str) -> str:
    """`match.ignore` → `LLMREPLAY_MATCH_IGNORE`."""
    return VARIABLE_PREFIX + name.replace(".", "_").upper()
