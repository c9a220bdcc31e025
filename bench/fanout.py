"""How soon do 200 followers see a post, at 1,157 posts/s beside 500 and 2,000 home pages/s (R32)?

Fifty authors with 200 followers each, all of them active. Every fiftieth post is watched over
HTTP from the moment that it was due until three of its followers' pages show it; the server's own
histogram says when the last of the 200 got it. Three seconds of the same go before, twice: from a
client of its own, and from the one that measures.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families

from bench.harness import LOAD_CORE, SERVER_CORE, Bench, ForeignCpu, chirp_server, require
from bench.posts import load
from bench.stores import graph_store

PORT = 18083
WARMUP_S = 3.0
AUTHORS, FOLLOWERS, PEOPLE = 50, 200, 1_000
CONNECTIONS = 192
"""Of those who post. With 64, nothing but 55 ms a post would end the open loop at that rate."""


def run(seconds: float, rate: float, paces: Sequence[float], path: Path | None) -> None:
    """Measure and report."""
    require("taskset")
    chosen = random.Random(3)
    edges = [
        (follower, author)
        for author in range(AUTHORS)
        for follower in chosen.sample(range(AUTHORS, PEOPLE), FOLLOWERS)
    ]
    bench = Bench("fanout", extra={"rate": rate, "seconds": seconds, "followers": FOLLOWERS})
    noise = 0.0
    with graph_store(PEOPLE, edges) as (data, keys):
        plan = data.parent / "plan.json"
        plan.write_text(json.dumps(_plan(keys, edges)), encoding="utf-8")
        with chirp_server(data, PORT, SERVER_CORE) as pid:
            for pages in paces:
                noise = max(noise, measure(bench, plan, pid, seconds, rate, pages))
    bench.finish(noise, path)


def measure(bench: Bench, plan: Path, pid: int, seconds: float, rate: float, pages: float) -> float:
    """Add the rows of one pace of pages; return how much of the machine others used."""
    # The first posts and pages of everybody after a start read who they are from disk.
    asked = {"rate": rate, "pages": pages, "connections": CONNECTIONS, "warmup": WARMUP_S}
    load(PORT, plan, core=LOAD_CORE, seconds=0.0, **asked)
    foreign, before = ForeignCpu([pid]), _metrics()
    figures = load(PORT, plan, core=LOAD_CORE, seconds=seconds, **asked)
    noise = foreign.cores()
    metrics = {name: value - before.get(name, 0) for name, value in _metrics().items()}
    posts, seen, beside = figures["post_ms"], figures["visible_ms"], f"beside {pages:,.0f} pages/s"
    took_s = max(seconds, posts["max"] / 1000)
    bench.at_least(f"posts, {beside}", posts["count"] / took_s, rate * 0.98, "posts/s")
    bench.show(f"pages, {beside}", figures["page_ms"]["count"] / took_s, "pages/s")
    delivered = metrics["chirp_deliveries_total"]
    bench.show(f"deliveries, {beside}", delivered / (took_s + WARMUP_S), "/s")
    bench.show(f"visible to followers, p50, {beside}", seen["p50"], "ms")
    bench.at_most(f"visible to followers, p99, {beside}", seen["p99"], 100, "ms")
    bench.at_most(f"last delivery, p99 (bucket), {beside}", _lag_p99_ms(metrics), 100, "ms")
    bench.show(f"post p99, {beside}", posts["p99"], "ms")
    bench.show(f"page p99, {beside}", figures["page_ms"]["p99"], "ms")
    bench.at_most(f"errors, {beside}", figures["errors"], 0, "")
    return noise


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
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    run(given.seconds, given.rate, given.pages, given.json)
