"""How fast is a warm home timeline, against a bare aiohttp handler with the same bytes?

Both servers are pinned to one core, wrk to another, and they take turns, so that both meet the
same noise. There is no cache of whole pages: every page is looked up, filtered and spliced.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from urllib.request import Request, urlopen

from bench.harness import (
    SERVER_CORE,
    Bench,
    ForeignCpu,
    chirp_server,
    demo_store,
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
        key = _busiest(keys)
        headers = {"X-API-Key": key}
        body = _fetch(f"http://127.0.0.1:{CHIRP_PORT}{PATH}", key)
        page = data.parent / "page.json"
        page.write_bytes(body)
        bare = [sys.executable, "-m", "bench.bare", str(BARE_PORT), str(page)]
        with process(bare, f"http://127.0.0.1:{BARE_PORT}{PATH}", SERVER_CORE) as bare_pid:
            foreign = ForeignCpu([pid, bare_pid])
            measured = []
            for _ in range(rounds):
                ceiling = wrk(f"http://127.0.0.1:{BARE_PORT}{PATH}", seconds, CONNECTIONS)
                ours = wrk(
                    f"http://127.0.0.1:{CHIRP_PORT}{PATH}", seconds, CONNECTIONS, headers=headers
                )
                measured.append((ceiling, ours))
            noise = foreign.cores()
    bench = Bench("page", extra={"response_bytes": len(body), "rounds": rounds})
    ratios = [ours.per_s / ceiling.per_s for ceiling, ours in measured]
    bench.show("bare aiohttp handler", quantile([c.per_s for c, _ in measured], 0.5), "pages/s")
    bench.show("home timeline", quantile([o.per_s for _, o in measured], 0.5), "pages/s")
    bench.at_least("ratio, median of rounds", quantile(ratios, 0.5), 0.6, "")
    bench.show("tweet views", 20 * quantile([o.per_s for _, o in measured], 0.5), "/s a core")
    bench.show("home timeline, p50", quantile([o.p50_ms for _, o in measured], 0.5), "ms")
    bench.show("home timeline, p99", quantile([o.p99_ms for _, o in measured], 0.5), "ms")
    bench.at_most("errors", sum(o.errors for _, o in measured), 0, "")
    bench.finish(noise, path)


def _busiest(keys: dict[str, str]) -> str:
    """Return the key of somebody whose first page is full."""
    for key in keys.values():
        body = _fetch(f"http://127.0.0.1:{CHIRP_PORT}{PATH}", key)
        if body.count(b'"tweet_id"') == 20:
            return key
    sys.exit("nobody has 20 tweets in their home timeline")


def _fetch(url: str, key: str) -> bytes:
    with urlopen(Request(url, headers={"X-API-Key": key}), timeout=10) as answer:
        return bytes(answer.read())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--users", type=int, default=500)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    run(given.rounds, given.seconds, given.users, given.json)
