"""The last hour in samples, one every ten seconds, for the plots that moderators see."""

from __future__ import annotations

import resource
import sys
from collections import deque

from chirp.clock import Clock
from chirp.metrics import Metrics, Sample, quantile_of

EVERY_S = 10.0
KEPT = 360
_SLOWEST_MS = 10_000.0
"""Where a plot ends: the histogram has no bound above."""


class History:
    """Takes samples of what the process has counted."""

    def __init__(self, metrics: Metrics, clock: Clock) -> None:
        self._metrics = metrics
        self._clock = clock
        self._samples: deque[Sample] = deque(maxlen=KEPT)
        self._last = self._counted()
        self._last_s = clock.monotonic_s()

    async def run(self) -> None:
        """Take a sample now and then, as long as the process lives."""
        while True:
            await self._clock.sleep(EVERY_S)
            self.take()

    def take(self) -> None:
        """Take a sample of what has happened since the last one."""
        now_s, counted = self._clock.monotonic_s(), self._counted()
        past_s = max(0.001, now_s - self._last_s)
        requests, posts, lags = counted
        new_lags = [now - before for now, before in zip(lags, self._last[2], strict=True)]
        bounds = self._metrics.delivery_lag_s.bounds
        p50, p99 = (min(_SLOWEST_MS, quantile_of(bounds, new_lags, q) * 1000) for q in (0.5, 0.99))
        self._samples.append(
            Sample(
                self._clock.now_ms(),
                (requests - self._last[0]) / past_s,
                (posts - self._last[1]) / past_s,
                p50,
                p99,
                _memory_mb(),
            )
        )
        self._last, self._last_s = counted, now_s

    def samples(self) -> list[Sample]:
        """Return the samples, oldest first."""
        return list(self._samples)

    def _counted(self) -> tuple[int, int, list[int]]:
        metrics = self._metrics
        requests = sum(metrics.requests.values())
        return requests, metrics.tweets_posted, list(metrics.delivery_lag_s.counts)


def _memory_mb() -> float:
    """Return the most memory that the process has had, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 if sys.platform == "linux" else 1 << 20)
