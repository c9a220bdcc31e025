"""Decides after a soak whether something has grown that data does not explain."""

from __future__ import annotations

from collections.abc import Sequence

from bench.harness import Bench
from bench.soak.sampling import Sample, level

ROW_BYTES = 2_000
"""What a row may be worth in the process's own memory: more than any cache counts for one."""

BUCKET_BYTES = 500
SLACK_MIB = 12.0
"""The allocator's holes, and what a password's hash takes for a moment."""

SPARE_FILES = 2
_ENGINES_OWN = ("journal", "markers", "cursors")
_LEFT_OF_A_TWEET = {"rows tweets": 1, "rows tweet_counts": 4}
"""A deleted tweet leaves a tombstone, so that its id is not given again, and its counters."""

_MIB = 1 << 20
WARM = 0.4
"""The part of the time after which memory has its level."""


def judge(
    bench: Bench, samples: Sequence[Sample], idle: Sample, rest: Sample, empty: Sample
) -> None:
    """Record every figure that must not have grown.

    `samples`: under load; `idle`: before it, `rest`: behind it with everybody still there,
    `empty`: when all accounts that came were closed.
    """
    _memory(bench, samples)
    files = rest["descriptors"] - idle["descriptors"]
    bench.at_most("descriptors behind the load, above idle", files, SPARE_FILES, "")
    for name in ("tasks running", "gateway connections", "gateway in_flight", "streams open"):
        bench.at_most(f"{name}, above idle", rest[name] - idle[name], 0, "")
    for name in sorted(name for name in rest if name.split()[-1] in {"open_loads", "open_builds"}):
        bench.at_most(name, rest[name], 0, "")
    bench.at_most("tasks failed", rest["tasks failed"], 0, "")
    for name in sorted(name for name in rest if name.startswith("journal_lag ")):
        bench.at_most(f"{name}, at rest", rest[name], 0, "events")
    for name in sorted(name for name in empty if name.startswith("rows ")):
        if name.split()[1] not in _ENGINES_OWN:
            left = empty[name] - idle.get(name, 0.0)
            most = _LEFT_OF_A_TWEET.get(name, 0) * empty["ids issued"]
            bench.at_most(f"{name} left of closed accounts", left, most, "rows")


def _memory(bench: Bench, samples: Sequence[Sample]) -> None:
    """Hold the growth of memory since the warm-up against what explains it."""

    def grown(prefix: str) -> float:
        names = [name for name in samples[-1] if name.startswith(prefix)]
        after = sum(level(samples, name, 0.85, 1.0) for name in names)
        return after - sum(level(samples, name, WARM, WARM + 0.15) for name in names)

    explained = max(0.0, grown("cache ")) + SLACK_MIB
    # The journal is only on disk: its rows explain nothing.
    rows = max(0.0, grown("rows ") - grown("rows journal"))
    explained += rows * ROW_BYTES / _MIB
    explained += max(0.0, grown("limits ")) * BUCKET_BYTES / _MIB
    bench.at_most("own memory grown since the warm-up", grown("memory own"), explained, "MiB")
    bench.show("own memory at the end", samples[-1]["memory own"], "MiB")
    bench.show("rows grown since the warm-up", grown("rows "), "rows")
    bench.show("shard files at the end", samples[-1]["shard files"], "MiB")
    bench.show(
        "latency of /healthz, middle half, at the end", level(samples, "latency", 0.85, 1), "ms"
    )
    bench.show("threads at the end", samples[-1]["threads"], "")
