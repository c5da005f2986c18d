"""What has happened so far, as figures: by upstream and model, without growing with requests.

`add` is paid for every request and does no more than count. Tokens are not known then: it is
noted which exchange was given or recorded, and whoever asks for figures looks into those.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from llmreplay.control.histogram import Histogram
from llmreplay.core.dialect import Usage
from llmreplay.core.journal import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from llmreplay.core.dialect import Json
    from llmreplay.core.journal import Entry

__all__ = ["Group", "Price", "Stats", "Unread"]

Price: TypeAlias = "Callable[[str | None, str | None, Usage], float | None]"
"""(upstream, model, tokens) → what they cost, in USD; None where nobody knows."""

_MOST_GROUPS = 1_000
"""Clients may make up as many names of models as they like."""
_MOST_SOURCES = 100_000
_MOST_FAULTS = 1_000
_OTHERS = "(others)"
_HIT = Outcome.HIT  # half a microsecond, if it is looked up for every request
_LIVE = frozenset({Outcome.RECORDED, Outcome.FORWARDED, Outcome.FAILED})


class Group:
    """The requests for one model of one upstream."""

    __slots__ = ("first_byte", "given", "latency", "outcomes", "spent")

    def __init__(self) -> None:
        self.outcomes: dict[Outcome, int] = dict.fromkeys(Outcome, 0)
        self.latency = Histogram()
        self.first_byte = Histogram()
        self.given: dict[str, int] = {}
        """How often each exchange was replayed."""
        self.spent: dict[str, int] = {}
        """The same for those that were recorded."""


class Unread(NamedTuple):
    """An exchange, and for which model of which upstream it was given or recorded."""

    upstream: str | None
    model: str | None
    source: str


class Tokens(NamedTuple):
    """Tokens and their price; `unknown` answers did not say how many, or nobody looked."""

    input_tokens: int = 0
    output_tokens: int = 0
    usd: float | None = None
    unknown: int = 0

    @property
    def shown(self) -> dict[str, Json]:
        """As JSON."""
        usd = None if self.usd is None else round(self.usd, 9)
        return {
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "cost_usd": usd,
            "unknown_answers": self.unknown,
        }


class Stats:
    """Counts every entry of the journal that it is given."""

    def __init__(self) -> None:
        self.groups: dict[tuple[str | None, str | None], Group] = {}
        self.faults: Counter[str] = Counter()
        self.usages: dict[str, Usage] = {}
        """Of the exchanges that were looked into."""
        self._sources = 0

    def add(self, entry: Entry) -> None:
        """One more request."""
        key = (entry.upstream, entry.model)
        group = self.groups.get(key) or self._group(key)
        group.outcomes[entry.outcome] += 1
        group.latency.add(entry.elapsed_ms)
        if entry.first_byte_ms is not None:
            group.first_byte.add(entry.first_byte_ms)
        if entry.source is not None:
            sources = group.given if entry.outcome is _HIT else group.spent
            count = sources.get(entry.source, 0)
            if count or self._room():
                sources[entry.source] = count + 1
        if entry.faults:
            self._count_faults(entry.faults)

    @property
    def unread(self) -> list[Unread]:
        """The exchanges whose tokens have not been looked up."""
        return [
            Unread(upstream, model, source)
            for (upstream, model), group in self.groups.items()
            for sources in (group.given, group.spent)
            for source in sources
            if source not in self.usages
        ]

    def _group(self, key: tuple[str | None, str | None]) -> Group:
        if len(self.groups) >= _MOST_GROUPS:
            key = (_OTHERS, None)
        return self.groups.setdefault(key, Group())

    def _room(self) -> bool:
        self._sources += 1
        return self._sources <= _MOST_SOURCES

    def _count_faults(self, faults: Sequence[str]) -> None:
        for fault in faults:
            known = fault in self.faults or len(self.faults) < _MOST_FAULTS
            self.faults[fault if known else _OTHERS] += 1

    def shown(self, price: Price) -> Json:
        """All figures, as JSON."""
        latency, first_byte = Histogram(), Histogram()
        outcomes: Counter[str] = Counter(dict.fromkeys(Outcome, 0))
        upstreams: Counter[str] = Counter()
        saved, spent = Tokens(), Tokens()
        lines = []
        for (upstream, model), group in self.groups.items():
            latency.join(group.latency)
            first_byte.join(group.first_byte)
            outcomes.update(group.outcomes)
            upstreams[upstream or ""] += group.latency.count
            priced = _Priced(self.usages, partial(price, upstream, model))
            mine = priced.tokens(group.given, group.outcomes[Outcome.HIT])
            others = priced.tokens(group.spent, _live(group))
            saved, spent = _sum(saved, mine), _sum(spent, others)
            lines.append(_line(upstream, model, group, mine, others))
        total = latency.count
        return {
            "requests": total,
            "outcomes": {str(outcome): count for outcome, count in outcomes.items()},
            "faults": dict(self.faults),
            "latency_ms": _percentiles(latency),
            "first_byte_ms": _percentiles(first_byte),
            "saved": saved.shown,
            "spent": spent.shown,
            "share": {name: round(count / total, 6) for name, count in upstreams.most_common()},
            "models": sorted(lines, key=lambda line: -line["requests"]),
        }


class _Priced:
    """Adds up what exchanges cost."""

    def __init__(self, usages: Mapping[str, Usage], price: Callable[[Usage], float | None]) -> None:
        self._usages = usages
        self._price = price

    def tokens(self, sources: Mapping[str, int], answers: int) -> Tokens:
        """`answers` is how many there were, of which `sources` are those that can be read."""
        read = ((self._usages.get(source, Usage()), count) for source, count in sources.items())
        found = _sum(Tokens(), *(self._of(usage, count) for usage, count in read))
        return found._replace(unknown=found.unknown + max(0, answers - sum(sources.values())))

    def _of(self, usage: Usage, count: int) -> Tokens:
        if usage.input_tokens is None and usage.output_tokens is None:
            return Tokens(unknown=count)
        usd = self._price(usage)
        return Tokens(
            max(0, usage.input_tokens or 0) * count,
            max(0, usage.output_tokens or 0) * count,
            None if usd is None else usd * count,
        )


def _sum(*tokens: Tokens) -> Tokens:
    known = [one.usd for one in tokens if one.usd is not None]
    return Tokens(
        sum(one.input_tokens for one in tokens),
        sum(one.output_tokens for one in tokens),
        sum(known) if known else None,
        sum(one.unknown for one in tokens),
    )


def _live(group: Group) -> int:
    return sum(group.outcomes[outcome] for outcome in _LIVE)


def _line(
    upstream: str | None, model: str | None, group: Group, saved: Tokens, spent: Tokens
) -> dict[str, Json]:
    return {
        "upstream": upstream,
        "model": model,
        "requests": group.latency.count,
        "outcomes": {str(outcome): count for outcome, count in group.outcomes.items()},
        "latency_ms": _percentiles(group.latency),
        "first_byte_ms": _percentiles(group.first_byte),
        "saved": saved.shown,
        "spent": spent.shown,
    }


def _percentiles(histogram: Histogram) -> dict[str, float] | None:
    """None of nothing."""
    if not histogram.count:
        return None
    asked: Iterable[tuple[str, float]] = (("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99))
    told = {name: round(histogram.percentile(share), 3) for name, share in asked}
    mean = histogram.sum_ms / histogram.count
    return {**told, "mean": round(mean, 3), "max": round(histogram.most_ms, 3)}
