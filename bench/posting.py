"""The load of bench/posts, bench/fanout and bench/convoy, in a process of its own.

Open loop: each request has a time at which it is due, and its latency counts from then, so that a
stalled server cannot hide. There are connections enough that none waits for one of them. What is
due during the warm-up is not counted. Prints its figures as JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvloop

from bench.client import Pool, get, post
from bench.harness import quantile

TWEET = "/api/v1/tweet"
HOME = "/api/v1/timeline/home"
READER_CONNECTIONS = 128
"""With 32, nothing but 16 ms a page would end an open loop of 2,000 a second."""
WATCHER_CONNECTIONS = 32
WATCHED = 0.02
"""The share of posts that are watched: watching is load, too."""
MOST_WATCHED_S = 10
LOOK_AGAIN_S = 0.005
"""Between two looks at a page that does not show a post yet. Without a pause, whatever is late is
made later by those who ask for it."""
TEXT = "A tweet of about ninety characters, which is what people write on a normal day, number"


@dataclass(slots=True)
class Load:
    """What is measured while posts and pages go on."""

    keys: list[str]
    pool: Pool
    readers: Pool
    watchers: Pool
    seconds: float
    since_s: float
    """When the warm-up ends: what was due before is not counted."""
    random: random.Random
    post_ms: list[float] = field(default_factory=list)
    page_ms: list[float] = field(default_factory=list)
    visible_ms: list[float] = field(default_factory=list)
    errors: int = 0
    number: int = 0
    ended_s: float = 0.0
    """When the last answer came that is counted, but for what watchers saw."""

    def note(self, times: list[float], due_s: float) -> None:
        """Count what was due at `due_s` and is answered now."""
        if due_s >= self.since_s:
            self.ended_s = time.monotonic()
            times.append((self.ended_s - due_s) * 1000)

    def request(self, key: str) -> bytes:
        """Return a post of a fresh text by the owner of `key`."""
        self.number += 1
        return post(TWEET, key, json.dumps({"tweet_data": f"{TEXT} {self.number}"}).encode())

    async def closed_posts(self, until_s: float) -> None:
        """Post as fast as answers come, on one connection's worth of the pool."""
        while time.monotonic() < until_s:
            began = time.monotonic()
            status, _ = await self.pool.request(self.request(self.random.choice(self.keys)))
            self.errors += status != 201
            self.note(self.post_ms, began)

    async def one_post(self, due_s: float, author: str) -> str:
        """Post once; return the tweet's id."""
        status, body = await self.pool.request(self.request(author))
        self.note(self.post_ms, due_s)
        if status != 201:
            self.errors += 1
            return ""
        return str(json.loads(body)["tweet"]["tweet_id"])

    async def one_page(self, due_s: float, key: str) -> None:
        """Read one home page."""
        status, _ = await self.readers.request(get(HOME, key))
        self.note(self.page_ms, due_s)
        self.errors += status != 200

    async def watched_post(self, due_s: float, author: str, readers: list[str]) -> None:
        """Post, then read some followers' pages until all of them show it."""
        tweet_id = (await self.one_post(due_s, author)).encode()
        if not tweet_id:
            return
        # The page directly above the id before: a busy reader's first page has moved on at once.
        path = f"{HOME}?min_id={int(tweet_id) - 1}&limit=1"
        wanted = b'"tweet_id":"' + tweet_id + b'"'

        async def watch(reader: str) -> None:
            while time.monotonic() - due_s < MOST_WATCHED_S:
                _, body = await self.watchers.request(get(path, reader))
                if wanted in body:
                    break
                await asyncio.sleep(LOOK_AGAIN_S)

        await asyncio.gather(*map(watch, readers))
        if due_s >= self.since_s:
            self.visible_ms.append((time.monotonic() - due_s) * 1000)


async def at_rate(per_s: float, seconds: float, start: Any) -> None:
    """Call `start(due_s)` at a steady rate, whatever becomes of what it started."""
    began, number = time.monotonic(), 0
    running: set[asyncio.Task[None]] = set()
    while number < per_s * seconds:
        due_s = began + number / per_s
        delay = due_s - time.monotonic()
        if delay > 0:
            await asyncio.sleep(delay)
        task = asyncio.create_task(start(due_s))
        running.add(task)
        task.add_done_callback(running.discard)
        number += 1
    await asyncio.gather(*running)


async def run(options: argparse.Namespace) -> dict[str, Any]:
    """Run the load that was asked for and return its figures."""
    plan = json.loads(options.plan.read_text(encoding="utf-8"))
    pool = await Pool.open(options.port, options.connections)
    readers = await Pool.open(options.port, READER_CONNECTIONS)
    watchers = await Pool.open(options.port, WATCHER_CONNECTIONS)
    for key in plan["readers"]:
        await readers.request(get(HOME, key))
    seconds, since_s = options.seconds + options.warmup, time.monotonic() + options.warmup
    chosen = random.Random(7)
    load = Load(plan["authors"], pool, readers, watchers, seconds, since_s, chosen)
    work = [_pages(load, plan["readers"], options.pages)] if options.pages else []
    if options.rate:
        work.append(_paced(load, plan, options.rate))
    else:
        until_s = time.monotonic() + seconds
        work += [load.closed_posts(until_s) for _ in range(options.writers)]
    await asyncio.gather(*work)
    for one in (pool, readers, watchers):
        one.close()
    return _figures(load)


async def _pages(load: Load, readers: list[str], rate: float) -> None:
    await at_rate(rate, load.seconds, lambda due: load.one_page(due, load.random.choice(readers)))


async def _paced(load: Load, plan: dict[str, Any], rate: float) -> None:
    """Post at a rate; some are watched until some of its followers see it."""
    followers: dict[str, list[str]] = plan["followers"]

    async def start(due_s: float) -> None:
        author = load.random.choice(load.keys)
        known = followers.get(author, [])
        if known and load.random.random() < WATCHED:
            await load.watched_post(due_s, author, load.random.sample(known, min(3, len(known))))
        else:
            await load.one_post(due_s, author)

    await at_rate(rate, load.seconds, start)


def _figures(load: Load) -> dict[str, Any]:
    took_s = max(0.0, load.ended_s - load.since_s)
    figures: dict[str, Any] = {"errors": load.errors, "took_s": took_s}
    for name in ("post_ms", "page_ms", "visible_ms"):
        values = getattr(load, name)
        figures[name] = {"count": len(values)} | {
            f"p{q:g}": quantile(values, q / 100) for q in (50, 90, 99, 99.9)
        }
        figures[name]["max"] = max(values, default=0.0)
    return figures


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--plan", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--warmup", type=float, default=0, help="seconds before, not measured")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--writers", type=int, default=64, help="closed loop: posts in flight")
    parser.add_argument("--rate", type=float, default=0, help="posts/s; 0: closed loop")
    parser.add_argument("--pages", type=float, default=0, help="home pages/s beside them")
    print(json.dumps(uvloop.run(run(parser.parse_args()))))
