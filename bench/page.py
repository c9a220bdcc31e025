"""How fast is a warm home timeline, against a bare aiohttp handler with the same bytes?

Both servers are pinned to one core, wrk to another, and they take turns, so that both meet the
same noise. A hit is a first page whose ids and contents have not changed since it was made: its
ids are read, its bytes are sent again. A forced miss asks for `limit=20`, which is never kept:
every page is looked up, filtered and spliced.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.harness import (
    SERVER_CORE,
    Bench,
    ForeignCpu,
    WrkResult,
    busiest,
    chirp_server,
    demo_store,
    fetch,
    process,
    quantile,
    require,
    wrk,
)

PATH = "/api/v1/timeline/home"
CHIRP_PORT, BARE_PORT = 18080, 18081
CONNECTIONS = 32


def run(rounds: int, seconds: int, users: int, path: Path | None) -> None:
    """Measure and report."""
    require("wrk", "taskset")
    with demo_store(users) as (data, keys), chirp_server(data, CHIRP_PORT) as pid:
        key = busiest(f"http://127.0.0.1:{CHIRP_PORT}{PATH}", keys)
        headers = {"X-API-Key": key}
        body = fetch(f"http://127.0.0.1:{CHIRP_PORT}{PATH}", key)
        page = data.parent / "page.json"
        page.write_bytes(body)
        bare = [sys.executable, "-m", "bench.bare", str(BARE_PORT), str(page)]
        with process(bare, f"http://127.0.0.1:{BARE_PORT}{PATH}", SERVER_CORE) as bare_pid:
            foreign = ForeignCpu([pid, bare_pid])
            measured = []
            chirp_url = f"http://127.0.0.1:{CHIRP_PORT}{PATH}"
            for _ in range(rounds):
                ceiling = wrk(f"http://127.0.0.1:{BARE_PORT}{PATH}", seconds, CONNECTIONS)
                hit = wrk(chirp_url, seconds, CONNECTIONS, headers=headers)
                miss = wrk(f"{chirp_url}?limit=20", seconds, CONNECTIONS, headers=headers)
                measured.append((ceiling, hit, miss))
            noise = foreign.cores()
    bench = Bench("page", extra={"response_bytes": len(body), "rounds": rounds})
    ceilings, hits, misses = zip(*measured, strict=True)
    bench.show("bare aiohttp handler", _median(ceilings), "pages/s")
    _report(bench, "hit", ceilings, hits)
    _report(bench, "forced miss", ceilings, misses)
    bench.finish(noise, path)


def _report(
    bench: Bench, name: str, ceilings: Sequence[WrkResult], ours: Sequence[WrkResult]
) -> None:
    pairs = zip(ceilings, ours, strict=True)
    ratio = quantile([one.per_s / ceiling.per_s for ceiling, one in pairs], 0.5)
    bench.show(f"home timeline, {name}", _median(ours), "pages/s")
    bench.at_least(f"ratio, median of rounds, {name}", ratio, 0.8, "")
    bench.show(f"tweet views, {name}", 20 * _median(ours), "/s a core")
    bench.show(f"p50, {name}", quantile([o.p50_ms for o in ours], 0.5), "ms")
    bench.show(f"p99, {name}", quantile([o.p99_ms for o in ours], 0.5), "ms")
    bench.at_most(f"errors, {name}", sum(o.errors for o in ours), 0, "")


def _median(results: Sequence[WrkResult]) -> float:
    return quantile([result.per_s for result in results], 0.5)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--users", type=int, default=500)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    run(given.rounds, given.seconds, given.users, given.json)
