"""The few ways in which JSON is laid out on real wires, by name.

A body is stored as a value only if one of them gives back its very bytes. Which these are was
measured on recorded traffic: compact, spaced as Python does it, or indented; non-ASCII and HTML
characters escaped or not; a line break at the end or not. `bodies` calls it.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["COMPACT", "LAYOUTS", "Layout", "find_layout", "parse_json"]

_HTML = re.compile("[<>&\u2028\u2029]")
_INDENT = re.compile(r"[\[{]\n( +|\t)\S")


class Layout:
    """One way to write JSON.

    `ascii_only`: every character beyond ASCII is an escape. `html_safe`: `<`, `>`, `&` and two
    line separators are, as Go's encoder has it. `newline`: there is a line break at the end.
    """

    def __init__(
        self,
        indent: int | str | None,
        separators: tuple[str, str],
        *,
        ascii_only: bool,
        html_safe: bool,
        newline: bool,
    ) -> None:
        encoder = json.JSONEncoder(ensure_ascii=ascii_only, indent=indent, separators=separators)
        self._encode = encoder.encode
        self._html_safe = html_safe
        self._end = "\n" if newline else ""

    def render(self, value: object) -> str:
        """`value` as JSON in this layout."""
        text = self._encode(value) + self._end
        return _HTML.sub(_escape, text) if self._html_safe else text


def _escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


_STRUCTURES: Final[dict[str, tuple[int | str | None, tuple[str, str]]]] = {
    "compact": (None, (",", ":")),
    "spaced": (None, (", ", ": ")),
    "indent-1": (1, (",", ": ")),
    "indent-2": (2, (",", ": ")),
    "indent-3": (3, (",", ": ")),
    "indent-4": (4, (",", ": ")),
    "indent-tab": ("\t", (",", ": ")),
}


def _named_layouts() -> Iterator[tuple[str, Layout]]:
    for structure, (indent, separators) in _STRUCTURES.items():
        for escapes in ("", "-ascii", "-html"):
            for newline in ("", "-newline"):
                layout = Layout(
                    indent,
                    separators,
                    ascii_only=escapes == "-ascii",
                    html_safe=escapes == "-html",
                    newline=bool(newline),
                )
                yield f"{structure}{escapes}{newline}", layout


COMPACT: Final = "compact"
"""The layout that is meant where none is named."""

LAYOUTS: Final[dict[str, Layout]] = dict(_named_layouts())


def parse_json(text: str) -> Any:  # noqa: ANN401  # a JSON value
    """The value of `text`, which must be strict JSON.

    Raises:
        ValueError: it is not, or holds a number that Python does not read.
    """
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def find_layout(value: object, text: str) -> str | None:
    """The name of the layout in which `value` is `text`, character by character, or None."""
    for structure in _structures(text):
        for escapes in _escapes(text):
            name = f"{structure}{escapes}{'-newline' if text.endswith(chr(10)) else ''}"
            if LAYOUTS[name].render(value) == text:
                return name
    return None


def _structures(text: str) -> tuple[str, ...]:
    """The structures that `text` may have, by how it begins."""
    if indented := _INDENT.match(text):
        name = f"indent-{'tab' if indented[1] == chr(9) else len(indented[1])}"
        return (name,) if name in _STRUCTURES else ()
    # `", "` may stand within a string, so the guess decides only what is tried first.
    return ("spaced", "compact") if '": ' in text else ("compact", "spaced")


def _escapes(text: str) -> tuple[str, ...]:
    """The ways of escaping that `text` may show: with no escape in it, all are one."""
    return ("", "-ascii", "-html") if "\\u" in text else ("",)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")
