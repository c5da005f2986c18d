"""Cassettes and their exchanges as a table, or as JSON. `ls` calls it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from llmreplay.cli.terminal import cut, printable
from llmreplay.cli.transcript import body_json, is_stream
from llmreplay.cli.units import counted, moment_shown, size_shown
from llmreplay.dialects.registry import recognise

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from llmreplay.cli.terminal import Paint
    from llmreplay.core.exchange import Exchange

__all__ = ["Row", "as_json", "as_text", "row_of"]


@dataclass(frozen=True, slots=True)
class Row:
    """One exchange in few words. `request` is method and path, `size` the response's in bytes."""

    number: int
    upstream: str
    request: str
    model: str | None
    stream: bool
    status: int
    size: int
    recorded: str | None


def row_of(exchange: Exchange) -> Row:
    """The row of `exchange`."""
    request, response = exchange.request, exchange.response
    path = request.parts.path
    return Row(
        number=exchange.number,
        upstream=exchange.upstream,
        request=f"{request.method} {path}",
        model=recognise(request, None).model(path, body_json(request.body)),
        stream=is_stream(response),
        status=response.status,
        size=len(response.body),
        recorded=exchange.recorded.at if exchange.recorded else None,
    )


def as_json(listed: Mapping[str, Sequence[Row]]) -> str:
    """One array, with an object for each cassette."""
    found = [
        {"cassette": name, "exchanges": [asdict(row) for row in rows]}
        for name, rows in listed.items()
    ]
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


def as_text(
    listed: Mapping[str, Sequence[Row]], paint: Paint, columns: int | None = None
) -> Iterator[str]:
    """A heading for each cassette, and its rows; columns are as wide as in all of them.

    On a terminal `columns` wide, the date, then the size, then ends of paths give way.
    """
    cells = {name: [_cells(row) for row in rows] for name, rows in listed.items()}
    every = [row for rows in cells.values() for row in rows]
    widths = [max(map(len, column)) for column in zip(*every, strict=True)]
    if columns is not None and widths:
        widths = _narrowed(widths, columns)
    for name, rows in cells.items():
        yield f"{paint(name, bold=True)}  {counted(len(rows), 'exchange')}\n"
        for row in rows:
            yield f"  {_aligned(row, widths)}\n"


def _narrowed(widths: Sequence[int], columns: int) -> list[int]:
    """Widths that fit `columns`, as far as they can; what is missing at the end is not shown."""
    narrow = list(widths)
    while len(narrow) > _ALWAYS_SHOWN and _width(narrow) > columns:
        narrow.pop()
    excess = max(0, _width(narrow) - columns)
    narrow[_REQUEST] = max(min(_SHORTEST_REQUEST, narrow[_REQUEST]), narrow[_REQUEST] - excess)
    return narrow


def _width(widths: Sequence[int]) -> int:
    return sum(widths) + 2 * len(widths)


def _cells(row: Row) -> tuple[str, ...]:
    return (
        str(row.number),
        printable(row.upstream) or "-",
        printable(row.request),
        printable(row.model or "-"),
        "stream" if row.stream else "-",
        str(row.status),
        size_shown(row.size),
        moment_shown(row.recorded) if row.recorded else "-",
    )


_RIGHT = frozenset({0, 6})
"""Number and size stand under each other by their last digit."""
_REQUEST = 2
_SHORTEST_REQUEST = 20
_ALWAYS_SHOWN = 6
"""Up to the status."""


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(
        cell.rjust(width) if place in _RIGHT else cut(cell, width).ljust(width)
        for place, (cell, width) in enumerate(zip(row, widths, strict=False))
    ).rstrip()
