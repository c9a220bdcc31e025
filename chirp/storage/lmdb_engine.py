"""The LMDB engine: N shard files, one writer thread each, routed by xxh64 of the partition.

Reads run on the loop: a point read of warm data costs 1 µs, a hop to a thread 60 µs. Scans of
more than LONG_SCAN_ROWS go to a pool thread, in chunks (ADR 3); many ranges go to many threads
when their pages are not in memory (ADR 22).
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import lmdb

from chirp.errors import OpenError, WritesStopped
from chirp.storage.engine import Batch, EngineStats, Range, Receipt, Row, TableStats, Watcher
from chirp.storage.keys import Table, id_key
from chirp.storage.lmdb_ranges import SLOW_RANGE_S, RangeReader
from chirp.storage.lmdb_shard import LmdbShard
from chirp.storage.lmdb_writer import LmdbWriter
from chirp.storage.mapped import unmap_pages
from chirp.storage.routing import shard_of

LONG_SCAN_ROWS = 512
TRIM_CHUNK_ROWS = 2_000

MOST_AT_ONCE = 512
"""Rows that are read in one go on the loop: 0.2 ms in memory. More are read as ranges are."""

NEW_MAP_BYTES = 16 << 20
"""Map of a shard file while it is made; whoever opens it chooses another."""


def shard_path(folder: Path, number: int) -> Path:
    """Return where a shard's file is.

    >>> shard_path(Path("data"), 3).as_posix()
    'data/shard-003.lmdb'
    """
    return folder / f"shard-{number:03}.lmdb"


def create_shards(folder: Path, shards: int) -> None:
    """Make the files of a new engine. Raises: OpenError."""
    try:
        for number in range(shards):
            LmdbShard(shard_path(folder, number), map_bytes=NEW_MAP_BYTES, sync=True).close()
    except lmdb.Error as error:
        raise _unopened(folder, error) from error


def _unopened(folder: Path, error: lmdb.Error) -> OpenError:
    hint = "free space, or restore the folder from a backup"
    return OpenError(f"a shard cannot be opened ({error})", path=folder, hint=hint)


class LmdbEngine:
    """Rows in LMDB files. To be made on the running loop that it will answer on.

    With `slow_range_s` = 0 all but the first ranges of `scan_many` are read in threads: for tests.
    """

    def __init__(
        self,
        folder: Path,
        shards: int,
        *,
        map_bytes: int = 64 << 30,
        sync: bool = True,
        slow_range_s: float = SLOW_RANGE_S,
    ) -> None:
        self._folder = folder
        self._shards: list[LmdbShard] = []
        try:
            for number in range(shards):
                path = shard_path(folder, number)
                self._shards.append(LmdbShard(path, map_bytes=map_bytes, sync=sync))
        except lmdb.Error as error:
            for shard in self._shards:
                shard.close()
            raise _unopened(folder, error) from error
        loop = asyncio.get_running_loop()
        self._watchers: list[Watcher] = []
        self._writers = [
            LmdbWriter(shard, source, loop, self._wake) for source, shard in enumerate(self._shards)
        ]
        self._ranges = RangeReader(self._shards, slow_range_s)
        self._single = self._shards[0] if shards == 1 else None

    def _wake(self, source: int, sequence: int) -> None:
        for watcher in self._watchers:
            watcher(source, sequence)

    @property
    def sources(self) -> int:
        """How many journals there are: one a shard."""
        return len(self._shards)

    @property
    def writes_stopped(self) -> str | None:
        """Why the first shard that stopped refuses writes; None while all accept them."""
        return next((w.stopped for w in self._writers if w.stopped is not None), None)

    def source_of(self, partition: int) -> int:
        """Return the journal that events of a partition are appended to: its shard's."""
        return shard_of(id_key(partition), len(self._shards))

    # -- reading ------------------------------------------------------------------------

    async def get_many(self, table: Table, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return the values, in the order of `keys`. Of a few, one transaction a shard."""
        if len(keys) > MOST_AT_ONCE:
            return await self._ranges.get_many(table, keys)
        if self._single is not None:
            return self._single.get_many(table, keys)
        count = len(self._shards)
        if len(keys) == 1:
            return self._shards[shard_of(keys[0], count)].get_many(table, keys)
        return self._gather(table, keys, [shard_of(key, count) for key in keys])

    def _gather(
        self, table: Table, keys: Sequence[bytes], homes: Sequence[int]
    ) -> list[bytes | None]:
        found: list[bytes | None] = [None] * len(keys)
        for number in set(homes):
            places = [place for place, home in enumerate(homes) if home == number]
            values = self._shards[number].get_many(table, [keys[place] for place in places])
            for place, value in zip(places, values, strict=True):
                found[place] = value
        return found

    async def scan(
        self, table: Table, start: bytes, stop: bytes, limit: int, *, reverse: bool = False
    ) -> list[Row]:
        """Return rows of one partition in key order."""
        shard = self._shards[shard_of(start, len(self._shards))]
        if limit > LONG_SCAN_ROWS and not reverse:
            return await asyncio.to_thread(shard.long_range, table, start, stop, limit)
        return shard.range(table, start, stop, limit, reverse=reverse)

    async def scan_many(
        self, table: Table, ranges: Sequence[Range], limit: int, *, reverse: bool = False
    ) -> list[list[Row]]:
        """Return the rows of each range; see `RangeReader`."""
        if len(ranges) == 1:
            return [await self.scan(table, *ranges[0], limit, reverse=reverse)]
        return await self._ranges.scan_many(table, ranges, limit, reverse=reverse)

    async def scatter(
        self, table: Table, start: bytes, stop: bytes, limit: int, *, reverse: bool = False
    ) -> list[Row]:
        """Return rows of all partitions in key order: an ordered merge over the shards."""
        parts: list[list[Row]] = []
        for shard in self._shards:
            if limit > LONG_SCAN_ROWS and not reverse:
                part = await asyncio.to_thread(shard.long_range, table, start, stop, limit)
            else:
                part = shard.range(table, start, stop, limit, reverse=reverse)
            parts.append(part)
        return list(islice(heapq.merge(*parts, reverse=reverse), limit))

    def let_go(self) -> None:
        """Unmap the pages of all shards' files; the system's cache keeps them."""
        unmap_pages([shard.path for shard in self._shards])

    # -- writing ------------------------------------------------------------------------

    def commit(self, batch: Batch) -> asyncio.Future[Receipt | None]:
        """Queue `batch` for its shard's writer; the future resolves when it is durable.

        Refused as soon as any shard has stopped: a truth that is stored here while its effect
        cannot be stored there would be answered 503, tried again, and stand there twice.
        """
        stopped = self.writes_stopped
        if stopped is not None:
            return self._refused(stopped)
        return self._writers[shard_of(batch.prefix, len(self._shards))].submit(batch)

    @staticmethod
    def _refused(stopped: str) -> asyncio.Future[Receipt | None]:
        future: asyncio.Future[Receipt | None] = asyncio.get_running_loop().create_future()
        future.set_exception(WritesStopped(stopped))
        return future

    # -- journal ------------------------------------------------------------------------

    async def read_journal(self, source: int, after: int, limit: int) -> list[tuple[int, bytes]]:
        """Return up to `limit` events above `after`."""
        return self._shards[source].read_journal(after, limit)

    def last_sequence(self, source: int) -> int:
        """Return the newest durable sequence of a journal."""
        return self._shards[source].last_sequence

    def watch(self, watcher: Watcher) -> None:
        """Call `watcher` on the loop after each commit that appended events."""
        self._watchers.append(watcher)

    async def cursor(self, consumer: str, source: int) -> int | None:
        """Return a consumer's stored cursor."""
        return self._shards[source].cursor_of(consumer)

    async def advance(self, consumer: str, source: int, sequence: int) -> None:
        """Store a consumer's cursor, in the next group of that shard."""
        await self._writers[source].submit(
            lambda shard, txn: shard.store_cursor(txn, consumer, sequence)
        )

    async def trim(self, source: int, below: int) -> int:
        """Delete old events, a bounded number in each transaction."""
        total = 0
        while (deleted := await self._trim_chunk(source, below)) == TRIM_CHUNK_ROWS:
            total += deleted
        return total + deleted

    async def _trim_chunk(self, source: int, below: int) -> int:
        deleted = 0

        def work(shard: LmdbShard, txn: lmdb.Transaction[bytes]) -> None:
            # Assigned, not added up: a group that fails is replayed, and this with it.
            nonlocal deleted
            deleted = shard.trim_journal(txn, below, TRIM_CHUNK_ROWS)

        await self._writers[source].submit(work)
        return deleted

    # -- the whole ----------------------------------------------------------------------

    def stats(self) -> EngineStats:
        """Return sizes and counts, summed over the shards."""
        per_shard = [shard.table_stats() for shard in self._shards]
        tables = {
            name: TableStats(
                sum(part[name].rows for part in per_shard),
                sum(part[name].bytes for part in per_shard),
            )
            for name in per_shard[0]
        }
        journal = tables["journal"]
        return EngineStats(
            shards=len(self._shards),
            tables=tables,
            file_bytes=sum(shard.path.stat().st_size for shard in self._shards),
            commits=sum(writer.commits for writer in self._writers),
            batches=sum(writer.batches for writer in self._writers),
            conflicts=sum(writer.conflicts for writer in self._writers),
            journal_rows=journal.rows,
            journal_bytes=journal.bytes,
            writes_stopped=self.writes_stopped,
        )

    async def close(self) -> None:
        """Wait for the writers to finish what is queued, then close all files."""
        for writer in self._writers:
            await writer.close()
        self._watchers.clear()
        # Answers travel by call_soon_threadsafe: let them arrive before the files go.
        await asyncio.sleep(0)
        for shard in self._shards:
            shard.close()
        await self._ranges.close()
