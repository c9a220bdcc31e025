"""How long does a read of cold disk hold the loop up, on the loop and off it?

Twenty random rows of a 200 MB shard whose pages were dropped from the system's cache, read as a
page of tweets is: on the loop, and in a pool thread. A ticker on the loop says how late it was.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import tempfile
import time
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import uvloop

from bench.harness import Bench, ForeignCpu, quantile
from chirp.storage.engine import Batch
from chirp.storage.keys import Table, id_key
from chirp.storage.lmdb_engine import LmdbEngine, shard_path

ROWS = 200_000
ROW = b"x" * 900
PAGE = 20

Read = Callable[[list[bytes]], Awaitable[object]]


async def fill(engine: LmdbEngine) -> None:
    """Write the rows, a thousand in flight."""
    for start in range(1, ROWS, 1_000):
        futures = []
        for number in range(start, start + 1_000):
            batch = Batch(number)
            batch.put(Table.TWEETS, id_key(number), ROW)
            futures.append(engine.commit(batch))
        await asyncio.gather(*futures)


def chill(path: Path) -> None:
    """Drop the file's pages from the system's cache."""
    handle = os.open(path, os.O_RDONLY)
    os.fsync(handle)
    os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(handle)


async def measure(read: Read, rounds: int) -> tuple[list[float], list[float]]:
    """Return how long pages took and how late a 1 ms ticker was, both in ms."""
    late: list[float] = []
    done = asyncio.Event()

    async def tick() -> None:
        while not done.is_set():
            began = time.perf_counter()
            await asyncio.sleep(0.001)
            late.append((time.perf_counter() - began - 0.001) * 1000)

    ticker = asyncio.create_task(tick())
    took: list[float] = []
    chosen = random.Random(5)
    for _ in range(rounds):
        keys = [id_key(chosen.randrange(1, ROWS)) for _ in range(PAGE)]
        began = time.perf_counter()
        await read(keys)
        took.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(0.001)
    done.set()
    await ticker
    return took, late


async def run(rounds: int, path: Path | None) -> None:
    """Measure and report."""
    bench, foreign = Bench("cold", extra={"stored": ROWS, "row_bytes": len(ROW)}), ForeignCpu()
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        engine = LmdbEngine(Path(folder), 1)
        await fill(engine)
        await engine.close()
        for name in ("on the loop", "in a thread"):
            engine = LmdbEngine(Path(folder), 1)
            chill(shard_path(Path(folder), 0))
            took, late = await measure(_reader(engine, threaded=name == "in a thread"), rounds)
            bench.show(f"cold page of {PAGE}, p50, {name}", quantile(took, 0.5), "ms")
            bench.show(f"cold page of {PAGE}, p99, {name}", quantile(took, 0.99), "ms")
            bench.show(f"loop late, p99, {name}", quantile(late, 0.99), "ms")
            bench.show(f"loop late, max, {name}", max(late), "ms")
            await engine.close()
        engine = LmdbEngine(Path(folder), 1)
        took, _ = await measure(_reader(engine, threaded=False), rounds)
        took, _ = await measure(_reader(engine, threaded=False), rounds)
        bench.show(f"warm page of {PAGE}, p50, on the loop", quantile(took, 0.5), "ms")
        took, _ = await measure(_reader(engine, threaded=True), rounds)
        bench.show(f"warm page of {PAGE}, p50, in a thread", quantile(took, 0.5), "ms")
        await engine.close()
    bench.finish(foreign.cores(), path)


def _drive(work: Coroutine[Any, Any, object]) -> object:
    """Run a coroutine that never waits, on whatever thread this is."""
    try:
        work.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("the engine's reads do not wait")


def _reader(engine: LmdbEngine, *, threaded: bool) -> Read:
    async def on_loop(keys: list[bytes]) -> object:
        return await engine.get_many(Table.TWEETS, keys)

    async def in_thread(keys: list[bytes]) -> object:
        return await asyncio.to_thread(_drive, engine.get_many(Table.TWEETS, keys))

    return in_thread if threaded else on_loop


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    uvloop.run(run(given.rounds, given.json))
