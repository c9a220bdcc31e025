"""Reads many ranges at once: on the loop while their pages are in memory, in threads otherwise.

Nobody can be asked beforehand whether a page is in memory, but reading says it: a range takes 4 µs
of the processor, or as long as the disk wants. After two slow slices all that is left goes to a
pool of threads. py-lmdb lets go of the GIL in each step of a cursor, so that the threads
wait side by side: the disk sees a deep queue, and the loop goes on. (ADR 22)

Invariants:
- On the loop, no slice is longer than SLICE_RANGES, and it is one transaction of one shard.
- In the pool, a transaction is one of one shard behind its gate, with TRANSACTION_RANGES at the
  most: whoever moves the map waits for one of each thread.
- Nothing is given to a pool that was closed: its files were closed before, and who asks then is
  sent to the loop, where a closed file is a StorageError.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from chirp.storage.engine import Range, Row
from chirp.storage.keys import Table
from chirp.storage.lmdb_shard import LmdbShard
from chirp.storage.routing import shard_of

SLICE_RANGES = 16
"""Read on the loop in one go: 70 µs when warm, and as many disk accesses until a cold one shows."""

TURN_RANGES = 32
"""After so many the loop gets a turn: about 0.15 ms."""

SLOW_RANGE_S = 40e-6
"""A slice that took more a range came from a disk: ten times what one takes in memory.

A disk that is as fast as that needs no threads: they would fight for the GIL."""

SLOW_SLICES = 2
"""So many in a row, as one alone may have been slow because the system let others run."""

COLD_RANGES = 2_048
"""After slow slices so many go to the pool before the loop is tried again, with one slice."""

MOST_THREADS = 16
"""Reads in flight at the most."""

HELD_S = 10e-6
"""A thread holds the GIL so long for a range. More threads than such times in one wait for the
disk would only fight for it: with 16 where 4 are enough, a page took half as long again."""

TRANSACTION_RANGES = 64


class _Part(NamedTuple):
    """Ranges of one shard, and the places of their rows in the answer."""

    shard: LmdbShard
    places: list[int]


class _Question(NamedTuple):
    """What is asked, and the answer as far as it is known. Filled on the loop alone."""

    table: Table
    ranges: Sequence[Range]
    limit: int
    reverse: bool
    found: list[list[Row]]

    def read(self, part: _Part) -> list[list[Row]]:
        """Read ranges of one shard in one transaction."""
        ranges = [self.ranges[place] for place in part.places]
        return part.shard.ranges(self.table, ranges, self.limit, reverse=self.reverse)

    def read_behind_gate(self, parts: Sequence[_Part]) -> list[list[list[Row]]]:
        """Read part by part, from a pool thread."""
        answers = []
        for part in parts:
            with part.shard.gate.passing():
                answers.append(self.read(part))
        return answers

    def fill(self, part: _Part, rows: list[list[Row]]) -> None:
        """Put rows where they belong."""
        for place, found in zip(part.places, rows, strict=True):
            self.found[place] = found


class RangeReader:
    """Reads ranges of an engine's shards; close it after them."""

    def __init__(self, shards: Sequence[LmdbShard], slow_range_s: float) -> None:
        self._shards = shards
        self._slow_range_s = slow_range_s
        self._pool = ThreadPoolExecutor(MOST_THREADS, thread_name_prefix="chirp-reader")
        self._is_closed = False
        self._cold = 0
        """How many ranges are still to go to the pool untried."""
        self._slices_s = deque([0.0] * SLOW_SLICES, maxlen=SLOW_SLICES)
        """What the last slices on the loop took for a range."""

    async def scan_many(
        self, table: Table, ranges: Sequence[Range], limit: int, *, reverse: bool
    ) -> list[list[Row]]:
        """Return the rows of each range, in the order of `ranges`. Raises: StorageError."""
        question = _Question(table, ranges, limit, reverse, [[] for _ in ranges])
        left = self._by_shard(ranges)
        if self._cold <= 0 or len(ranges) <= SLICE_RANGES or self._is_closed:
            await self._read_on_loop(question, left)
        if left:
            await self._read_in_pool(question, left)
        return question.found

    async def close(self) -> None:
        """Wait for the jobs that were given; those of a closed file end at once."""
        self._is_closed = True
        await asyncio.to_thread(self._pool.shutdown)

    def _by_shard(self, ranges: Sequence[Range]) -> list[_Part]:
        parts = [_Part(shard, []) for shard in self._shards]
        for place, (start, _) in enumerate(ranges):
            parts[shard_of(start, len(parts))].places.append(place)
        return [part for part in parts if part.places]

    async def _read_on_loop(self, question: _Question, left: list[_Part]) -> None:
        """Read slice by slice, and take from `left` what was read, until one was slow."""
        since_turn = 0
        while left:
            shard, places = left.pop()
            part = _Part(shard, places[:SLICE_RANGES])
            if len(places) > SLICE_RANGES:
                left.append(_Part(shard, places[SLICE_RANGES:]))
            began_s = time.perf_counter()
            question.fill(part, question.read(part))
            if self._is_cold(time.perf_counter() - began_s, len(part.places)):
                return
            since_turn += len(part.places)
            if since_turn >= TURN_RANGES and left:
                since_turn = 0
                await asyncio.sleep(0)

    def _is_cold(self, took_s: float, ranges: int) -> bool:
        """Judge a slice; say whether to leave the loop alone from now on."""
        self._slices_s.append(took_s / ranges)
        if min(self._slices_s) <= self._slow_range_s:
            return False
        self._cold = COLD_RANGES
        return True

    async def _read_in_pool(self, question: _Question, left: Sequence[_Part]) -> None:
        """Read all that is left, with as many threads as find something to wait for."""
        self._cold -= sum(len(part.places) for part in left)
        threads = max(2, min(MOST_THREADS, int(min(self._slices_s) / HELD_S)))
        strands = _spread(left, threads)
        loop, read = asyncio.get_running_loop(), question.read_behind_gate
        jobs = [loop.run_in_executor(self._pool, read, strand) for strand in strands]
        for strand, answers in zip(strands, await asyncio.gather(*jobs), strict=True):
            for part, rows in zip(strand, answers, strict=True):
                question.fill(part, rows)


def _spread(parts: Sequence[_Part], strands: int) -> list[list[_Part]]:
    """Deal what is to be read to so many strands, in transactions of bounded length."""
    count = sum(len(part.places) for part in parts)
    size = min(TRANSACTION_RANGES, -(-count // strands))
    cut = [
        _Part(shard, places[first : first + size])
        for shard, places in parts
        for first in range(0, len(places), size)
    ]
    return [dealt for number in range(strands) if (dealt := cut[number::strands])]
