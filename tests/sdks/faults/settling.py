"""Asks until each cell has come out the same three times: what a busy machine spoils is no change.

What the page says counts as two of them, so that a page that is right takes one run.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from tests.sdks.faults.cases import CASES
from tests.sdks.faults.running import play
from tests.sdks.faults.table import cell

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tests.sdks.faults.running import Ran
    from tests.sdks.faults.table import Cell

__all__ = ["kept_rows", "row", "settled"]

_ENOUGH = 3
_ROUNDS = 7
_ROW = re.compile(r"\| (?P<fault>`.*) \| (?P<told>.*?) \| (?P<again>\d+.*?) \|")

Row = tuple[str, str]
Key = tuple[str, str]
"""A case's name and an SDK."""


def row(found: Cell) -> Row:
    """What the page says of one case with one SDK."""
    return found.told, found.again


def kept_rows(page: str) -> dict[Key, Row]:
    """What a page says, by case and SDK."""
    names = {case.shown: case.name for case in CASES}
    rows = {}
    for section in page.split("\n## ")[2:]:
        sdk, _, table = section.partition("\n")
        for line in table.splitlines():
            found = _ROW.fullmatch(line)
            if found and found["fault"] in names:
                rows[names[found["fault"]], sdk] = (found["told"], found["again"])
    return rows


def settled(folder: Path, sdks: Sequence[str], page: str) -> tuple[dict[Key, Cell], dict[Key, Ran]]:
    """Each case with each SDK, as it came out; and the runs, for a closer look."""
    seen: dict[Key, Counter[Row]] = defaultdict(Counter)
    for key, told in kept_rows(page).items():
        seen[key][told] = _ENOUGH - 1
    pending = [(case, sdk) for sdk in sdks for case in CASES]
    cells: dict[Key, Cell] = {}
    runs: dict[Key, Ran] = {}
    for number in range(_ROUNDS):
        for ran in play(folder / str(number), pending):
            key, found = (ran.case.name, ran.sdk), cell(ran)
            seen[key][row(found)] += 1
            if seen[key][row(found)] >= _ENOUGH:
                cells[key], runs[key] = found, ran
        pending = [(case, sdk) for case, sdk in pending if (case.name, sdk) not in cells]
        if not pending:
            return cells, runs
    raise AssertionError(f"never the same: {_unsettled(seen, cells)}")


def _unsettled(
    seen: Mapping[Key, Counter[Row]], cells: Mapping[Key, Cell]
) -> dict[Key, list[tuple[Row, int]]]:
    return {key: rows.most_common() for key, rows in seen.items() if key not in cells}
