"""Lets people live on a real server for some time, and says what grew that data does not explain.

Budgets of caches, kept events and what filters remember are small here, so that all of them are
full soon: what still grows then is a leak. Exits 1 when something did.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import aiohttp
import uvloop

from bench.harness import RESULTS, Bench, ForeignCpu, chirp_server
from bench.soak.lines import hold_line, hold_stream
from bench.soak.page import MOST_POINTS, render
from bench.soak.people import Life, at_times
from bench.soak.sampling import Sample, Sampler
from bench.soak.verdict import judge

PORT = 18087
BUSY, STREAMS, LINES = 8, 24, 6
"""How many do things one after the other, hold streams, and hold other connections."""

SMALL = {
    "CHIRP_CACHE_TWEETS_MB": "4",
    "CHIRP_CACHE_HOMES_MB": "2",
    "CHIRP_CACHE_GRAPH_MB": "2",
    "CHIRP_CACHE_USERS_MB": "1",
    "CHIRP_CACHE_PAGES_MB": "1",
    "CHIRP_CACHE_MARKS_MB": "1",
    "CHIRP_STORAGE_KEEP_EVENTS": "5000",
    "CHIRP_AUDIT_MOST_KEYS": "200",
    # What is flagged stays for the moderators: that is no leak, but would look like one.
    "CHIRP_AUDIT_SAME_TEXT_ACCOUNTS": "0",
    "CHIRP_AUDIT_MENTIONS_PER_ACCOUNT": "0",
    "CHIRP_HEAD_TIMEOUT_S": "3",
    "CHIRP_BODY_TIMEOUT_S": "3",
    "CHIRP_IDLE_TIMEOUT_S": "5",
}
LONGEST_REST_S = 40.0


def run(minutes: float, seed: int, folder: Path | None) -> int:
    """Live, judge and report; return the exit code."""
    bench = Bench("soak", extra={"minutes": minutes, "seed": seed, "settings": SMALL})
    place = Path(tempfile.mkdtemp(prefix="chirp-soak-"))
    try:
        with chirp_server(place / "data", PORT, core=None, env=SMALL) as pid:
            foreign = ForeignCpu([pid])
            samples = uvloop.run(_soak(bench, pid, place / "data", minutes * 60, seed))
            noise = foreign.cores()
    finally:
        shutil.rmtree(place, ignore_errors=True)
    bench.extra["samples"] = samples[:: -(-len(samples) // MOST_POINTS)]
    bench.finish(noise, None if folder is None else folder / "soak.json")
    if folder is not None:
        page = render(f"Chirp, {minutes:g} minutes of simulated life", bench.rows, samples)
        (folder / "soak.html").write_text(page, encoding="utf-8")
        print(f"{folder / 'soak.html'} has the plots")
    missed = [row.what for row in bench.rows if row.met is False]
    for what in missed:
        print(f"grown, or not as it must be: {what}", file=sys.stderr)
    return int(bool(missed))


async def _soak(bench: Bench, pid: int, data: Path, seconds: float, seed: int) -> list[Sample]:
    url = f"http://127.0.0.1:{PORT}"
    # Sampling must not wait for the load's connections, and is there before and after it.
    async with aiohttp.ClientSession() as watching:
        sampler = Sampler(watching, url, pid, data)
        async with _session() as session:
            # One account comes and goes first: threads and tables are there afterwards.
            life = Life(session, url, seed)
            await life.join()
            await life.leave(life.people[0])
        idle = await _at_rest(sampler)
        sampler.samples.clear()
        async with _session() as session:
            life = Life(session, url, seed + 1)
            while len(life.people) < 10:
                await life.join()
            await _live(life, sampler, seconds)
        under_load = list(sampler.samples)
        rest = await _at_rest(sampler)
        async with _session() as session:
            life.session = session
            while life.people:
                await life.leave(life.people[0])
        empty = await _at_rest(sampler)
    bench.show("requests answered", life.statuses.total(), "")
    errors = sum(count for status, count in life.statuses.items() if status >= 500)
    bench.at_most("errors: answers with 5xx", errors, 0, "")
    judge(bench, under_load, idle, rest, empty)
    bench.extra["statuses"] = dict(sorted(life.statuses.items()))
    return list(sampler.samples)


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))


async def _live(life: Life, sampler: Sampler, seconds: float) -> None:
    """Let everything happen at the same time, for a while."""
    chores: list[tuple[float, Callable[[], Awaitable[None]]]] = [
        (0.7, life.turn_over),
        *[(0.03, life.anything)] * BUSY,
        *[(0.05, lambda: hold_stream(life))] * STREAMS,
        *[(0.1, lambda: hold_line(PORT, life.random))] * LINES,
    ]
    doing = [asyncio.create_task(at_times(every_s, deed)) for every_s, deed in chores]
    doing.append(asyncio.create_task(sampler.run(1.0)))
    done, _ = await asyncio.wait(doing, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for task in doing:
        task.cancel()
    for task in doing:
        with suppress(asyncio.CancelledError):
            await task
    assert not done


async def _at_rest(sampler: Sampler) -> Sample:
    """Return the sample after which nothing is done any more, or the last of a long wait."""
    until_s = time.monotonic() + LONGEST_REST_S
    calm = 0
    before = await sampler.take()
    while calm < 5 and time.monotonic() < until_s:
        await asyncio.sleep(1)
        after = await sampler.take()
        calm = calm + 1 if _state(before) == _state(after) else 0
        before = after
    return before


def _state(sample: Sample) -> list[tuple[str, float]]:
    groups = ("rows ", "tasks ", "gateway in_flight", "streams open", "journal_lag ")
    return sorted((name, value) for name, value in sample.items() if name.startswith(groups))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m bench.soak", description=(__doc__ or "").split("\n", maxsplit=1)[0]
    )
    parser.add_argument("--minutes", type=float, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--into", type=Path, help="folder for soak.html and soak.json")
    parser.add_argument("--write", action="store_true", help=f"the same as --into {RESULTS.name}/")
    given = parser.parse_args()
    sys.exit(run(given.minutes, given.seed, RESULTS if given.write else given.into))
