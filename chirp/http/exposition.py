"""The server's figures in Prometheus' text format (R83-R88)."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

from chirp.metrics import Histogram, Metrics

Family = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily
Stats = Callable[[], dict[str, dict[str, float]]]
"""Gives named groups of current values: caches, journals, engine."""


class Exposition(Collector):
    """Reads plain counters when asked, and only then."""

    def __init__(self, metrics: Metrics, stats: Stats) -> None:
        self._metrics = metrics
        self._stats = stats
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def render(self) -> bytes:
        """Return all figures as text."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Family]:
        """Yield every family once."""
        yield from self._counters()
        yield from self._gateway()
        yield from self._histograms()
        yield from self._process()
        for group, values in self._stats().items():
            family = GaugeMetricFamily(
                f"chirp_{group}", f"Current values of {group}", labels=["what"]
            )
            for name, value in values.items():
                family.add_metric([name], value)
            yield family

    def _counters(self) -> Iterator[Family]:
        m = self._metrics
        yield CounterMetricFamily("chirp_tweets_posted", "Tweets posted (R83)", m.tweets_posted)
        yield CounterMetricFamily("chirp_tweets_deleted", "Tweets deleted", m.tweets_deleted)
        words = "Tweet ids pushed into cached home timelines (R84)"
        yield CounterMetricFamily("chirp_deliveries", words, m.deliveries)
        words = "Sign-ins with a wrong name or password"
        yield CounterMetricFamily("chirp_sign_ins_failed", words, m.sign_ins_failed)
        yield _by_filter("chirp_flags", "Tweets flagged to the moderators, by filter", m.flags)
        words = "Tweets that a filter failed on; they went past it"
        yield _by_filter("chirp_filter_failures", words, m.filter_failures)
        requests = CounterMetricFamily(
            "chirp_requests", "Requests by route and status", labels=["route", "status"]
        )
        for (route, status), count in m.requests.items():
            requests.add_metric([route, str(status)], count)
        yield requests

    def _gateway(self) -> Iterator[Family]:
        m = self._metrics
        words = "Requests refused because too many were under way"
        yield CounterMetricFamily("chirp_overload_refusals", words, m.overload_refused)
        for name, words, label, counts in (
            ("rate_limited", "Requests refused by a rate limit", "group", m.rate_limited),
            ("connections_refused", "Connections over a limit", "why", m.connections_refused),
            ("timeouts", "Connections that took too long", "what", m.timeouts),
        ):
            family = CounterMetricFamily(f"chirp_{name}", words, labels=[label])
            for value, count in counts.items():
                family.add_metric([value], count)
            yield family

    def _histograms(self) -> Iterator[Family]:
        m = self._metrics
        words = "From a tweet's time to its last delivery (R84)"
        yield _family("chirp_delivery_lag_seconds", words, {"": m.delivery_lag_s}, None)
        words = "From a post to its acknowledgement"
        yield _family("chirp_post_seconds", words, {"": m.post_s}, None)
        words = "Time to assemble a timeline page (R85)"
        yield _family("chirp_timeline_seconds", words, m.timeline_s, "timeline")
        words = "Time to answer a request, by route"
        yield _family("chirp_request_seconds", words, m.request_s, "route")

    def _process(self) -> Iterator[Family]:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        words = "Processor time used (R88)"
        yield CounterMetricFamily("chirp_cpu_seconds", words, time.process_time())
        words = "Greatest resident memory so far (R88)"
        yield GaugeMetricFamily("chirp_max_resident_bytes", words, usage.ru_maxrss * 1024)


def _by_filter(name: str, words: str, counts: dict[str, int]) -> CounterMetricFamily:
    family = CounterMetricFamily(name, words, labels=["filter"])
    for filter_, count in counts.items():
        family.add_metric([filter_], count)
    return family


def _family(
    name: str, words: str, histograms: dict[str, Histogram], label: str | None
) -> HistogramMetricFamily:
    family = HistogramMetricFamily(name, words, labels=[label] if label else [])
    for value, histogram in histograms.items():
        total, buckets = 0, []
        bounds = [str(bound) for bound in histogram.bounds]
        for bound, count in zip([*bounds, "+Inf"], histogram.counts, strict=True):
            total += count
            buckets.append((bound, total))
        family.add_metric([value] if label else [], buckets, histogram.total)
    return family
