"""Overlay files → rules, in the order of the files. All mistakes in all of them at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmreplay.core.faults.reading import RulesRead, read_rules
from llmreplay.errors import UsageError
from llmreplay.overlays.text import MAX_BYTES, UnreadableError, read_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from llmreplay.core.faults import Rule

__all__ = ["load_overlays"]


def load_overlays(paths: Sequence[Path]) -> tuple[Rule, ...]:
    """The rules in `paths`.

    Raises:
        UsageError: with a line for each mistake: `path:line: field: what to do`.
    """
    rules: dict[str, Rule] = {}
    mistakes: list[str] = []
    for path in paths:
        for found in _read(path):
            if isinstance(found, str):
                mistakes.append(found)
            elif found.name in rules:
                mistakes.append(f'{path}: another file has a rule called "{found.name}" already')
            else:
                rules[found.name] = found
    if len(mistakes) > 1:
        mistakes = [f"{len(mistakes)} mistakes in overlays", *(f"  {one}" for one in mistakes)]
    if mistakes:
        raise UsageError("\n".join(mistakes))
    return tuple(rules.values())


def _read(path: Path) -> Iterator[Rule | str]:
    """Its rules, or its mistakes."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        written = read_text(data)
    except OSError as error:
        yield f"{path}: cannot be read: {error.strerror}"
        return
    except UnreadableError as error:
        yield f"{path}:{error.line}: {error.reason}"
        return
    read: RulesRead = read_rules(written.value, path.stem)
    yield from read.rules
    for mistake in read.mistakes:
        field = f"{mistake.field}: " if mistake.place else ""
        yield f"{path}:{written.line_of(mistake.place)}: {field}{mistake.what}"
