"""Writes docs/sdks-and-faults.md anew: `python -m tests.sdks.faults`, or `make faults`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.sdks.faults.clients import PROGRAMS
from tests.sdks.faults.settling import kept_rows, settled
from tests.sdks.faults.table import PAGE, page


def main() -> None:
    """Asks all SDKs, writes the page, says what is new in it."""
    before = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    sdks = [sdk for program in PROGRAMS for sdk in program.sdks]
    with tempfile.TemporaryDirectory() as folder:
        cells, _ = settled(Path(folder), sdks, before)
    after = page(cells, sdks)
    PAGE.write_text(after, encoding="utf-8")
    rows = kept_rows(before)
    for key, told in kept_rows(after).items():
        if rows.get(key) != told:
            sys.stdout.write(f"{key[1]}, {key[0]}: {' · '.join(told)}\n")


if __name__ == "__main__":
    main()
