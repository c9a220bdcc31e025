"""What do 8,000 idle streams cost, and how soon do all of them get one tweet?

Half are WebSockets, half Server-Sent Events, each of an account of its own; all follow one author.
They are held for some time, then the author posts: once when what readers need is on disk only,
then again. Somebody else reads home timelines meanwhile. Memory is the server's resident memory
and what Linux keeps for a socket is not in it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import time
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import uvloop

from bench.client import Pool, get, post
from bench.harness import (
    LOAD_CORE,
    SERVER_CORE,
    Bench,
    ForeignCpu,
    chirp_server,
    process_cpu_s,
    quantile,
    require,
    resident_kb,
)
from bench.posting import HOME, TWEET
from bench.readers import Reader, open_readers
from bench.stores import graph_store

PORT = 18086
OTHERS = 50
OTHERS_PER_S = 50.0
TOLD_WITHIN_S = 60.0
SPARE_FILES = 600
"""What the server opens besides streams, with room for whoever reads meanwhile."""

LARGEST_STREAM_KB = 40
SLOWEST_PUSH_MS = 5_000


@dataclass(slots=True)
class Measured:
    """What is known of the server, and the figures so far."""

    bench: Bench
    pid: int
    author: str
    others: Sequence[str]

    async def others_while(self, name: str, work: Awaitable[None]) -> None:
        """Read pages as somebody else at a steady rate until `work` ends; record their times."""
        took_ms: list[float] = []
        # Anew each time: a connection that asks nothing is closed by the server.
        pool = await Pool.open(PORT, 8)
        reading = asyncio.create_task(self._read(pool, took_ms))
        try:
            await work
        finally:
            reading.cancel()
            with suppress(asyncio.CancelledError):
                await reading
            pool.close()
        self.bench.show(f"page of others {name}, p50", quantile(took_ms, 0.5), "ms")
        self.bench.show(f"page of others {name}, p99", quantile(took_ms, 0.99), "ms")

    async def _read(self, pool: Pool, took_ms: list[float]) -> None:
        due_s, number = time.monotonic(), 0
        while True:
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
            await pool.request(get(HOME, self.others[number % len(self.others)]))
            # From when it was due: a server that stands still cannot hide.
            took_ms.append((time.monotonic() - due_s) * 1000)
            due_s, number = due_s + 1 / OTHERS_PER_S, number + 1


class Arrivals:
    """When readers got a tweet."""

    def __init__(self, expected: int) -> None:
        self.expected = expected
        self.at_s: list[float] = []
        self._all = asyncio.Event()

    def note(self, at_s: float) -> None:
        """Count one arrival."""
        self.at_s.append(at_s)
        if len(self.at_s) == self.expected:
            self._all.set()

    async def wait(self) -> None:
        """Wait until everybody has it, or it has taken too long."""
        try:
            await asyncio.wait_for(self._all.wait(), TOLD_WITHIN_S)
        except TimeoutError:
            print(f"{self.expected - len(self.at_s)} readers did not get the tweet")

    def begin(self) -> None:
        """Forget what was."""
        self.at_s.clear()
        self._all.clear()


def reachable(wanted: int) -> tuple[int, int]:
    """Raise the limit of open files; return how many streams it allows, and the limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return min(wanted, hard - SPARE_FILES), hard


def run(streams: int, hold_s: float, path: Path | None) -> None:
    """Measure and report."""
    require("taskset")
    wanted, (streams, hard) = streams, reachable(streams)
    if streams < wanted:
        print(f"{hard} open files (ulimit -Hn) allow {streams} streams, not {wanted}")
    bench = Bench("streams", extra={"streams": streams, "hold_s": hold_s, "file_limit": hard})
    edges = [(number, 0) for number in range(1, streams + 1)]
    room = str(streams + SPARE_FILES // 2)
    env = {"CHIRP_MAX_CONNECTIONS": room, "CHIRP_MAX_CONNECTIONS_PER_ADDRESS": room}
    env |= {"CHIRP_MAX_STREAMS": room}
    with (
        graph_store(streams + 1 + OTHERS, edges) as (data, keys),
        chirp_server(data, PORT, SERVER_CORE, env=env) as pid,
    ):
        # The load has the other core for itself; the server was started on its own before.
        os.sched_setaffinity(0, {LOAD_CORE})
        foreign = ForeignCpu([pid])
        uvloop.run(_measure(bench, pid, keys, streams, hold_s))
        bench.finish(foreign.cores(), path)


async def _measure(
    bench: Bench, pid: int, keys: Sequence[str], streams: int, hold_s: float
) -> None:
    measured = Measured(bench, pid, keys[0], keys[streams + 1 :])
    arrivals = Arrivals(streams)
    await measured.others_while("without streams", asyncio.sleep(min(hold_s, 5)))
    readers: list[Reader] = []
    half = streams // 2
    for name, websocket, some in (
        ("Server-Sent Events", False, keys[1 : half + 1]),
        ("WebSockets", True, keys[half + 1 : streams + 1]),
    ):
        readers += await _open(measured, arrivals, name, some, websocket=websocket)
    began_s = process_cpu_s(pid)
    await asyncio.sleep(hold_s)
    idle = (process_cpu_s(pid) - began_s) / hold_s * 100
    bench.show("processor time while all are idle", idle, "% of a core")
    bench.show("resident memory while all are idle", resident_kb(pid) / 1024, "MiB")
    await measured.others_while("beside idle streams", asyncio.sleep(min(hold_s, 5)))
    for name in ("first", "later"):
        await measured.others_while(f"during the {name} tweet", _push(measured, arrivals, name))
    bench.show("resident memory after both tweets", resident_kb(pid) / 1024, "MiB")
    bench.at_most("errors: streams lost", sum(reader.lost for reader in readers), 0, "")
    for reader in readers:
        reader.close()


async def _open(
    measured: Measured, arrivals: Arrivals, name: str, keys: Sequence[str], *, websocket: bool
) -> list[Reader]:
    bench, before_kb, began_s = measured.bench, resident_kb(measured.pid), time.monotonic()
    readers = await open_readers(PORT, keys, arrivals.note, websocket=websocket)
    bench.show(f"opening {name}", len(keys) / (time.monotonic() - began_s), "/s")
    # What was only needed for opening may go first.
    await asyncio.sleep(1)
    each_kb = (resident_kb(measured.pid) - before_kb) / max(1, len(keys))
    bench.at_most(f"memory of one of {len(keys)} {name}", each_kb, LARGEST_STREAM_KB, "KiB")
    return readers


async def _push(measured: Measured, arrivals: Arrivals, name: str) -> None:
    arrivals.begin()
    body = json.dumps({"tweet_data": f"what 8,000 people wait for, the {name}"}).encode()
    pool = await Pool.open(PORT, 1)
    began_s = time.monotonic()
    status, _ = await pool.request(post(TWEET, measured.author, body))
    assert status == 201
    await arrivals.wait()
    took_ms = [(at_s - began_s) * 1000 for at_s in arrivals.at_s]
    bench = measured.bench
    bench.show(f"{name} tweet at its readers, p50", quantile(took_ms, 0.5), "ms")
    bench.show(f"{name} tweet at its readers, p99", quantile(took_ms, 0.99), "ms")
    bench.at_most(
        f"{name} tweet at its last reader", max(took_ms, default=0), SLOWEST_PUSH_MS, "ms"
    )
    bench.at_most(f"errors: the {name} tweet not told", arrivals.expected - len(took_ms), 0, "")
    await asyncio.sleep(0.5)
    pool.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--streams", type=int, default=8_000)
    parser.add_argument(
        "--hold", type=float, default=35, help="seconds; a WebSocket pings after 30"
    )
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    run(given.streams, given.hold, given.json)
