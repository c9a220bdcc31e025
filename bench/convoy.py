"""Do posts stay quick while the loop is busy? The gate on the writer threads' wait for the GIL.

A server that also runs a busy task in slices which yield to the loop but never block, not pinned,
at 500 posts/s: slices of 250 µs, as long as Chirp's own are meant to be, and of 1 ms, of which a
post waits for about ten, a hop each. A loop that never blocks makes a writer thread wait up to the
interpreter's switch interval at each of its calls: with the default of 5 ms (set
CHIRP_SWITCH_INTERVAL_US=5000 to see it) half of the posts of one second took over 15 s.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from pathlib import Path

import uvloop

from bench.harness import Bench, ForeignCpu, demo_store, process
from bench.posts import load
from chirp.app import Chirp
from chirp.config_sources import load as load_config
from chirp.serving import serve

PORT = 18084
WARMUP_S = 2.0


async def _busy(slice_s: float) -> None:
    """Burn the loop in slices, for ever, as a long fan-out would."""
    while True:
        until = time.perf_counter() + slice_s
        while time.perf_counter() < until:
            pass
        await asyncio.sleep(0)


def serve_busy(data: Path, slice_s: float) -> None:
    """Serve a store beside the busy task."""

    async def ready(chirp: Chirp) -> None:
        chirp.tasks.start("busy", _busy(slice_s))

    uvloop.run(serve(data, load_config(None, os.environ, {"server.port": PORT}), ready))


def run(seconds: float, rate: float, path: Path | None) -> None:
    """Measure and report."""
    bench = Bench("convoy", extra={"rate": rate})
    noise = 0.0
    with demo_store(200) as (data, keys):
        plan = data.parent / "plan.json"
        content = {"authors": list(keys.values()), "readers": [], "followers": {}}
        plan.write_text(json.dumps(content), encoding="utf-8")
        for slice_us in (250, 1_000):
            words = [sys.executable, "-m", "bench.convoy", "--serve", str(data)]
            words += ["--slice-us", str(slice_us)]
            with process(words, f"http://127.0.0.1:{PORT}/readyz", None) as pid:
                foreign = ForeignCpu([pid])
                # The first posts of everybody after a start read who they are: no matter of GILs.
                load(PORT, plan, core=None, seconds=WARMUP_S, rate=rate)
                posts = load(PORT, plan, core=None, seconds=seconds, rate=rate)["post_ms"]
                noise = max(noise, foreign.cores())
            name = f"slices of {slice_us} µs"
            bench.show(f"post p50, {name}", posts["p50"], "ms")
            bench.at_most(f"post p99, {name}", posts["p99"], 25, "ms")
    bench.finish(noise, path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--rate", type=float, default=500)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--slice-us", type=int, default=1_000, help=argparse.SUPPRESS)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    if given.serve is not None:
        serve_busy(given.serve, given.slice_us / 1e6)
    else:
        run(given.seconds, given.rate, given.json)
