"""How fast is a home timeline, against a bare aiohttp handler and a bare protocol, same bytes?

All servers are pinned to one core, wrk to another, and they take turns, so that all meet the same
noise. A *hit* is a first page whose ids and contents have not changed since it was made: it is
looked at, and its bytes are sent again. *Renewed*: 200 people read in turn while somebody whom
they all follow posts 100 times a second, so that nearly every page has something new on top; what
the posts cost is counted with the pages. A *forced miss* asks for `since_id=1`, which is never
kept: every page is looked up, filtered and spliced from the ground.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from bench.bare import PATH
from bench.harness import (
    LOAD_CORE,
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
from bench.stores import graph_store

CHIRP_PORT, BARE_PORT, RAW_PORT, MOVING_PORT = 18080, 18081, 18085, 18086
CONNECTIONS = 32
READERS, POSTS_PER_S = 200, 100
SCRIPT = """
local keys, i = {%s}, 0
request = function()
  i = i %% #keys + 1
  return wrk.format(nil, nil, {["X-API-Key"] = keys[i]})
end
"""


class Servers(NamedTuple):
    """What is measured in turn."""

    hit_key: str
    moving_script: str
    moving_plan: Path
    response_bytes: int
    moving_bytes: int
    pids: list[int]


def run(rounds: int, seconds: int, users: int, path: Path | None) -> None:
    """Measure and report."""
    require("wrk", "taskset")
    with ExitStack() as stack:
        servers = stack.enter_context(started(users))
        foreign = ForeignCpu(servers.pids)
        measured = [a_round(servers, seconds) for _ in range(rounds)]
        noise = foreign.cores()
    sizes = {"response_bytes": servers.response_bytes, "renewed_bytes": servers.moving_bytes}
    bench = Bench("page", extra={**sizes, "rounds": rounds})
    bare, raw, hit, renewed, miss = zip(*measured, strict=True)
    bench.show("bare aiohttp handler", _median(bare), "pages/s")
    bench.show("bare protocol, nothing parsed", _median(raw), "pages/s")
    _report(bench, "hit", bare, raw, hit)
    _report(bench, "renewed", bare, raw, renewed)
    _report(bench, "forced miss", bare, raw, miss)
    bench.finish(noise, path)


@contextmanager
def started(users: int) -> Iterator[Servers]:
    """Start all servers, on their core."""
    edges = [(number, 0) for number in range(1, READERS + 1)]
    with ExitStack() as stack:
        data, keys = stack.enter_context(demo_store(users))
        pid = stack.enter_context(chirp_server(data, CHIRP_PORT))
        moving, people = stack.enter_context(graph_store(READERS + 1, edges))
        moving_pid = stack.enter_context(chirp_server(moving, MOVING_PORT))
        url = f"http://127.0.0.1:{CHIRP_PORT}{PATH}"
        key = busiest(url, keys)
        body = fetch(url, key)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "page.json").write_bytes(body)
        bare = [sys.executable, "-m", "bench.bare", str(BARE_PORT), str(folder / "page.json")]
        raw = [sys.executable, "-m", "bench.bare", str(RAW_PORT), str(folder / "page.json")]
        ports = ((BARE_PORT, bare), (RAW_PORT, [*raw, "--raw"]))
        pids = [
            stack.enter_context(process(words, f"http://127.0.0.1:{port}{PATH}", SERVER_CORE))
            for port, words in ports
        ]
        script = SCRIPT % ", ".join(f'"{one}"' for one in people[1:])
        plan = folder / "plan.json"
        plan.write_text(
            json.dumps({"authors": people[:1], "readers": [], "followers": {}}), encoding="utf-8"
        )
        with posting(plan, 1):
            pass
        moving_bytes = len(fetch(f"http://127.0.0.1:{MOVING_PORT}{PATH}", people[1]))
        yield Servers(key, script, plan, len(body), moving_bytes, [pid, moving_pid, *pids])


@contextmanager
def posting(plan: Path, seconds: int) -> Iterator[None]:
    """Post meanwhile, from the load's core; wait until that has ended."""
    words = ["taskset", "-c", str(LOAD_CORE), sys.executable, "-m", "bench.posting"]
    words += ["--port", str(MOVING_PORT), "--plan", str(plan)]
    words += ["--seconds", str(seconds), "--rate", str(POSTS_PER_S)]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as running:
        yield
        if running.wait():
            sys.exit("the posts failed")


def a_round(servers: Servers, seconds: int) -> tuple[WrkResult, ...]:
    """Measure each server once."""
    chirp, headers = f"http://127.0.0.1:{CHIRP_PORT}{PATH}", {"X-API-Key": servers.hit_key}
    bare = wrk(f"http://127.0.0.1:{BARE_PORT}{PATH}", seconds, CONNECTIONS)
    raw = wrk(f"http://127.0.0.1:{RAW_PORT}{PATH}", seconds, CONNECTIONS)
    hit = wrk(chirp, seconds, CONNECTIONS, headers=headers)
    with posting(servers.moving_plan, seconds + 1):
        url, script = f"http://127.0.0.1:{MOVING_PORT}{PATH}", servers.moving_script
        renewed = wrk(url, seconds, CONNECTIONS, script=script)
    miss = wrk(f"{chirp}?since_id=1", seconds, CONNECTIONS, headers=headers)
    return bare, raw, hit, renewed, miss


def _report(
    bench: Bench,
    name: str,
    bare: Sequence[WrkResult],
    raw: Sequence[WrkResult],
    ours: Sequence[WrkResult],
) -> None:
    bench.show(f"home timeline, {name}", _median(ours), "pages/s")
    bench.at_least(f"ratio, median of rounds, {name}", _ratio(ours, bare), 0.8, "")
    bench.show(f"ratio to the bare protocol, {name}", _ratio(ours, raw), "")
    bench.show(f"tweet views, {name}", 20 * _median(ours), "/s a core")
    bench.show(f"p50, {name}", quantile([o.p50_ms for o in ours], 0.5), "ms")
    bench.show(f"p99, {name}", quantile([o.p99_ms for o in ours], 0.5), "ms")
    bench.show(f"p99.9, {name}", quantile([o.p999_ms for o in ours], 0.5), "ms")
    bench.at_most(f"errors, {name}", sum(o.errors for o in ours), 0, "")


def _ratio(ours: Sequence[WrkResult], theirs: Sequence[WrkResult]) -> float:
    pairs = zip(ours, theirs, strict=True)
    return quantile([one.per_s / other.per_s for one, other in pairs], 0.5)


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
