"""Counters, gauges and histograms that cost an addition, and what they are called outside.

prometheus-client's own objects take a lock and a label lookup each time (about 2 µs); these are
plain attributes of one thread, read when somebody asks for /metrics.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

LATENCY_BOUNDS_S = (
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 10.0,
)  # fmt: skip


class Histogram:
    """Counts observations by upper bound; the last bucket has none.

    >>> h = Histogram((1.0, 2.0))
    >>> for value in (0.5, 1.0, 1.5, 9): h.observe(value)
    >>> h.counts, h.total
    ([2, 1, 1], 12.0)
    """

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...] = LATENCY_BOUNDS_S) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count one observation. O(log(buckets))."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def quantile(self, q: float) -> float:
        """Return the upper bound of the bucket that holds quantile `q`; 0 when empty."""
        return quantile_of(self.bounds, self.counts, q)


def quantile_of(bounds: tuple[float, ...], counts: Sequence[int], q: float) -> float:
    """Return the upper bound of the bucket that holds quantile `q`; 0 when all are empty."""
    wanted, seen = q * sum(counts), 0
    for bound, count in zip((*bounds, float("inf")), counts, strict=True):
        seen += count
        if count and seen >= wanted:
            return bound
    return 0.0


class Sample(NamedTuple):
    """What the process did in one interval; `at` in Unix milliseconds, its end."""

    at: int
    requests_per_s: float
    posts_per_s: float
    lag_p50_ms: float
    lag_p99_ms: float
    memory_mb: float


class Metrics:
    """What one process has done since it started."""

    def __init__(self) -> None:
        self.tweets_posted = 0
        self.tweets_deleted = 0
        self.deliveries = 0
        self.delivery_lag_s = Histogram()
        self.post_s = Histogram()
        self.timeline_s: dict[str, Histogram] = defaultdict(Histogram)
        self.requests: dict[tuple[str, int], int] = defaultdict(int)
        self.request_s: dict[str, Histogram] = defaultdict(Histogram)
        self.sign_ins_failed = 0
        self.in_flight = 0
        self.overload_refused = 0
        self.rate_limited: dict[str, int] = defaultdict(int)
        self.connections_refused: dict[str, int] = defaultdict(int)
        self.timeouts: dict[str, int] = defaultdict(int)
        self.flags: dict[str, int] = defaultdict(int)
        self.filter_failures: dict[str, int] = defaultdict(int)
