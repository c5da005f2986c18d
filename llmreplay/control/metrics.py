"""The figures for Prometheus: read from `Stats` when scraped, so that requests pay nothing more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmreplay import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prometheus_client.core import Metric

    from llmreplay.control.histogram import Histogram
    from llmreplay.control.stats import Stats

__all__ = ["MEDIA_TYPE", "scrape"]

_LABELS = ("upstream", "model")


MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""Prometheus' text format, which every scraper reads."""


def scrape(stats: Stats, count_sessions: Callable[[], int]) -> bytes:
    """All metrics, as text."""
    from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415  # 40 ms

    registry = CollectorRegistry()
    registry.register(_Collector(stats, count_sessions))
    return generate_latest(registry)


class _Collector:
    """Gives the metrics of one moment."""

    def __init__(self, stats: Stats, count_sessions: Callable[[], int]) -> None:
        self._stats = stats
        self._count_sessions = count_sessions

    def collect(self) -> Iterator[Metric]:
        """All of them; what `CollectorRegistry` asks for."""
        from prometheus_client.core import (  # noqa: PLC0415  # as above
            CounterMetricFamily,
            GaugeMetricFamily,
            HistogramMetricFamily,
        )

        info = GaugeMetricFamily("llmreplay_info", "The version that runs.", labels=("version",))
        info.add_metric((__version__,), 1)
        yield info
        yield GaugeMetricFamily(
            "llmreplay_sessions", "Sessions there are.", value=self._count_sessions()
        )
        requests = CounterMetricFamily(
            "llmreplay_requests", "Requests by what became of them.", labels=(*_LABELS, "outcome")
        )
        took = HistogramMetricFamily(
            "llmreplay_request_duration_seconds", "To the end of the answer.", labels=_LABELS
        )
        first = HistogramMetricFamily(
            "llmreplay_first_byte_seconds", "To the start of the answer.", labels=_LABELS
        )
        for (upstream, model), group in self._stats.groups.items():
            labels = (upstream or "", model or "")
            for outcome, count in group.outcomes.items():
                if count:
                    requests.add_metric((*labels, str(outcome)), count)
            _add(took, labels, group.latency)
            _add(first, labels, group.first_byte)
        yield from (requests, took, first)
        faults = CounterMetricFamily("llmreplay_faults", "Injected faults.", labels=("fault",))
        for fault, count in self._stats.faults.items():
            faults.add_metric((fault,), count)
        yield faults


def _add(family: Metric, labels: tuple[str, ...], histogram: Histogram) -> None:
    if histogram.count:
        buckets = [(_bound(upper_ms), float(count)) for upper_ms, count in histogram.buckets()]
        family.add_metric(labels, buckets, histogram.sum_ms / 1000)  # type: ignore[attr-defined]  # a HistogramMetricFamily's


def _bound(upper_ms: float) -> str:
    return "+Inf" if upper_ms == float("inf") else f"{upper_ms / 1000:.4g}"
