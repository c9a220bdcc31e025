"""Measure how many ids a second one generator takes, in both layouts.

    python bench/ids.py [--json PATH]

`try` never meets a spent sequence: the cost of taking an id. `next` runs on the machine's clock
and waits out spent ticks: 131,072 ids/s is the ceiling of the 48-bit layout.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from pathlib import Path

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


def measure(seconds: float) -> dict[str, float]:
    """Return all figures by name."""
    figures: dict[str, float] = {}
    for layout in (LAYOUT_48, LAYOUT_64):
        figures[f"{layout.name}-bit try ids/s"] = try_rate(layout)
        rate, waits = asyncio.run(next_rate(layout, seconds))
        figures[f"{layout.name}-bit next ids/s"] = rate
        figures[f"{layout.name}-bit next waits"] = waits
    figures["watermark ids/s, 64 in flight"] = watermark_rate(64)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description="ids a second of one generator")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    parser.add_argument("--seconds", type=float, default=3.0, help="how long each `next` run is")
    options = parser.parse_args()
    figures = measure(options.seconds)
    for name, value in figures.items():
        print(f"{name:<32}{value:>14,.0f}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
