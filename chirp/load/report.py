"""What a run says: figures for a table, JSON for programs."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from chirp import __version__
from chirp.load.capacity import Capacity
from chirp.load.histogram import Histogram
from chirp.load.plan import Outcome, Plan
from chirp.load.server import Figures

QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p99.9": 0.999}


@dataclass(frozen=True, slots=True)
class Result:
    """One run: what was asked for, what was measured, the server's figures before and after."""

    plan: Plan
    outcome: Outcome
    before: Figures
    after: Figures
    at: datetime
    capacity: Capacity | None = None


def latencies(times: Histogram) -> dict[str, float]:
    """Return a histogram's percentiles and greatest time, in ms."""
    found = {name: times.quantile(q) / 1000 for name, q in QUANTILES.items()}
    return {**found, "max": times.most / 1000}


def rows(outcome: Outcome) -> list[tuple[str, int, float, dict[str, float], int]]:
    """Return (operation, answers, a second, latencies in ms, errors), the busiest first.

    The last row is that of all together.
    """
    names = {*outcome.times, *outcome.errors}
    found = []
    for name in names:
        times = outcome.times.get(name, Histogram())
        errors = outcome.errors[name].total() if name in outcome.errors else 0
        found.append((name.value, times.count, *_rate_and_times(times, outcome), errors))
    found.sort(key=lambda row: (-row[1], row[0]))
    whole = outcome.whole
    together = ("all", whole.count, *_rate_and_times(whole, outcome), outcome.error_count)
    return [*found, together]


def _rate_and_times(times: Histogram, outcome: Outcome) -> tuple[float, dict[str, float]]:
    return times.count / outcome.seconds, latencies(times)


def server_figures(before: Figures, after: Figures) -> dict[str, float | None]:
    """Return what the server did meanwhile, by its own metrics; None where it did not say."""

    def grown(name: str) -> float | None:
        return after[name] - before[name] if name in before and name in after else None

    def share(part: float | None, rest: float | None) -> float | None:
        if part is None or rest is None or not part + rest:
            return None
        return round(part / (part + rest), 4)

    batches, commits = (grown(f'chirp_storage{{what="{n}"}}') for n in ("batches", "commits"))
    hits, misses = (grown(f'chirp_cache_tweets{{what="{n}"}}') for n in ("hits", "misses"))
    return {
        "cpu_s": grown("chirp_cpu_seconds_total"),
        "max_resident_mb": round(after.get("chirp_max_resident_bytes", 0) / 1e6, 1) or None,
        "tweets_posted": grown("chirp_tweets_posted_total"),
        "deliveries": grown("chirp_deliveries_total"),
        "delivery_lag_p99_ms": _lag_p99_ms(before, after),
        "batches_per_commit": round(batches / commits, 2) if batches and commits else None,
        "tweet_cache_hit_ratio": share(hits, misses),
    }


_WORDS = {
    "cpu_s": "processor time, s",
    "max_resident_mb": "memory at the most, MB",
    "tweets_posted": "tweets posted",
    "deliveries": "deliveries",
    "delivery_lag_p99_ms": "delivery lag p99, ms",
    "batches_per_commit": "batches a commit",
    "tweet_cache_hit_ratio": "hits of the tweet cache, %",
}


def server_lines(result: Result) -> list[tuple[str, str]]:
    """Return what the server says of itself for people to read; what it did not say is left out."""
    lines = []
    for name, value in server_figures(result.before, result.after).items():
        if value is not None:
            scaled = 100 * value if name.endswith("_ratio") else value
            shown = f"{scaled:,.2f}".rstrip("0").rstrip(".")
            lines.append((_WORDS.get(name, name.replace("_", " ")), shown))
    return lines


def _lag_p99_ms(before: Figures, after: Figures) -> float | None:
    """Return the bound of the bucket that holds the 99th percentile of the delivery lag."""
    prefix = 'chirp_delivery_lag_seconds_bucket{le="'
    counts = {
        name[len(prefix) : -2]: value - before.get(name, 0)
        for name, value in after.items()
        if name.startswith(prefix)
    }
    total = counts.get("+Inf", 0)
    bounds = [float(bound) for bound, count in counts.items() if count >= 0.99 * total]
    return round(min(bounds) * 1000, 3) if total and bounds else None


def as_json(result: Result) -> dict[str, Any]:
    """Return a run as JSON can hold it; times in ms."""
    outcome = result.outcome
    operations = {
        name: {"count": count, "per_s": round(per_s, 1), **times, "errors": errors}
        for name, count, per_s, times, errors in rows(outcome)
    }
    kinds = {name.value: dict(counts) for name, counts in outcome.errors.items()}
    return {
        "chirp": __version__,
        "at": result.at.astimezone(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "plan": asdict(result.plan),
        "operations": operations,
        "errors": kinds,
        "unsent": outcome.unsent,
        "generator_late_ms": outcome.late_us / 1000,
        "by_second": {
            "answered": outcome.answered,
            "slowest_ms": [us / 1000 for us in outcome.slowest_us],
        },
        "histogram_us": dict(outcome.whole.buckets()),
        "server": server_figures(result.before, result.after),
        "capacity": None if result.capacity is None else asdict(result.capacity),
    }


def machine() -> Mapping[str, str]:
    """Return what the load ran on."""
    return {"system": platform.platform(), "python": platform.python_version()}
