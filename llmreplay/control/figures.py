"""The figures of a run with tokens and prices: looks into exchanges that nobody has looked into.

The control API asks it, and whoever reports on a run that has ended.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from llmreplay.control.prices import finder
from llmreplay.core.dialect import Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from llmreplay.control.stats import Price, Stats, Unread
    from llmreplay.core.dialect import Json

__all__ = ["MOST_READ", "figures"]

MOST_READ: Final = 2_000
"""Exchanges that are looked into for one answer; others are unknown until the next."""


async def figures(
    stats: Stats,
    usages: Callable[[Sequence[str]], Mapping[str, Usage]],
    most_read: int = MOST_READ,
) -> dict[str, Json]:
    """All figures, as JSON. `usages` gives tokens of exchanges; it is called in a thread."""
    find, read = await asyncio.to_thread(_looked_up, stats.unread[:most_read], usages)
    stats.usages.update(read)
    return {**stats.shown(find or _no_price), "prices": find is not None}


def _looked_up(
    unread: Sequence[Unread], usages: Callable[[Sequence[str]], Mapping[str, Usage]]
) -> tuple[Price | None, dict[str, Usage]]:
    """Prices and tokens: both take a while when they are first asked for."""
    find = finder()
    sources = [one.source for one in unread]
    read = dict.fromkeys(sources, Usage())  # those that cannot be read are not tried again
    if sources:
        read |= usages(sources)
    for upstream, model, source in unread:
        if find is not None:
            find(upstream, model, read[source])  # which remembers it
    return find, read


def _no_price(upstream: str | None, model: str | None, usage: Usage) -> None:
    """Nobody knows prices here."""
    del upstream, model, usage
