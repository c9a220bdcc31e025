"""What does an author with very many followers cost the others?

Three authors post ten times a second, one after the other: with ten followers, with 10,000 (the
most that are pushed to), and with many more, whose readers merge them in. Meanwhile people who
follow none of them read their home pages. Their p99 and the time of a post should not move.
The followers are follows alone: rows of people without a profile.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import uvloop

from bench.filling import Filler
from bench.harness import LOAD_CORE, SERVER_CORE, Bench, ForeignCpu, chirp_server, require
from bench.posts import load
from chirp.clock import SystemClock
from chirp.fanout.index import effects_of
from chirp.model import UserId
from chirp.storage.changes import followed
from chirp.storage.events import Followed
from chirp.storage.store import create_store, open_store

PORT = 18085
READERS, ORDINARY, FOLLOWEES, TWEETS = 100, 400, 50, 2_000
POSTS_PER_S, PAGES_PER_S = 10, 500
FEW, MOST_PUSHED = 10, 10_000
_STRANGERS_FROM = 10**15


async def fill(folder: Path, followers: list[int]) -> list[str]:
    """Make the store; return the keys: of the authors, in that order, then of the readers."""
    clock = SystemClock()
    create_store(folder, clock)
    store = await open_store(folder)
    filler = Filler(store, clock.now_ms())
    await filler.people(len(followers) + READERS + ORDINARY, len(followers) + READERS)
    for reader in range(len(followers), len(followers) + READERS):
        await filler.follow(reader, FOLLOWEES)
    await filler.tweets(TWEETS)
    for author, count in zip(filler.users, followers, strict=False):
        for number in range(count):
            follower, now = UserId(_STRANGERS_FROM + number), clock.now_ms()
            truth = followed(store, follower, author, now)
            await filler.commit([truth, *effects_of(store, Followed(follower, author, now))])
    await filler.close()
    await store.close()
    return filler.secrets


def run(many: int, seconds: float, path: Path | None) -> None:
    """Measure and report."""
    require("taskset")
    followers = [FEW, MOST_PUSHED, many]
    with tempfile.TemporaryDirectory(prefix="chirp-bench-") as name:
        folder = Path(name)
        keys = uvloop.run(fill(folder / "data", followers))
        with chirp_server(folder / "data", PORT, SERVER_CORE) as pid:
            foreign = ForeignCpu([pid])
            plan = folder / "plan.json"
            found = [measured(plan, keys, place, seconds) for place in range(len(followers))]
            noise = foreign.cores()
    bench = Bench("celebrity", extra={"followers": followers})
    for count, figures in zip(followers, found, strict=True):
        bench.show(f"post p50, {count:,} followers", figures["post_ms"]["p50"], "ms")
        bench.show(f"page p99 of others, {count:,} followers", figures["page_ms"]["p99"], "ms")
    base = found[0]
    for count, figures in zip(followers[1:], found[1:], strict=True):
        ratio = figures["page_ms"]["p99"] / base["page_ms"]["p99"]
        bench.at_most(f"page p99 of others against {FEW}, {count:,} followers", ratio, 1.2, "")
    bench.at_most("errors", sum(figures["errors"] for figures in found), 0, "")
    bench.finish(noise, path)


def measured(plan: Path, keys: list[str], author: int, seconds: float) -> dict[str, Any]:
    """Let one author post and the readers read; return what the load saw."""
    readers = keys[-READERS:]
    said = {"authors": [keys[author]], "readers": readers, "followers": {}}
    plan.write_text(json.dumps(said), encoding="utf-8")
    figures: dict[str, Any] = load(
        PORT, plan, core=LOAD_CORE, seconds=seconds, rate=POSTS_PER_S, pages=PAGES_PER_S
    )
    return figures


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--followers", type=int, default=30_000, help="of the third author")
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    run(given.followers, given.seconds, given.json)
