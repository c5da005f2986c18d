"""Is a cassette sound? What is wrong with it, and with how many of its exchanges.

It asks the proof of `cassettes` and the last scan of `core.redaction`, and counts. `check`
prints what it finds.
"""

from __future__ import annotations

import re
from bisect import bisect
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmreplay.cassettes import prove
from llmreplay.core.redaction import find_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from llmreplay.cassettes import Library

__all__ = ["Inspected", "inspected"]

_LINE = re.compile(r":(\d+): ")


@dataclass(frozen=True, slots=True)
class Inspected:
    """What there is in one cassette, and what is wrong, each as `path:line: what, remedy`."""

    exchanges: int
    sound: int
    problems: tuple[str, ...]


def inspected(library: Library, name: str) -> Inspected:
    """The cassette `name`, inspected."""
    path = library.path(name)
    text = _text(path)
    problems = (*prove(library, name), *_secrets(path, text))
    starts = [number for number, line in enumerate(text.split("\n"), 1) if line == "---"]
    unsound = {bisect(starts, int(line[1])) for line in map(_LINE.search, problems) if line}
    # Before the first document there is none to blame.
    return Inspected(len(starts), len(starts) - len(unsound - {0}), problems)


def _text(path: Path) -> str:
    """What is in the file; nothing where there is none to read, of which the proof tells."""
    if path.is_symlink() or not path.is_file():
        return ""
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""


def _secrets(path: Path, text: str) -> Iterator[str]:
    for finding in find_secrets(text):
        line = text.count("\n", 0, finding.start) + 1
        yield (
            f"{path}:{line}: this looks like a credential ({finding.kind}): record it again, or "
            "put a placeholder in its place, and revoke it if the file has left this machine"
        )
