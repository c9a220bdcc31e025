"""How many commits, reads and ranges a second does the LMDB engine do, by shards and group size?

Commits are synced, so they measure the disk that the folder lies on; `group of n` keeps n batches
in flight, each of one 130-byte row and its event. Reads are warm; cold ones are bench.cold's.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from bench.harness import Bench, ForeignCpu
from chirp.storage.engine import Batch
from chirp.storage.keys import Table, everything, id_key, pair_key, partition_range
from chirp.storage.lmdb_engine import LmdbEngine

SHARDS = (1, 2, 8)
GROUPS = (1, 10, 100, 1_000)
ROW = b"v" * 130
AUTHORS, INDEX_ROWS = 100, 200
RANGE = 20


def row(number: int) -> Batch:
    """Return a batch of one tweet's size, with its event."""
    batch = Batch(number, event=ROW)
    batch.put(Table.TWEETS, id_key(number), ROW)
    return batch


async def commit_rate(engine: LmdbEngine, first: int, group: int, seconds: float) -> float:
    """Return durable batches/s with `group` of them in flight."""
    done, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        numbers = range(first + done, first + done + group)
        await asyncio.gather(*(engine.commit(row(number)) for number in numbers))
        done += group
    return done / (time.perf_counter() - began)


async def rate(work: Callable[[], Awaitable[object]], each: int, seconds: float) -> float:
    """Return how many things a second `work` handles, `each` at a call."""
    done, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        await work()
        done += each
    return done / (time.perf_counter() - began)


async def fill_index(engine: LmdbEngine) -> None:
    """Write the author index that ranges and scatter scans read."""
    for author in range(1, AUTHORS + 1):
        batch = Batch(author)
        for number in range(INDEX_ROWS):
            batch.put(Table.AUTHOR_INDEX, pair_key(author, number * AUTHORS + author), b"\0")
        await engine.commit(batch)


async def read_rates(engine: LmdbEngine, seconds: float) -> dict[str, float]:
    """Return the rates of warm reads."""
    await fill_index(engine)
    rows = await engine.scatter(Table.TWEETS, *everything(), 10_000)
    dice, keys = random.Random(1), [key for key, _ in rows]
    index, tweets = Table.AUTHOR_INDEX, Table.TWEETS
    pages = [dice.choices(keys, k=RANGE) for _ in range(100)]
    return {
        "get 1": await rate(lambda: engine.get_many(tweets, [dice.choice(keys)]), 1, seconds),
        "get 20": await rate(lambda: engine.get_many(tweets, dice.choice(pages)), RANGE, seconds),
        "range 20": await rate(
            lambda: engine.scan(
                index, *partition_range(dice.randint(1, AUTHORS)), RANGE, reverse=True
            ),
            1,
            seconds,
        ),
        "scatter 20": await rate(
            lambda: engine.scatter(tweets, *everything(), RANGE, reverse=True), 1, seconds
        ),
        "scan rows": await rate(
            lambda: engine.scatter(index, *everything(), AUTHORS * INDEX_ROWS),
            AUTHORS * INDEX_ROWS,
            seconds,
        ),
    }


async def measure(folder: Path, shards: int, seconds: float) -> dict[str, float]:
    """Return all figures of one number of shards, each per second."""
    engine = LmdbEngine(folder, shards)
    figures = {}
    for group in GROUPS:
        first = group << 32
        figures[f"group of {group}"] = await commit_rate(engine, first, group, seconds)
    figures |= await read_rates(engine, seconds)
    await engine.close()
    return figures


def run(folder: Path | None, seconds: float, path: Path | None) -> None:
    """Measure and report."""
    bench, foreign = Bench("engine", extra={"seconds": seconds}), ForeignCpu()
    for shards in SHARDS:
        with tempfile.TemporaryDirectory(dir=folder) as place:
            figures = asyncio.run(measure(Path(place), shards, seconds))
        for name, figure in figures.items():
            bench.show(f"{name}, {shards} shards", figure, "/s")
    bench.finish(foreign.cores(), path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--folder", type=Path, help="where the files go; default: a temporary one")
    parser.add_argument("--seconds", type=float, default=0.5, help="how long each figure is taken")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    run(given.folder, given.seconds, given.json)
