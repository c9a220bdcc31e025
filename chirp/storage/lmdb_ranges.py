"""Reads many ranges, or rows, at once: on the loop while in memory, in threads otherwise.

Nobody can be asked beforehand whether a page is in memory, but reading says it: a range takes 4 µs
of the processor, a row 0.5, or as long as the disk wants. After two slow slices all that is left
goes to a pool of threads. py-lmdb lets go of the GIL in each step of a cursor, so that the threads
wait side by side: the disk sees a deep queue, and the loop goes on. (ADR 22)

Invariants:
- On the loop, no slice is longer than SLICE, and it is one transaction of one shard.
- In the pool, a transaction is one of one shard behind its gate, with TRANSACTION at the
  most: whoever moves the map waits for one of each thread.
- Nothing is given to a pool that was closed: its files were closed before, and who asks then is
  sent to the loop, where a closed file is a StorageError.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, NamedTuple, TypeVar

from chirp.storage.engine import Range, Row
from chirp.storage.keys import Table
from chirp.storage.lmdb_shard import LmdbShard
from chirp.storage.routing import shard_of

Asked = TypeVar("Asked")
Found = TypeVar("Found")

SLICE = 16
"""Read on the loop in one go: 70 µs when warm, and as many disk accesses until a cold one shows."""

TURN_RANGES, TURN_ROWS = 32, 128
"""After so many the loop gets a turn: about 0.15 ms."""

SLOW_RANGE_S = 40e-6
"""A slice that took more for each came from a disk: ten times what a range takes in memory.

A disk that is as fast as that needs no threads: they would fight for the GIL."""

SLOW_ROW_S = 10e-6
"""The same of rows: several of them lie on one page."""

SLOW_SLICES = 2
"""So many in a row, as one alone may have been slow because the system let others run."""

COLD = 2_048
"""After slow slices so many go to the pool before the loop is tried again, with one slice."""

MOST_THREADS = 16
"""Reads in flight at the most."""

HELD_S = 10e-6
"""A thread holds the GIL so long for a range. More threads than such times in one wait for the
disk would only fight for it: with 16 where 4 are enough, a page took half as long again."""

TRANSACTION = 64


class _Part(NamedTuple):
    """What is asked of one shard: the places in the question and in the answer."""

    shard: LmdbShard
    places: list[int]


class _Pace:
    """What was measured of ranges, or of rows: whether they come from a disk."""

    __slots__ = ("cold", "slices_s", "slow_s", "turn")

    def __init__(self, turn: int, slow_s: float) -> None:
        self.turn = turn
        """After so many the loop gets one."""
        self.slow_s = slow_s
        self.cold = 0
        """How many are still to go to the pool untried."""
        self.slices_s = deque([0.0] * SLOW_SLICES, maxlen=SLOW_SLICES)
        """What the last slices on the loop took for each."""

    def is_slow(self, took_s: float, places: int) -> bool:
        """Judge a slice; say whether to leave the loop alone from now on."""
        self.slices_s.append(took_s / places)
        if min(self.slices_s) <= self.slow_s:
            return False
        self.cold = COLD
        return True

    @property
    def threads(self) -> int:
        """How many threads find something to wait for."""
        return max(2, min(MOST_THREADS, int(min(self.slices_s) / HELD_S)))


class _Question(NamedTuple, Generic[Asked, Found]):
    """What is asked, and the answer as far as it is known. Filled on the loop alone.

    `read_shard` reads some of it in one transaction.
    """

    pace: _Pace
    asked: Sequence[Asked]
    read_shard: Callable[[LmdbShard, list[Asked]], list[Found]]
    found: list[Found]

    def read(self, part: _Part) -> list[Found]:
        """Read from one shard in one transaction."""
        return self.read_shard(part.shard, [self.asked[place] for place in part.places])

    def read_behind_gate(self, parts: Sequence[_Part]) -> list[list[Found]]:
        """Read part by part, from a pool thread."""
        answers = []
        for part in parts:
            with part.shard.gate.passing():
                answers.append(self.read(part))
        return answers

    def fill(self, part: _Part, found: list[Found]) -> None:
        """Put what was found where it belongs."""
        for place, one in zip(part.places, found, strict=True):
            self.found[place] = one


class RangeReader:
    """Reads from many places of an engine's shards; close it after them."""

    def __init__(self, shards: Sequence[LmdbShard], slow_range_s: float) -> None:
        self._shards = shards
        self._ranges = _Pace(TURN_RANGES, slow_range_s)
        self._rows = _Pace(TURN_ROWS, min(SLOW_ROW_S, slow_range_s))
        self._pool = ThreadPoolExecutor(MOST_THREADS, thread_name_prefix="chirp-reader")
        self._is_closed = False

    async def scan_many(
        self, table: Table, ranges: Sequence[Range], limit: int, *, reverse: bool
    ) -> list[list[Row]]:
        """Return the rows of each range, in the order of `ranges`. Raises: StorageError."""

        def read(shard: LmdbShard, some: list[Range]) -> list[list[Row]]:
            return shard.ranges(table, some, limit, reverse=reverse)

        found: list[list[Row]] = [[] for _ in ranges]
        question = _Question(self._ranges, ranges, read, found)
        return await self._answered(question, self._by_shard([start for start, _ in ranges]))

    async def get_many(self, table: Table, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return the values, in the order of `keys`. Raises: StorageError."""

        def read(shard: LmdbShard, some: list[bytes]) -> list[bytes | None]:
            return shard.get_many(table, some)

        found: list[bytes | None] = [None] * len(keys)
        return await self._answered(_Question(self._rows, keys, read, found), self._by_shard(keys))

    async def _answered(self, question: _Question[Asked, Found], left: list[_Part]) -> list[Found]:
        if question.pace.cold <= 0 or len(question.asked) <= SLICE or self._is_closed:
            await self._read_on_loop(question, left)
        if left:
            await self._read_in_pool(question, left)
        return question.found

    async def close(self) -> None:
        """Wait for the jobs that were given; those of a closed file end at once."""
        self._is_closed = True
        await asyncio.to_thread(self._pool.shutdown)

    def _by_shard(self, keys: Sequence[bytes]) -> list[_Part]:
        parts = [_Part(shard, []) for shard in self._shards]
        for place, key in enumerate(keys):
            parts[shard_of(key, len(parts))].places.append(place)
        return [part for part in parts if part.places]

    async def _read_on_loop(self, question: _Question[Asked, Found], left: list[_Part]) -> None:
        """Read slice by slice, and take from `left` what was read, until one was slow."""
        since_turn = 0
        while left:
            shard, places = left.pop()
            part = _Part(shard, places[:SLICE])
            if len(places) > SLICE:
                left.append(_Part(shard, places[SLICE:]))
            began_s = time.perf_counter()
            question.fill(part, question.read(part))
            if question.pace.is_slow(time.perf_counter() - began_s, len(part.places)):
                return
            since_turn += len(part.places)
            if since_turn >= question.pace.turn and left:
                since_turn = 0
                await asyncio.sleep(0)

    async def _read_in_pool(self, question: _Question[Asked, Found], left: Sequence[_Part]) -> None:
        """Read all that is left, with as many threads as find something to wait for."""
        question.pace.cold -= sum(len(part.places) for part in left)
        strands = _spread(left, question.pace.threads)
        loop, read = asyncio.get_running_loop(), question.read_behind_gate
        jobs = [loop.run_in_executor(self._pool, read, strand) for strand in strands]
        for strand, answers in zip(strands, await asyncio.gather(*jobs), strict=True):
            for part, found in zip(strand, answers, strict=True):
                question.fill(part, found)


def _spread(parts: Sequence[_Part], strands: int) -> list[list[_Part]]:
    """Deal what is to be read to so many strands, in transactions of bounded length."""
    count = sum(len(part.places) for part in parts)
    size = min(TRANSACTION, -(-count // strands))
    cut = [
        _Part(shard, places[first : first + size])
        for shard, places in parts
        for first in range(0, len(places), size)
    ]
    return [dealt for number in range(strands) if (dealt := cut[number::strands])]
