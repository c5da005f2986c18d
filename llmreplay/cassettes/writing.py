"""Plain values → YAML text that a person reads and every YAML parser understands.

It decides the style of each scalar: plain where no version of YAML reads it as anything but
this string, a literal block for text of several lines, quotes otherwise. It knows nothing of
exchanges; `document` calls it. Written by hand: PyYAML's pure emitter took 11 ms for an
exchange of 10 kB, this takes well under one, and a proxy shares its interpreter with it.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["MAX_DEPTH", "SPECIAL", "Row", "UnwritableError", "flow", "mapping_lines"]

MAX_DEPTH: Final = 56
"""The deepest nesting that is written; what is read may be a little deeper."""

_WIDTH: Final = 100
_MAX_KEY: Final = 512  # a simple key of YAML ends within 1024 characters

# What the first glance lets through: text in Latin letters that cannot be anything else.
_OBVIOUSLY_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./;=+()$-]*(?: [A-Za-z0-9_./;=+()$-]+)*")
_NOT_PLAIN = re.compile(r"""[-?:,\[\]{}#&*!|>'"%@`\s<=~]|.*(?::(?:\s|$)|\s\#|\s$|\t)""")
_NOT_PLAIN_IN_FLOW = re.compile(r"[,\[\]{}:?]")
# Numbers, dates and times of YAML 1.1 and 1.2, and more than those.
_LIKE_NUMBER = re.compile(
    r"\+?0[xob][0-9A-Fa-f_]*|[0-9+.][0-9_.:eE+TtZz-]*(?:[ \t][0-9TtZz:.+ \t-]*)?"
)
_WORDS = frozenset({"", "null", "true", "false", "yes", "no", "on", "off", ".inf", "+.inf", ".nan"})
SPECIAL: Final = re.compile(
    "[^\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
"""What is escaped: what YAML calls not printable, and line breaks other than LF."""

_SURROGATE = re.compile("[\ud800-\udfff]")


class UnwritableError(ValueError):
    """No YAML holds this value: a lone surrogate, an endless key, nesting too deep."""


class Row(dict[str, Any]):
    """A mapping that stands on one line where it fits: headers."""


def mapping_lines(mapping: Mapping[str, Any], column: int, depth: int = 0) -> Iterator[str]:
    """The lines of a block mapping whose keys stand in `column`; a line may hold line breaks.

    Values are mappings, sequences, strings, numbers, booleans and None.
    """
    if depth > MAX_DEPTH:
        raise UnwritableError("nested too deeply")
    pad = " " * column
    for key, value in mapping.items():
        yield from _entry(f"{pad}{_key(key)}:", value, column, depth)


def flow(value: object) -> str:
    """`value` on one line."""
    if isinstance(value, str):
        return _one_line(value, in_flow=True)
    if isinstance(value, dict):
        return (
            "{" + ", ".join(f"{_key(k, in_flow=True)}: {flow(v)}" for k, v in value.items()) + "}"
        )
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(flow, value))}]"
    return _atom(value)


def _sequence_lines(items: Sequence[Any], column: int, depth: int) -> Iterator[str]:
    """The lines of a block sequence whose dashes stand in `column`."""
    if depth > MAX_DEPTH:
        raise UnwritableError("nested too deeply")
    dash = " " * column + "-"
    for item in items:
        if isinstance(item, dict) and item:
            lines = mapping_lines(item, column + 2, depth + 1)
        elif isinstance(item, list) and item and not _is_row(item):
            lines = _sequence_lines(item, column + 2, depth + 1)
        else:
            yield from _entry(dash, item, column, depth)
            continue
        yield f"{dash} {next(lines)[column + 2 :]}"
        yield from lines


def _entry(lead: str, value: Any, column: int, depth: int) -> Iterator[str]:  # noqa: ANN401  # JSON
    """`lead` (a key with its colon, or a dash) and the value that follows it."""
    if isinstance(value, str):
        yield f"{lead} {_scalar(value, column + 2)}"
    elif not value or not isinstance(value, dict | list):
        yield f"{lead} {flow(value)}"
    elif isinstance(value, Row) and len(row := f"{lead} {flow(value)}") <= _WIDTH:
        yield row
    elif isinstance(value, dict):
        yield lead
        yield from mapping_lines(value, column + 2, depth + 1)
    elif _is_row(value):
        yield f"{lead} {flow(value)}"
    else:
        yield lead
        yield from _sequence_lines(value, column, depth + 1)


def _is_row(value: object) -> bool:
    """Whether this is a sequence of numbers: an embedding is one line, not a page."""
    return isinstance(value, list) and all(type(item) in (int, float) for item in value)


def _key(key: str, *, in_flow: bool = False) -> str:
    written = _one_line(key, in_flow=in_flow)
    if len(written) > _MAX_KEY:
        raise UnwritableError("a key too long for YAML")
    return written


def _scalar(text: str, column: int) -> str:
    """`text` in its style; the lines of a block stand in `column`."""
    if "\n" in text and _fits_block(text):
        return _block(text, column)
    return _one_line(text)


def _fits_block(text: str) -> bool:
    # libyaml takes a tab that begins a block for indentation; a block of nothing but white
    # space has no indentation to be found by.
    return text[0] != "\t" and not text.isspace() and SPECIAL.search(text) is None


def _block(text: str, column: int) -> str:
    """A literal block, trailing line breaks and leading spaces said in its header."""
    indicator = "2" if text[0] in " \n" else ""
    if not text.endswith("\n"):
        chomping = "-"
    elif text.endswith("\n\n"):
        chomping = "+"
    else:
        chomping = ""
    pad = " " * column
    lines = text.removesuffix("\n").split("\n")
    body = "\n".join([f"{pad}{line}" if line else "" for line in lines])
    return f"|{indicator}{chomping}\n{body}"


def _one_line(text: str, *, in_flow: bool = False) -> str:
    if _is_plain(text) and not (in_flow and _NOT_PLAIN_IN_FLOW.search(text)):
        return text
    if "\n" in text or "\t" in text or SPECIAL.search(text):
        return _double_quoted(text)
    return "'" + text.replace("'", "''") + "'"


def _is_plain(text: str) -> bool:
    if _OBVIOUSLY_PLAIN.fullmatch(text):
        return text.lower() not in _WORDS
    return not (
        text.lower() in _WORDS
        or _NOT_PLAIN.match(text)
        or _LIKE_NUMBER.fullmatch(text)
        or SPECIAL.search(text)
        or "\n" in text
    )


def _double_quoted(text: str) -> str:
    if _SURROGATE.search(text):
        raise UnwritableError("a lone surrogate")
    # A JSON string is a double-quoted scalar of YAML but for what YAML cannot print.
    return SPECIAL.sub(_escape, json.dumps(text, ensure_ascii=False))


def _escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def _atom(value: object) -> str:
    """None, booleans and numbers, as both JSON and YAML 1.1 spell them."""
    written = json.dumps(value)
    if isinstance(value, float) and "e" in written and "." not in written:
        # YAML 1.1 takes 1e-07 for a string; PyYAML writes the same.
        return written.replace("e", ".0e", 1)
    return written
