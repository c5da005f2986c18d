"""How a request looks in the log: aligned on a terminal, plain in a pipe, or as JSON.

An `Entry` in, text out. What clients and upstreams wrote can be in it, so nothing that is not
printable gets through: a model's name cannot colour a terminal. `Console` calls it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import orjson

from llmreplay.cli.terminal import (
    Paint,
    cut,
    cut_front,
    printable,
    terminal_columns,
    wants_colours,
    wrapped,
)
from llmreplay.cli.units import duration_shown
from llmreplay.core.journal import Outcome

if TYPE_CHECKING:
    from typing import IO

    from llmreplay.core.journal import Entry
    from llmreplay.settings import LogFormat

__all__ = ["Aligned", "Json", "Lines", "Plain", "lines_for"]

MAX_MODEL = 64
MAX_TARGET = 400
MAX_DRIFT_LINES = 5

FIRST_ERROR_STATUS = 400
_WIDTHS = ((120, 36, 18), (100, 28, 18), (0, 20, 11))
"""From how many columns on, upstream and model and source have how much room."""


class Lines(Protocol):
    """One way to write the log. Every text ends with its line feed."""

    def request(self, entry: Entry) -> str:
        """The line of one request, and what is to be read below it."""
        ...

    def event(self, text: str, fields: dict[str, Any]) -> str:
        """A line of our own: `text` for a person, `fields` for a machine."""
        ...


class Plain:
    """Always the same words in the same order, `-` for what is not known.

    `hit 200 openai gpt-4o-mini POST /v1/chat/completions 12.3ms default#3`
    """

    def request(self, entry: Entry) -> str:
        """The line; below it, indented, why a request missed or failed."""
        line = (
            f"{entry.outcome} {entry.status} {entry.upstream or '-'} "
            f"{(entry.model or '-')[:MAX_MODEL]} {entry.method} {_path(entry)} "
            f"{entry.elapsed_ms:.1f}ms {entry.source or '-'}"
        )
        if entry.drift:
            line = f"{line} drift={len(entry.drift)}"
        if entry.faults:
            line = f"{line} fault={'; '.join(entry.faults)}"
        if not line.isprintable():
            line = printable(line)
        if entry.detail:
            return f"{line}\n{_indented(entry.detail)}"
        return line + "\n"

    def event(self, text: str, fields: dict[str, Any]) -> str:  # noqa: ARG002  # for machines
        """The text."""
        return text + "\n"


class Json:
    """One object a line; `event` says what it is about."""

    def request(self, entry: Entry) -> str:
        """Every field of the entry."""
        fields = {
            "event": "request",
            "outcome": entry.outcome.value,
            "status": entry.status,
            "session": entry.session,
            "upstream": entry.upstream,
            "model": entry.model,
            "method": entry.method,
            "target": entry.target,
            "source": entry.source,
            "elapsed_ms": round(entry.elapsed_ms, 3),
            "first_byte_ms": entry.first_byte_ms and round(entry.first_byte_ms, 3),
            "streamed": entry.streamed,
            "drift": entry.drift,
            "faults": entry.faults,
            "detail": entry.detail,
        }
        return _json_line(fields)

    def event(self, text: str, fields: dict[str, Any]) -> str:  # noqa: ARG002  # for people
        """The fields."""
        return _json_line(fields)


_COLOUR = {
    Outcome.HIT: "green",
    Outcome.RECORDED: "cyan",
    Outcome.FORWARDED: "yellow",
    Outcome.FAULT: "magenta",
    Outcome.MISS: "red",
    Outcome.FAILED: "red",
    Outcome.REFUSED: "red",
}


class Aligned:
    """Columns for a terminal that is `columns` wide; where it is narrow, the path gives way."""

    ELAPSED = 8
    SHORTEST_PATH, LONGEST_PATH = 20, 44
    INDENT = "    "

    def __init__(self, columns: int, paint: Paint) -> None:
        self._paint = paint
        self._columns = columns
        self._who, self._source = next(
            (who, source) for least, who, source in _WIDTHS if columns >= least
        )
        gaps = 5 * 2
        rest = columns - (8 + 3 + self._who + self.ELAPSED + self._source + gaps)
        self._path = min(self.LONGEST_PATH, max(self.SHORTEST_PATH, rest))

    def request(self, entry: Entry) -> str:
        """The line; below it, indented, why a request missed or failed, faults and drift."""
        paint = self._paint
        who = printable(" ".join(filter(None, (entry.upstream, entry.model))) or "-")
        path = printable(f"{entry.method} {_path(entry)}")
        status = str(entry.status)
        line = "  ".join(
            (
                paint(f"{entry.outcome:8}", _COLOUR[entry.outcome]),
                paint(status, "red") if entry.status >= FIRST_ERROR_STATUS else status,
                f"{cut(who, self._who):{self._who}}",
                f"{cut(path, self._path):{self._path}}",
                f"{duration_shown(entry.elapsed_ms):>{self.ELAPSED}}",
                paint(cut_front(printable(entry.source or ""), self._source), "bright_black"),
            )
        ).rstrip()
        faults = "\n".join(f"fault: {told}" for told in entry.faults)
        below = (entry.detail, faults, self._drift(entry.drift))
        return f"{line}\n{''.join(map(self._below, below))}"

    def event(self, text: str, fields: dict[str, Any]) -> str:  # noqa: ARG002  # for machines
        """The text, standing out from the requests."""
        return self._paint(text, bold=True) + "\n"

    def _below(self, text: str) -> str:
        """What is to be read below a line, whole, broken between words."""
        width = self._columns - len(self.INDENT)
        pieces = (piece for line in text.splitlines() for piece in wrapped(printable(line), width))
        return "".join(f"{self.INDENT}{piece}\n" for piece in pieces)

    def _drift(self, drift: tuple[str, ...]) -> str:
        shown = [f"drift: {difference}" for difference in drift[:MAX_DRIFT_LINES]]
        if len(drift) > MAX_DRIFT_LINES:
            shown.append(f"drift: … and {len(drift) - MAX_DRIFT_LINES} more")
        return "\n".join(shown)


def lines_for(log_format: LogFormat, stream: IO[str]) -> Lines:
    """The lines that suit `log_format` and what `stream` is."""
    if log_format == "json":
        return Json()
    if stream.isatty():
        return Aligned(terminal_columns(), Paint(colours=wants_colours(stream)))
    return Plain()


def _path(entry: Entry) -> str:
    """The target without the upstream's prefix: the upstream has a place of its own."""
    prefix = f"/{entry.upstream}/"
    target = entry.target
    if target.startswith(prefix):
        target = target[len(prefix) - 1 :]
    return target[:MAX_TARGET]


def _json_line(fields: dict[str, Any]) -> str:
    try:
        return orjson.dumps(fields).decode() + "\n"
    except orjson.JSONEncodeError:
        # A lone surrogate: the bytes of a path that were no UTF-8.
        safe = {
            key: printable(value) if isinstance(value, str) else value
            for key, value in fields.items()
        }
        return orjson.dumps(safe).decode() + "\n"


def _indented(text: str) -> str:
    return "".join(f"    {printable(line)}\n" for line in text.splitlines())
