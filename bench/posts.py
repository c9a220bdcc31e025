"""How many durable posts a second go through HTTP, alone and while timelines are read?

64 connections and people without followers; then the same with home pages beside them. Pinned
(server on one core, load on the other) and unpinned: pinning hides what the writer threads wait
for the GIL.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench.harness import (
    LOAD_CORE,
    SERVER_CORE,
    Bench,
    ForeignCpu,
    chirp_server,
    demo_store,
    process_cpu_s,
    require,
)

PORT = 18082
TARGET = 3_000
PAGE_US = 60
"""What a page beside the posts takes of the server's processor time, about (bench/page)."""


def load(port: int, plan: Path, *, core: int | None, **options: float) -> dict[str, Any]:
    """Run bench/posting and return what it measured."""
    pinned = [] if core is None else ["taskset", "-c", str(core)]
    words = [*pinned, sys.executable, "-m", "bench.posting"]
    words += ["--port", str(port), "--plan", str(plan)]
    for name, value in options.items():
        words += [f"--{name}", f"{value:g}"]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def run(seconds: float, pages: float, path: Path | None) -> None:
    """Measure and report."""
    require("taskset")
    bench = Bench("posts", extra={"connections": 64, "pages_per_s": pages})
    noise = 0.0
    runs = [(SERVER_CORE, LOAD_CORE, "pinned"), (None, None, "unpinned")]
    rounds = [(*run, beside) for run in runs for beside in (0.0, pages)]
    with demo_store(300) as (data, keys):
        plan = data.parent / "plan.json"
        everybody = list(keys.values())
        content = {"authors": everybody[:100], "readers": everybody[100:], "followers": {}}
        plan.write_text(json.dumps(content), encoding="utf-8")
        for server_core, load_core, name, beside in rounds:
            with chirp_server(data, PORT, server_core) as pid:
                foreign = ForeignCpu([pid])
                figures = _loaded(pid, plan, load_core, seconds, beside)
                noise = max(noise, foreign.cores())
                _report(bench, f"{name}, {_beside(beside)}", figures)
    bench.finish(noise, path)


def _loaded(pid: int, plan: Path, core: int | None, seconds: float, pages: float) -> dict[str, Any]:
    """Post for a while; return the figures with the server's processor time, `cpu_s`."""
    began_s = process_cpu_s(pid)
    figures = load(PORT, plan, core=core, seconds=seconds, pages=pages)
    return figures | {"cpu_s": process_cpu_s(pid) - began_s}


def _beside(pages: float) -> str:
    return f"beside {pages:g} pages/s" if pages else "alone"


def _report(bench: Bench, name: str, figures: dict[str, Any]) -> None:
    posts, pages = figures["post_ms"], figures["page_ms"]
    bench.at_least(f"posts, {name}", posts["count"] / figures["took_s"], TARGET, "posts/s")
    share_us = (figures["cpu_s"] * 1e6 - pages["count"] * PAGE_US) / posts["count"]
    bench.show(f"server's processor time a post, {name}", share_us, "µs")
    bench.show(f"post p50, {name}", posts["p50"], "ms")
    bench.show(f"post p99, {name}", posts["p99"], "ms")
    bench.show(f"post p99.9, {name}", posts["p99.9"], "ms")
    if pages["count"]:
        bench.show(f"page p99, {name}", pages["p99"], "ms")
    bench.at_most(f"errors, {name}", figures["errors"], 0, "")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--pages", type=float, default=500)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    run(given.seconds, given.pages, given.json)
