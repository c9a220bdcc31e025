"""Figures for operators, out of what the engine and the metrics count."""

from __future__ import annotations

from chirp.metrics import Metrics
from chirp.storage.engine import EngineStats


def engine_values(stats: EngineStats) -> dict[str, dict[str, float]]:
    """Return the engine's gauges in their groups: rows by table, and the files."""
    return {
        "rows": {name: float(table.rows) for name, table in stats.tables.items()},
        "storage": {
            "file_bytes": stats.file_bytes,
            "commits": stats.commits,
            "batches": stats.batches,
            "conflicts": stats.conflicts,
            "writes_stopped": float(stats.writes_stopped is not None),
        },
    }


def status_figures(stats: EngineStats, metrics: Metrics, lag_now_s: float) -> dict[str, str]:
    """Return what the status page shows, in words; `lag_now_s`: of the oldest post under way."""
    tables = stats.tables
    lag_s = metrics.delivery_lag_s.quantile(0.99)
    return {
        "people": f"{tables['users'].rows:,}",
        "tweets": f"{tables['tweets'].rows:,}",
        "follows": f"{tables['following'].rows // 2:,}",
        "posted this run": f"{metrics.tweets_posted:,}",
        "delivered this run": f"{metrics.deliveries:,}",
        "delivery lag, p99": f"≤ {lag_s * 1000:g} ms" if lag_s else "none yet",
        "delivery lag now": f"{lag_now_s * 1000:,.0f} ms" if lag_now_s else "none",
    }
