"""Files that other tools wrote, as plain values: gzip, JSON and YAML, safely and bounded.

Decides what is refused before it can hurt: sizes, depth, aliases that unfold without end, tags
that would run code. Knows no recording format; `reading` calls it and names the file.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import yaml

from llmreplay.core.decoding import DecodingError, decode

if TYPE_CHECKING:
    from collections.abc import Hashable
    from pathlib import Path

__all__ = ["MAX_DEPTH", "MAX_FILE_BYTES", "UnreadableError", "line_of", "parse", "read_bytes"]

MAX_FILE_BYTES: Final = 256 * 2**20
"""The largest file that is read, before and after gzip is taken off."""
MAX_UNFOLDED_BYTES: Final = 2 * MAX_FILE_BYTES
"""The most text in one YAML file with every alias unfolded, a byte more for each value."""
MAX_DEPTH: Final = 64
"""The deepest nesting of YAML: libyaml's loader dies of a stack overflow on much more."""

_GZIP_MAGIC = b"\x1f\x8b"


class UnreadableError(Exception):
    """A file that gives no value. `line` totals from 1."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line
        self.reason = reason


def read_bytes(path: Path) -> bytes:
    """The content of `path`, gunzipped if it is gzip. Raises `UnreadableError` or `OSError`."""
    with path.open("rb") as file:
        data = file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise UnreadableError(1, f"the file is larger than {MAX_FILE_BYTES} bytes")
    if not data.startswith(_GZIP_MAGIC):
        return data
    try:
        return decode("gzip", data, MAX_FILE_BYTES)
    except DecodingError as error:
        raise UnreadableError(1, f"the file begins as gzip, but {error}") from error


def parse(data: bytes) -> object:
    """The one document in `data`, JSON if it begins like JSON, else YAML.

    Binary values come out as bytes, everything else as JSON would give it; dates and times
    stay the text they are. Raises `UnreadableError`.
    """
    begins = data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    return _parse_json(data) if begins in {b"{", b"["} else _parse_yaml(data)


def line_of(data: bytes, place: tuple[str | int, ...]) -> int:
    """The line on which the value at `place` (keys and indexes) begins, or its nearest parent.

    Costs a parse: for error messages only. JSON is read as the YAML that it is.
    """
    try:
        _refuse_bombs(data)
        node = yaml.compose(data, _Loader)
    except (yaml.YAMLError, UnreadableError):
        return 1
    for step in place:
        child = _child(node, step)
        if child is None:
            break
        node = child
    return _line(node.start_mark) if node is not None else 1


def _line(mark: yaml.Mark | yaml._yaml.Mark | None) -> int:
    return mark.line + 1 if mark is not None else 1


def _child(node: yaml.Node | None, step: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == step), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        child: yaml.Node = node.value[step]
        return child
    return None


def _parse_json(data: bytes) -> object:
    try:
        return json.loads(data)
    except json.JSONDecodeError as error:
        raise UnreadableError(error.lineno, f"not valid JSON: {error.msg}") from error
    except (ValueError, RecursionError) as error:  # bytes of no encoding, or nested too deeply
        raise UnreadableError(1, f"not readable as JSON: {error}") from error


def _parse_yaml(data: bytes) -> object:
    try:
        _refuse_bombs(data)
        return yaml.load(data, _Loader)  # noqa: S506  # derived from the safe one, see below
    except yaml.MarkedYAMLError as error:
        raise UnreadableError(
            _line(error.problem_mark), f"not valid YAML: {error.problem}"
        ) from error
    except (yaml.YAMLError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise UnreadableError(1, f"not readable as YAML: {reason}") from error


def _refuse_bombs(data: bytes) -> None:
    """Raises on nesting too deep, and on aliases that unfold to too much or to themselves."""
    sizes: dict[str | None, int] = {}  # anchor → size of what it stands for, unfolded
    containers: list[str | None] = []  # the anchors of the open collections
    totals = [0]  # the size of each of them so far, the document first
    for event in yaml.parse(data, _Loader):
        line = _line(event.start_mark)
        if isinstance(event, yaml.CollectionStartEvent):
            containers.append(event.anchor)
            totals.append(1)
            if len(containers) > MAX_DEPTH:
                raise UnreadableError(line, f"nested more than {MAX_DEPTH} deep")
            continue
        if isinstance(event, yaml.CollectionEndEvent):
            anchor, size = containers.pop(), totals.pop()
        elif isinstance(event, yaml.ScalarEvent):
            anchor, size = event.anchor, 1 + len(event.value)
        elif isinstance(event, yaml.AliasEvent):
            # An anchor that is still open, or unknown, has no size: it would have no end.
            anchor, size = None, sizes.get(event.anchor, MAX_UNFOLDED_BYTES + 1)
        else:
            continue
        if anchor is not None:
            sizes[anchor] = size
        totals[-1] += size
        if totals[-1] > MAX_UNFOLDED_BYTES:
            raise UnreadableError(line, "its aliases unfold to themselves, or to too much")


class _Loader(yaml.CSafeLoader):
    """The safe loader, with the harmless tags of recorders and without dates and merge keys."""


_UNWANTED = {f"tag:yaml.org,2002:{name}" for name in ("timestamp", "merge", "value")}
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _UNWANTED]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}

_PYTHON = "tag:yaml.org,2002:python/"


def _text(loader: _Loader, node: yaml.ScalarNode) -> str:
    return str(loader.construct_scalar(node))


def _sequence(loader: _Loader, node: yaml.SequenceNode) -> list[Any]:
    return loader.construct_sequence(node, deep=True)


def _binary(loader: _Loader, node: yaml.ScalarNode) -> bytes:
    return loader.construct_yaml_binary(node)


def _python_object(loader: _Loader, what: str, node: yaml.Node) -> object:
    """Two objects are known to stand in recordings; what they hold is taken, nothing is made.

    `multidict.istr` is a header name (aiohttp), `_io.BytesIO` a request body (requests).
    """
    name = what.rpartition(".")[2]
    if name == "istr" and isinstance(node, yaml.SequenceNode):
        return "".join(str(part) for part in loader.construct_sequence(node, deep=True))
    if name == "BytesIO" and isinstance(node, yaml.MappingNode):
        state: Any = _fields(loader, node).get("state")
        if isinstance(state, list) and state:
            return state[0]
    raise yaml.constructor.ConstructorError(
        None, None, f"a Python object {what!r}, which is not read", node.start_mark
    )


def _fields(loader: _Loader, node: yaml.MappingNode) -> dict[Hashable, Any]:
    return loader.construct_mapping(node, deep=True)


# Ruby writes its own `!binary`, a local tag that means the same as the standard one.
_Loader.add_constructor("!binary", _binary)
_Loader.add_constructor(f"{_PYTHON}str", _text)
_Loader.add_constructor(f"{_PYTHON}unicode", _text)
_Loader.add_constructor(f"{_PYTHON}bytes", _binary)
_Loader.add_constructor(f"{_PYTHON}tuple", _sequence)
_Loader.add_constructor(f"{_PYTHON}list", _sequence)
for _how in ("object:", "object/new:", "object/apply:"):
    _Loader.add_multi_constructor(f"{_PYTHON}{_how}", _python_object)
