"""The nearest recordings: those that share most of a request's conversation and fields."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from heapq import nlargest
from itertools import repeat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llmreplay.core.tape import Recording, Tape

__all__ = ["Candidates", "candidates", "nearest"]

_ALIKE = 0.75
"""How alike two paths must be (0 to 1) for one to be taken for a slip of the other."""
_ROUTES = 500
"""How many recorded paths are compared with the one asked for."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """Recordings to compare with.

    All on the route asked for, or, with `other_route`, on the one nearest to it. With
    `other_upstream`, none of them is for the upstream asked for.
    """

    recordings: tuple[Recording, ...] = ()
    other_route: bool = False
    other_upstream: bool = False


def candidates(tape: Tape, method: str, path: str, upstream: str | None) -> Candidates:
    """The recordings that a request might have meant."""
    on_route = tape.on_route(method, path)
    if on_route:
        ours = _of(upstream, on_route)
        return Candidates(ours or on_route, other_upstream=not ours)
    paths = dict.fromkeys(path for _, path in tape.routes()[:_ROUTES])
    close = [path] if path in paths else get_close_matches(path, paths, n=1, cutoff=_ALIKE)
    methods = [known for known, known_path in tape.routes() if close and known_path == close[0]]
    # The same method first; any other says at least that the path is there.
    methods.sort(key=lambda known: known != method)
    for known in methods:
        ours = _of(upstream, tape.on_route(known, close[0]))
        if ours:
            return Candidates(ours, other_route=True)
    return Candidates()


def nearest(
    recordings: Sequence[Recording], weights: Mapping[int, int], limit: int
) -> list[Recording]:
    """The `limit` recordings that share most, the nearest first; the earlier of equals."""
    weight_of = weights.get

    def shared(recording: Recording) -> int:
        return sum(map(weight_of, recording.features, repeat(0)))

    return nlargest(limit, recordings, key=shared)


def _of(upstream: str | None, recordings: tuple[Recording, ...]) -> tuple[Recording, ...]:
    if upstream is None:
        return recordings
    return tuple(one for one in recordings if one.upstream in {None, upstream})
