"""What do the caches cost, in time and bytes, and how many reads do they answer?

Entries a second, bytes an entry, the collector's pause and the cost of a delivery; then hit ratios
against size (bench/hits.py).

Payloads are untracked structs of about the size of a tweet. Memory is the process's resident set
before and after, so that it holds what the allocator keeps. The collector's pause is one full
`gc.collect()` with everything cached, less that of the bare process.
"""

from __future__ import annotations

import argparse
import gc
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

from msgspec import Struct

from bench.harness import Bench, ForeignCpu
from bench.hits import report_hits
from chirp.cache import AdjacencyCache, HomeTimelines, TweetCache

OWNERS = 10_000
HUGE = 1 << 40
PAGE = 20
TRACED = 20_000
"""Tweets of the traces for hit ratios."""


class Payload(Struct, gc=False):
    """What stands in for a tweet; the bytes of its text are shared, and so not measured."""

    tweet_id: int
    content: str


def resident_bytes() -> int:
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * 4096


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def collect_ms() -> float:
    return min(seconds(gc.collect) for _ in range(3)) * 1000


def fill(cache: TweetCache[Payload], payloads: list[Payload]) -> float:
    """Push all payloads, round the owners; return pushes a second."""

    def push_all() -> None:
        for payload in payloads:
            cache.push(payload.tweet_id % OWNERS, payload.tweet_id, payload, 150)

    return len(payloads) / seconds(push_all)


def tweets(entries: int) -> dict[str, float]:
    payloads = [Payload(1_000_000 + i, "x") for i in range(entries)]
    gc.collect()
    idle_ms, before = collect_ms(), resident_bytes()
    cache: TweetCache[Payload] = TweetCache(HUGE)
    figures = {"push/s": fill(cache, payloads)}
    figures["bytes/entry (without payload)"] = (resident_bytes() - before) / entries
    figures["full gc.collect ms, less idle"] = max(0.0, collect_ms() - idle_ms)
    figures |= reads(cache, entries)
    cache.budget_bytes = cache.stats()["weight_bytes"] - 100_000 * 310
    cache.recent_from_id = 1_000_000 + entries
    evictions = cache.stats()["evictions"]
    elapsed_s = seconds(lambda: cache.push(0, 9_000_000, payloads[0], 150))
    figures["evict/s, old tails"] = (cache.stats()["evictions"] - evictions) / elapsed_s
    cache.recent_from_id = 0
    cache.budget_bytes = cache.stats()["weight_bytes"] - 100_000 * 310
    evictions = cache.stats()["evictions"]
    elapsed_s = seconds(lambda: cache.push(0, 9_000_001, payloads[0], 150))
    figures["evict/s, all tails recent"] = (cache.stats()["evictions"] - evictions) / elapsed_s
    return figures


def reads(cache: TweetCache[Payload], entries: int) -> dict[str, float]:
    random, rounds = Random(1), 20_000
    pages = [[1_000_000 + random.randrange(entries) for _ in range(PAGE)] for _ in range(rounds)]
    owners = [random.randrange(OWNERS) for _ in range(rounds)]
    ids = [page[0] for page in pages]
    return {
        "get/s": rounds / seconds(lambda: [cache.get(i) for i in ids]),
        "get_many of 20, tweets/s": rounds * PAGE / seconds(lambda: [*map(cache.get_many, pages)]),
        "read of 20, pages/s": rounds
        / seconds(lambda: [cache.read(o, None, PAGE) for o in owners]),
    }


def deliveries(followers: int, *, cached: bool) -> float:
    """Return nanoseconds a follower of one `push_all`, mean over about a million deliveries."""
    homes = HomeTimelines(HUGE)
    for viewer in range(followers) if cached else ():
        homes.begin_build(viewer).install(range(1, 801), 1)
    follows = AdjacencyCache(HUGE)
    viewers = follows.begin_load(1).finish(range(followers))
    posts = 1_000_000 // followers

    def deliver() -> None:
        for tweet_id in range(1_000, 1_000 + posts):
            homes.push_all(viewers, tweet_id)

    return seconds(deliver) / (posts * followers) * 1e9


def home_pages() -> float:
    """Return pages of 20 ids a second, of a window of 800."""
    homes = HomeTimelines(HUGE)
    homes.begin_build(1).install(range(1, 801), 1)
    rounds = 100_000
    return rounds / seconds(lambda: [homes.read(1, None, PAGE) for _ in range(rounds)])


def measure(entries: int) -> dict[str, float]:
    """Return all figures by name."""
    figures = tweets(entries)
    for followers in (200, 10_000):
        for cached in (False, True):
            kind = "cached" if cached else "not cached"
            name = f"push_all ns/viewer, {followers:,} {kind}"
            figures[name] = deliveries(followers, cached=cached)
    figures["home read of 20, pages/s"] = home_pages()
    return figures


def unit_of(name: str) -> str:
    """Return the unit of a figure by its name."""
    for unit in ("ns", "ms", "bytes"):
        if f"{unit}/" in name or f" {unit}" in name:
            return "B" if unit == "bytes" else unit
    return "/s"


def run(entries: int, reads: int, path: Path | None) -> None:
    """Measure and report."""
    bench = Bench("cache", extra={"entries": entries, "trace": {"tweets": TRACED, "reads": reads}})
    foreign = ForeignCpu()
    for name, value in measure(entries).items():
        bench.show(name, value, unit_of(name))
    report_hits(bench, TRACED, reads)
    bench.finish(foreign.cores(), path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--entries", type=int, default=500_000)
    parser.add_argument("--reads", type=int, default=100_000, help="of the traces for hit ratios")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    run(given.entries, given.reads, given.json)
