"""The rules of a run: those of its overlay files, and those that were added over the API.

Decides which are in force, and in which order: files first. Tells whoever answers requests each
time that changes. Pure; `rules` has the operations, `service` gives it the files' rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from llmreplay.core.dialect import Json
    from llmreplay.core.faults import Rule

__all__ = ["Kept", "Rulebook"]


@dataclass(frozen=True, slots=True)
class Kept:
    """A rule, whether it is in force, and as it was written if it came over the API."""

    rule: Rule
    on: bool
    written: Json = None

    @property
    def of_file(self) -> bool:
        """Whether it stands in an overlay file."""
        return self.written is None


class Rulebook:
    """`changed` is called with the rules in force, at each change."""

    def __init__(
        self, of_files: Sequence[Rule], changed: Callable[[tuple[Rule, ...]], None]
    ) -> None:
        self._of_files = tuple(of_files)
        self._added: dict[str, tuple[Rule, Json]] = {}
        self._off: set[str] = set()
        self._changed = changed

    @property
    def all(self) -> tuple[Kept, ...]:
        """Every rule, in the order in which they are asked."""
        return (
            *(Kept(rule, rule.name not in self._off) for rule in self._of_files),
            *(
                Kept(rule, rule.name not in self._off, written)
                for rule, written in self._added.values()
            ),
        )

    @property
    def in_force(self) -> tuple[Rule, ...]:
        """Those that are on."""
        return tuple(kept.rule for kept in self.all if kept.on)

    def find(self, name: str) -> Kept | None:
        """The rule of this name."""
        return next((kept for kept in self.all if kept.rule.name == name), None)

    def take_files(self, rules: Sequence[Rule]) -> None:
        """The overlay files say something else now; they go before what was added of that name."""
        self._of_files = tuple(rules)
        for rule in rules:
            self._added.pop(rule.name, None)
        self._tell()

    def add(self, rules: Iterable[tuple[Rule, Json]]) -> None:
        """Add rules, each with how it was written; one of the same name is replaced."""
        for rule, written in rules:
            self._added[rule.name] = (rule, written)
            self._off.discard(rule.name)
        self._tell()

    def switch(self, name: str, *, on: bool) -> None:
        """Put a rule in force, or out of it."""
        if on:
            self._off.discard(name)
        else:
            self._off.add(name)
        self._tell()

    def remove(self, names: Iterable[str]) -> int:
        """Take out rules that were added; says how many there were."""
        gone = [name for name in names if self._added.pop(name, None) is not None]
        self._off.difference_update(gone)
        if gone:
            self._tell()
        return len(gone)

    @property
    def added(self) -> tuple[str, ...]:
        """The names of those that were added over the API."""
        return tuple(self._added)

    def _tell(self) -> None:
        self._changed(self.in_force)
