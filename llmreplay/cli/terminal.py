"""What a terminal can show: whether to colour, how wide it is, what must not reach it raw.

Everything that prints for a person uses it; nothing else knows an escape sequence.
"""

from __future__ import annotations

import os
import shutil
import textwrap
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import IO

__all__ = [
    "Paint",
    "cut",
    "cut_front",
    "joined_fitting",
    "printable",
    "terminal_columns",
    "wants_colours",
    "wrapped",
]

MIN_COLUMNS = 40


class Paint:
    """`paint(text, "red")`: the text in that colour, or as it is where colours are not wanted."""

    def __init__(self, *, colours: bool) -> None:
        self.colours = colours

    def __call__(self, text: str, colour: str | None = None, *, bold: bool | None = None) -> str:
        """The text, painted."""
        if not self.colours or not text or (colour is None and bold is None):
            return text
        return click.style(text, fg=colour, bold=bold)


def wants_colours(stream: IO[str]) -> bool:
    """Whether `stream` is a terminal whose owner has not declined (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def terminal_columns() -> int:
    """How wide the terminal is: `COLUMNS`, or its own word, or 80."""
    return max(MIN_COLUMNS, shutil.get_terminal_size((80, 24)).columns)


def printable(text: str) -> str:
    """`text` with each character spelled out that would command a terminal instead of showing."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def cut(text: str, width: int) -> str:
    """`text`, its end replaced by `…` where it is wider."""
    return text if len(text) <= width else text[: width - 1] + "…"


def cut_front(text: str, width: int) -> str:
    """`text`, its beginning replaced by `…` where it is wider: of a source, the end tells most."""
    return text if len(text) <= width else "…" + text[len(text) - width + 1 :]


def wrapped(line: str, width: int) -> list[str]:
    """`line` in pieces that fit `width`, broken between words; what leads it leads them all."""
    if len(line) <= width:
        return [line]
    indent = line[: len(line) - len(line.lstrip())][: width // 2]
    return textwrap.wrap(
        line, width, subsequent_indent=indent, break_on_hyphens=False, replace_whitespace=False
    )


def joined_fitting(
    facts: Iterable[tuple[str, str]], separator: str, columns: int | None
) -> list[str]:
    """Facts joined into lines that fit `columns`, later lines indented by two; None: one line.

    Each fact comes as (plain, painted), because paint has no width.
    """
    lines: list[str] = []
    used = 0
    end = separator.rstrip()
    for plain, painted in facts:
        needed = used + len(separator + plain + end)
        if lines and (columns is None or needed <= columns):
            lines[-1] += separator + painted
            used += len(separator + plain)
        elif lines:
            lines[-1] += end
            lines.append(f"  {painted}")
            used = 2 + len(plain)
        else:
            lines.append(painted)
            used = len(plain)
    return lines
