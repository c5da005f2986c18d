"""Which exchanges of a cassette stay when a newer take has recorded the same requests.

The one place that decides it, as values: closing a take asks, and so does loading a file whose
take was never closed. Knows fingerprints, numbers, statuses and takes; no file and no body.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from llmreplay.core.fingerprint import Fingerprint

__all__ = ["Entry", "Outcome", "Stay", "supersede"]

_TRANSIENT: Final = frozenset({408, 409, 429, 529})
_SERVER_ERRORS: Final = range(500, 600)
_SUCCESSES: Final = range(200, 400)


@dataclass(frozen=True, slots=True)
class Entry:
    """An exchange in a cassette. `position` is its place in the file, from 0.

    `take` is the take that appended it and was not closed since; None if it is settled.
    """

    position: int
    number: int
    fingerprint: Fingerprint
    status: int
    take: str | None = None


@dataclass(frozen=True, slots=True)
class Stay:
    """An exchange that stays, and the number that it has from now on."""

    entry: Entry
    number: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What stays, by number, and how many came, went or were recorded again to no effect."""

    stays: tuple[Stay, ...]
    new: int = 0
    replaced: int = 0
    unchanged: int = 0
    dropped: int = 0


def supersede(
    entries: Iterable[Entry],
    *,
    same: Callable[[Entry, Entry], bool] = lambda _old, _new: False,
    keep_errors: bool = False,
    fresh: bool = False,
) -> Outcome:
    """What stays of `entries`, given in the order of the file.

    Each open take, the oldest first, replaces what there was for the fingerprints that it saw:
    its i-th exchange for one takes the number of the i-th that was there, or a number after all.
    Where both are the `same`, the old one stays. `fresh`: what the last take did not see, goes.
    """
    settled: list[Stay] = []
    takes: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.take is None:
            settled.append(Stay(entry, entry.number))
        else:
            takes[entry.take].append(entry)
    outcome = Outcome(_by_number(settled))
    last = next(reversed(takes), None)
    for take, newcomers in takes.items():
        lasting = newcomers if keep_errors else _without_transient_failures(newcomers)
        step = _replace(outcome.stays, lasting, same, fresh=fresh and take == last)
        outcome = Outcome(
            step.stays,
            outcome.new + step.new,
            outcome.replaced + step.replaced,
            outcome.unchanged + step.unchanged,
            outcome.dropped + step.dropped + len(newcomers) - len(lasting),
        )
    return outcome


def _without_transient_failures(take: Sequence[Entry]) -> list[Entry]:
    """`take` less the failures after which the same request succeeded."""
    last_success: dict[Fingerprint, int] = {}
    for entry in take:
        if entry.status in _SUCCESSES:
            latest = last_success.get(entry.fingerprint, entry.number)
            last_success[entry.fingerprint] = max(latest, entry.number)
    return [
        entry
        for entry in take
        if not (_is_transient(entry) and entry.number < last_success.get(entry.fingerprint, -1))
    ]


def _is_transient(entry: Entry) -> bool:
    return entry.status in _TRANSIENT or entry.status in _SERVER_ERRORS


def _replace(
    settled: Sequence[Stay],
    newcomers: Sequence[Entry],
    same: Callable[[Entry, Entry], bool],
    *,
    fresh: bool,
) -> Outcome:
    """What stays when one take's exchanges come to what was there."""
    places: dict[Fingerprint, list[Stay]] = defaultdict(list)
    for stay in settled:
        places[stay.entry.fingerprint].append(stay)
    seen = {entry.fingerprint for entry in newcomers}
    stays = [] if fresh else [stay for stay in settled if stay.entry.fingerprint not in seen]
    dropped = len(settled) - len(stays) - sum(len(places[each]) for each in seen)
    appended: list[Entry] = []
    unchanged = replaced = 0
    for entry in sorted(newcomers, key=lambda entry: (entry.number, entry.position)):
        if not places[entry.fingerprint]:
            appended.append(entry)
            continue
        old = places[entry.fingerprint].pop(0)
        if same(old.entry, entry):
            unchanged += 1
            stays.append(old)
        else:
            replaced += 1
            stays.append(Stay(entry, old.number))
    replaced += sum(len(places[each]) for each in seen)  # more were there than came
    after = max((stay.number for stay in stays), default=0) + 1
    stays += [Stay(entry, after + index) for index, entry in enumerate(appended)]
    return Outcome(_by_number(stays), len(appended), replaced, unchanged, dropped)


def _by_number(stays: Iterable[Stay]) -> tuple[Stay, ...]:
    return tuple(sorted(stays, key=lambda stay: (stay.number, stay.entry.position)))
