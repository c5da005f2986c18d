"""The nearest recordings: those that share most of a request's conversation and fields.

Only those on the route that was asked for are near, or on the same one for another model:
what is recorded elsewhere answers another kind of request.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import nlargest
from itertools import repeat
from typing import TYPE_CHECKING

from llmreplay.core.canonical.target import encoded

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llmreplay.core.dialect import Dialect
    from llmreplay.core.tape import Recording, Tape

__all__ = ["Candidates", "candidates", "nearest"]


@dataclass(frozen=True, slots=True)
class Candidates:
    """Recordings to compare with.

    All on the route asked for, or, with `other_model`, on the one that differs from it in the
    model alone. With `other_upstream`, none of them is for the upstream asked for.
    """

    recordings: tuple[Recording, ...] = ()
    other_model: bool = False
    other_upstream: bool = False


def candidates(
    tape: Tape, method: str, path: str, upstream: str | None, dialect: Dialect
) -> Candidates:
    """The recordings that a request in `dialect` might have meant."""
    on_route = tape.on_route(method, path)
    if on_route:
        ours = _of(upstream, on_route)
        return Candidates(ours or on_route, other_upstream=not ours)
    others = _of(upstream, _for_other_models(tape, method, path, dialect))
    return Candidates(others, other_model=bool(others))


def _for_other_models(
    tape: Tape, method: str, path: str, dialect: Dialect
) -> tuple[Recording, ...]:
    """The recordings whose path is `path` but for the model that it names."""
    around = _around_model(path, dialect)
    if around is None:
        return ()
    return tuple(
        recording
        for known, known_path in tape.routes()
        if known == method and known_path.startswith(around[0]) and known_path.endswith(around[1])
        if _around_model(known_path, dialect) == around
        for recording in tape.on_route(known, known_path)
    )


def _around_model(path: str, dialect: Dialect) -> tuple[str, str] | None:
    """What stands before and after the model in a path that names one."""
    model = dialect.model(path, None)
    if model is None:
        return None
    before, found, after = path.rpartition(encoded(tuple(model.split("/")))[1:])
    return (before, after) if found else None


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
