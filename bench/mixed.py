"""How late are answers under the mix that was asked for (R24 to R26), up to capacity?

The server has a core of its own, `chirp bench` another. First the capacity is found: the greatest
rate at which p99 of all requests stays within 20 ms. Then the mix is asked at tenths of it, open
loop, every latency counted from when a request was due. Of several rounds, one tenth after the
other in each, the median counts: one hiccup of the machine is the p99 of a few seconds.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from bench.harness import LOAD_CORE, SERVER_CORE, Bench, ForeignCpu, chirp_server, require

PORT = 18084
BOUND_MS = 20
TENTHS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)


def asked(url: str, words: list[str], people: int) -> dict[str, Any]:
    """Run `chirp bench` on its core; return its report."""
    pinned = ["taskset", "-c", str(LOAD_CORE), sys.executable, "-m", "chirp", "bench"]
    common = [url, "--mix", "requirements", "--users", str(people), "--json"]
    done = subprocess.run(
        [*pinned, *common, "--connections", "64", *words],
        check=True,
        capture_output=True,
        text=True,
    )
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def run(seconds: float, warmup: float, people: int, rounds: int, path: Path | None) -> None:
    """Measure and report."""
    require("taskset")
    bench = Bench("mixed", extra={"seconds": seconds, "rounds": rounds})
    found: dict[int, list[dict[str, Any]]] = {tenth: [] for tenth in TENTHS}
    with tempfile.TemporaryDirectory(prefix="chirp-bench-") as folder:
        url = f"http://127.0.0.1:{PORT}"
        with chirp_server(Path(folder) / "data", PORT, SERVER_CORE) as pid:
            foreign = ForeignCpu([pid])
            timing = ["--duration", str(seconds), "--warmup", str(warmup)]
            sought = asked(url, ["--capacity", str(BOUND_MS), "--steps", "5", *timing], people)
            capacity = sought["capacity"]["rate"]
            bench.show(f"capacity: p99 of all within {BOUND_MS} ms", capacity, "requests/s")
            errors = 0
            for tenth in TENTHS * rounds:
                rate = capacity * tenth / 10
                report = asked(url, ["--rate", str(rate), *timing], people)
                errors += sum(sum(kinds.values()) for kinds in report["errors"].values())
                found[tenth].append(report["operations"])
            noise = foreign.cores()
    for tenth, those in found.items():
        _add(bench, tenth, those)
    bench.at_most("errors", errors, 0, "")
    bench.finish(noise, path)


def _add(bench: Bench, tenth: int, rounds: list[dict[str, Any]]) -> None:
    home, everything = ([one[name]["p99"] for one in rounds] for name in ("home", "all"))
    what = f"home timeline p99 at {10 * tenth} % of capacity"
    if tenth == 7:
        bench.at_most(what, median(home), 20, "ms")
        if len(home) > 1:
            bench.show(f"the greatest of {len(home)} rounds", max(home), "ms")
        slowest = median(one["home"]["p99.9"] for one in rounds)
        bench.show(f"home timeline p99.9 at {10 * tenth} %", slowest, "ms")
    else:
        bench.show(what, median(home), "ms")
    bench.show(f"all p99 at {10 * tenth} %", median(everything), "ms")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--warmup", type=float, default=1.0, help="seconds before each step")
    parser.add_argument("--people", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    run(given.seconds, given.warmup, given.people, given.rounds, given.json)
