"""How soon do 200 followers see a post, at 1,157 posts/s beside 500 and 2,000 home pages/s (R32)?

Fifty authors with 200 followers each, all of them active. Every fiftieth post is watched over
HTTP from the moment that it was due until three of its followers' pages show it; the server's own
histogram says when the last of the 200 got it. Three seconds of the same go before, twice: from a
client of its own, and from the one that measures. Both paces take turns; of several rounds each
figure is the median, and the least and the greatest p99 stand beside it: one run says little on a
machine whose speed changes. How fast it was before each round is kept with the result.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families

from bench.harness import (
    LOAD_CORE,
    SERVER_CORE,
    Bench,
    ForeignCpu,
    chirp_server,
    reference_us,
    require,
)
from bench.posts import load
from bench.stores import graph_store

PORT = 18083
WARMUP_S = 3.0
AUTHORS, FOLLOWERS, PEOPLE = 50, 200, 1_000
CONNECTIONS = 192
"""Of those who post. With 64, nothing but 55 ms a post would end the open loop at that rate."""
ONE_ADDRESS = {"CHIRP_MAX_CONNECTIONS_PER_ADDRESS": "1000"}
"""Everybody comes from here."""


def run(
    seconds: float, rate: float, paces: Sequence[float], rounds: int, path: Path | None
) -> None:
    """Measure and report."""
    require("taskset")
    chosen = random.Random(3)
    edges = [
        (follower, author)
        for author in range(AUTHORS)
        for follower in chosen.sample(range(AUTHORS, PEOPLE), FOLLOWERS)
    ]
    bench = Bench("fanout", extra={"rate": rate, "seconds": seconds, "followers": FOLLOWERS})
    measured: dict[float, list[Measured]] = {pages: [] for pages in paces}
    with graph_store(PEOPLE, edges) as (data, keys):
        plan = data.parent / "plan.json"
        plan.write_text(json.dumps(_plan(keys, edges)), encoding="utf-8")
        with chirp_server(data, PORT, SERVER_CORE, ONE_ADDRESS) as pid:
            for _ in range(rounds):
                for pages, those in measured.items():
                    those.append(measure(plan, pid, seconds, rate, pages))
    for pages, those in measured.items():
        report(bench, those, rate, pages)
        bench.extra[f"rounds beside {pages:,.0f} pages/s"] = [
            {"reference_us": round(one.reference_us, 2), "visible p99": round(one.seen_p99, 1)}
            for one in those
        ]
    bench.finish(max(one.noise for those in measured.values() for one in those), path)


class Measured(NamedTuple):
    """What one round found: times in ms, rates a second, errors; how much others used, in cores."""

    posts: float
    pages: float
    deliveries: float
    seen_p50: float
    seen_p99: float
    lag_p99: float
    post_p99: float
    page_p99: float
    errors: float
    noise: float
    reference_us: float


def measure(plan: Path, pid: int, seconds: float, rate: float, pages: float) -> Measured:
    """Measure one round at one pace of pages."""
    # The first posts and pages of everybody after a start read who they are from disk.
    asked = {"rate": rate, "pages": pages, "connections": CONNECTIONS, "warmup": WARMUP_S}
    load(PORT, plan, core=LOAD_CORE, seconds=0.0, **asked)
    speed_us = reference_us()
    foreign, before = ForeignCpu([pid]), _metrics()
    figures = load(PORT, plan, core=LOAD_CORE, seconds=seconds, **asked)
    noise = foreign.cores()
    metrics = {name: value - before.get(name, 0) for name, value in _metrics().items()}
    posts, seen = figures["post_ms"], figures["visible_ms"]
    took_s = figures["took_s"]
    return Measured(
        posts=posts["count"] / took_s,
        pages=figures["page_ms"]["count"] / took_s,
        deliveries=metrics["chirp_deliveries_total"] / (took_s + WARMUP_S),
        seen_p50=seen["p50"],
        seen_p99=seen["p99"],
        lag_p99=_lag_p99_ms(metrics),
        post_p99=posts["p99"],
        page_p99=figures["page_ms"]["p99"],
        errors=figures["errors"],
        noise=noise,
        reference_us=speed_us,
    )


def report(bench: Bench, measured: Sequence[Measured], rate: float, pages: float) -> None:
    """Add the rows of one pace of pages: medians of the rounds, and all errors."""
    beside = f"beside {pages:,.0f} pages/s"
    middle = Measured(*map(median, zip(*measured, strict=True)))
    bench.at_least(f"posts, {beside}", middle.posts, rate * 0.98, "posts/s")
    bench.show(f"pages, {beside}", middle.pages, "pages/s")
    bench.show(f"deliveries, {beside}", middle.deliveries, "/s")
    bench.show(f"visible to followers, p50, {beside}", middle.seen_p50, "ms")
    bench.at_most(f"visible to followers, p99, {beside}", middle.seen_p99, 100, "ms")
    if len(measured) > 1:
        seen = [one.seen_p99 for one in measured]
        bench.show(f"the least p99 of {len(seen)} rounds, {beside}", min(seen), "ms")
        bench.show(f"the greatest, {beside}", max(seen), "ms")
    bench.at_most(f"last delivery, p99 (bucket), {beside}", middle.lag_p99, 100, "ms")
    bench.show(f"post p99, {beside}", middle.post_p99, "ms")
    bench.show(f"page p99, {beside}", middle.page_p99, "ms")
    bench.at_most(f"errors, {beside}", sum(one.errors for one in measured), 0, "")


def _plan(keys: list[str], edges: list[tuple[int, int]]) -> dict[str, Any]:
    followers: dict[str, list[str]] = {keys[author]: [] for author in range(AUTHORS)}
    for follower, author in edges:
        followers[keys[author]].append(keys[follower])
    return {"authors": keys[:AUTHORS], "readers": keys[AUTHORS:], "followers": followers}


def _metrics() -> dict[str, float]:
    with urlopen(f"http://127.0.0.1:{PORT}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            label = sample.labels.get("le", "")
            found[sample.name + (f" {label}" if label else "")] = sample.value
    return found


def _lag_p99_ms(metrics: dict[str, float]) -> float:
    name = "chirp_delivery_lag_seconds"
    total = metrics[f"{name}_count"]
    for key, value in metrics.items():
        if key.startswith(f"{name}_bucket ") and value >= 0.99 * total:
            return float(key.split()[1]) * 1000
    return float("inf")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rate", type=float, default=1_157)
    parser.add_argument("--pages", type=float, nargs="+", default=[500, 2_000])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    run(given.seconds, given.rate, given.pages, given.rounds, given.json)
