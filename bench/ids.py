"""How many ids a second does one generator give, in both layouts?

Taking an id never meets a spent sequence: what it costs. On the machine's clock, spent ticks are
waited out: in the long run 131,072 ids/s is the ceiling of the 48-bit layout, and a run of a few
ticks may have one more.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from pathlib import Path

from bench.harness import Bench, ForeignCpu
from chirp.clock import ManualClock, SystemClock
from chirp.idgen import LAYOUT_48, LAYOUT_64, IdGenerator, Layout, Watermark
from chirp.model import UnixMs

NOON_MS = 1_700_000_000_000


def try_rate(layout: Layout) -> float:
    """Return ids/s of `try_next` alone, over fresh ticks."""
    clock = ManualClock(UnixMs(NOON_MS))
    ids = IdGenerator(layout, clock)
    per_tick, rounds = layout.capacity(0, 1), 1_000_000 // layout.capacity(0, 1)
    began = time.perf_counter()
    for _ in range(rounds):
        clock.advance_ms(layout.tick_ms)
        for _ in range(per_tick):
            ids.try_next()
    return ids.stats()["issued"] / (time.perf_counter() - began)


async def next_rate(layout: Layout, seconds: float) -> tuple[float, int]:
    """Return ids/s of `next` on the machine's clock, and how often it waited."""
    ids = IdGenerator(layout, SystemClock())
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        for _ in range(1_000):
            await ids.next()
    elapsed = time.perf_counter() - began
    return ids.stats()["issued"] / elapsed, ids.stats()["waits"]


def watermark_rate(in_flight: int) -> float:
    """Return ids/s opened and settled, `in_flight` at a time, each group newest first."""
    mark, rounds = Watermark(), 300_000 // in_flight
    began = time.perf_counter()
    for start in range(1, rounds * in_flight, in_flight):
        for an_id in range(start, start + in_flight):
            mark.open(an_id)
        for an_id in range(start + in_flight - 1, start - 1, -1):
            mark.settle(an_id)
    return rounds * in_flight / (time.perf_counter() - began)


def run(seconds: float, path: Path | None) -> None:
    """Measure and report."""
    bench, foreign = Bench("ids", extra={"seconds": seconds}), ForeignCpu()
    for layout in (LAYOUT_48, LAYOUT_64):
        bench.show(f"{layout.name} bits, taking an id", try_rate(layout), "ids/s")
        rate, waits = asyncio.run(next_rate(layout, seconds))
        bench.show(f"{layout.name} bits, on the machine's clock", rate, "ids/s")
        bench.show(f"{layout.name} bits, waits for the clock", waits, "")
    bench.show("watermark, 64 in flight", watermark_rate(64), "ids/s")
    bench.finish(foreign.cores(), path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--seconds", type=float, default=3.0, help="how long each `next` run is")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    run(given.seconds, given.json)
