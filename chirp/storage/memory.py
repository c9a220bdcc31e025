"""The memory engine: the Engine protocol over sorted lists, for tests and throw-away servers.

Invariant: `_keys[shard][table]` holds exactly the keys of `_rows[shard][table]`, sorted.
It has shards, journals and markers like the LMDB engine, so that the same faults can show.
"""

from __future__ import annotations

import asyncio
import heapq
from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Sequence
from itertools import islice

from chirp.errors import Conflict, StorageError, WritesStopped
from chirp.storage.engine import (
    Batch,
    Effect,
    EngineStats,
    Operation,
    Range,
    Receipt,
    Row,
    TableStats,
    Verb,
    Watcher,
    number_after,
)
from chirp.storage.keys import Table, id_key
from chirp.storage.routing import shard_of
from chirp.tasks import Signal

TURN_RANGES = 32

_Queued = tuple[Batch, Signal[Receipt | None]]


class _MemoryShard:
    """One shard's tables, journal, markers and cursors."""

    def __init__(self) -> None:
        self.rows: dict[Table, dict[bytes, bytes]] = {table: {} for table in Table}
        self.keys: dict[Table, list[bytes]] = {table: [] for table in Table}
        self.journal: list[tuple[int, bytes]] = []
        self.last_sequence = 0
        self.markers: dict[tuple[str, int], tuple[int, int]] = {}
        self.cursors: dict[str, int] = {}

    def put(self, table: Table, key: bytes, value: bytes) -> None:
        if key not in self.rows[table]:
            insort(self.keys[table], key)
        self.rows[table][key] = value

    def delete(self, table: Table, key: bytes) -> None:
        if self.rows[table].pop(key, None) is not None:
            keys = self.keys[table]
            del keys[bisect_left(keys, key)]

    def range(
        self, table: Table, start: bytes, stop: bytes, limit: int, *, down: bool
    ) -> list[Row]:
        keys, rows = self.keys[table], self.rows[table]
        low, high = bisect_left(keys, start), bisect_left(keys, stop)
        found = keys[max(low, high - limit) : high][::-1] if down else keys[low:high][:limit]
        return [(key, rows[key]) for key in found]

    def is_stale(self, effect: Effect | None) -> bool:
        if effect is None:
            return False
        last = self.markers.get((effect.consumer, effect.source), (0, 0))
        return (effect.sequence, effect.part) <= last

    def apply(self, batch: Batch) -> int | None:
        """Apply a batch; return the sequence of its event. Raises: Conflict."""
        if self.is_stale(batch.effect):
            return None
        if any(self.rows[e.table].get(e.key) != e.value for e in batch.expects):
            raise Conflict("an expected row was otherwise")
        self._change_all(batch.changes)
        if batch.effect is not None:
            effect = batch.effect
            self.markers[effect.consumer, effect.source] = (effect.sequence, effect.part)
        if batch.event is None:
            return None
        self.last_sequence += 1
        self.journal.append((self.last_sequence, batch.event))
        return self.last_sequence

    def _change_all(self, changes: list[Operation]) -> None:
        """Apply all changes or, when one cannot be applied, none. Raises: StorageError."""
        undo: list[tuple[Table, bytes, bytes | None]] = []
        try:
            for change in changes:
                undo.append((change.table, change.key, self.rows[change.table].get(change.key)))
                self._change(change)
        except (ArithmeticError, AssertionError) as error:
            for table, key, value in reversed(undo):
                if value is None:
                    self.delete(table, key)
                else:
                    self.put(table, key, value)
            raise StorageError("the write was not stored") from error

    def _change(self, change: Operation) -> None:
        if change.verb is Verb.DELETE:
            self.delete(change.table, change.key)
            return
        value = change.value
        if change.verb is not Verb.PUT:
            old = self.rows[change.table].get(change.key)
            value = number_after(change.verb, old, change.amount)
        assert value is not None
        self.put(change.table, change.key, value)


class MemoryEngine:
    """Rows in memory. Batches queue up and are applied a turn of the loop later, like real ones."""

    def __init__(self, shards: int = 1) -> None:
        self._shards = [_MemoryShard() for _ in range(shards)]
        self._queue: deque[_Queued] = deque()
        self._watchers: list[Watcher] = []
        self._commits = self._batches = self._conflicts = 0
        self._stopped: str | None = None
        self._refused: set[tuple[int, str, int]] = set()

    @property
    def sources(self) -> int:
        """How many journals there are: one a shard."""
        return len(self._shards)

    def source_of(self, partition: int) -> int:
        """Return the journal that events of a partition are appended to: its shard's."""
        return shard_of(id_key(partition), len(self._shards))

    @property
    def writes_stopped(self) -> str | None:
        """Why writes are refused; see `stop_writes`."""
        return self._stopped

    def _refuse_if_stopped(self) -> None:
        if self._stopped is not None:
            raise WritesStopped(self._stopped)

    def stop_writes(self, why: str | None) -> None:
        """Refuse writes from now on, as a full disk would, queued ones too; None: accept them."""
        self._stopped = why

    async def get_many(self, table: Table, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return the values, in the order of `keys`. O(len(keys))."""
        return [self._shard(key).rows[table].get(key) for key in keys]

    async def scan(
        self, table: Table, start: bytes, stop: bytes, limit: int, *, reverse: bool = False
    ) -> list[Row]:
        """Return rows of one partition in key order."""
        return self._shard(start).range(table, start, stop, limit, down=reverse)

    async def scan_many(
        self, table: Table, ranges: Sequence[Range], limit: int, *, reverse: bool = False
    ) -> list[list[Row]]:
        """Return the rows of each range. The loop gets a turn after every TURN_RANGES."""
        found: list[list[Row]] = []
        for start, stop in ranges:
            found.append(await self.scan(table, start, stop, limit, reverse=reverse))
            if len(found) % TURN_RANGES == 0:
                await asyncio.sleep(0)
        return found

    async def scatter(
        self, table: Table, start: bytes, stop: bytes, limit: int, *, reverse: bool = False
    ) -> list[Row]:
        """Return rows of all partitions in key order."""
        parts = [s.range(table, start, stop, limit, down=reverse) for s in self._shards]
        return list(islice(heapq.merge(*parts, reverse=reverse), limit))

    def let_go(self) -> None:
        """Do nothing: memory is all there is."""

    def commit(self, batch: Batch) -> asyncio.Future[Receipt | None]:
        """Queue `batch`; it is applied when the loop next turns."""
        loop = asyncio.get_running_loop()
        future: Signal[Receipt | None] = Signal(loop=loop)
        if self._stopped is not None:
            future.set_exception(WritesStopped(self._stopped))
            return future
        self._queue.append((batch, future))
        if len(self._queue) == 1:
            loop.call_soon(self._flush)
        return future

    def _flush(self) -> None:
        """Apply all that is queued as one group, then answer it, then wake the watchers."""
        grown: dict[int, int] = {}
        self._commits += bool(self._queue)
        answered = []
        while self._queue:
            batch, future = self._queue.popleft()
            answered.append(future)
            self._answer(batch, future, grown)
        for future in answered:
            future.wake()
        for source, sequence in grown.items():
            for watcher in self._watchers:
                watcher(source, sequence)

    def _answer(self, batch: Batch, future: Signal[Receipt | None], grown: dict[int, int]) -> None:
        """Apply a batch and resolve its future; note in `grown` what its journal has now."""
        self._batches += 1
        source = shard_of(batch.prefix, len(self._shards))
        try:
            sequence = self._apply(source, batch)
        except StorageError as error:
            self._conflicts += isinstance(error, Conflict)
            if not future.cancelled():
                future.set_exception(error)
            return
        if sequence is not None:
            grown[source] = sequence
        if not future.cancelled():
            future.set_result(None if sequence is None else Receipt(source, sequence))

    def _apply(self, shard: int, batch: Batch) -> int | None:
        """Apply a batch; remember an effect that failed. Raises: StorageError."""
        effect = batch.effect
        if effect is None:
            self._refuse_if_stopped()
            return self._shards[shard].apply(batch)
        mark = (shard, *effect[:2])
        if mark in self._refused and not self._shards[shard].is_stale(effect):
            raise StorageError("an earlier effect of this source was not stored")
        try:
            self._refuse_if_stopped()
            return self._shards[shard].apply(batch)
        except Conflict:
            raise
        except StorageError:
            self._refused.add(mark)
            raise

    async def read_journal(self, source: int, after: int, limit: int) -> list[tuple[int, bytes]]:
        """Return up to `limit` events above `after`."""
        journal = self._shards[source].journal
        first = bisect_right(journal, after, key=lambda row: row[0])
        return journal[first : first + limit]

    def last_sequence(self, source: int) -> int:
        """Return the newest sequence of a journal."""
        return self._shards[source].last_sequence

    def watch(self, watcher: Watcher) -> None:
        """Call `watcher` after each flush that appended events."""
        self._watchers.append(watcher)

    async def cursor(self, consumer: str, source: int) -> int | None:
        """Return a consumer's cursor."""
        return self._shards[source].cursors.get(consumer)

    async def advance(self, consumer: str, source: int, sequence: int) -> None:
        """Store a consumer's cursor."""
        self._refuse_if_stopped()
        self._shards[source].cursors[consumer] = sequence

    async def trim(self, source: int, below: int) -> int:
        """Delete events below a sequence; return how many went."""
        self._refuse_if_stopped()
        shard = self._shards[source]
        kept = [row for row in shard.journal if row[0] >= below]
        gone = len(shard.journal) - len(kept)
        shard.journal = kept
        return gone

    def stats(self) -> EngineStats:
        """Return sizes and counts."""
        tables = {}
        for table in Table:
            rows = [shard.rows[table] for shard in self._shards]
            size = sum(len(k) + len(v) for part in rows for k, v in part.items())
            tables[table.name.lower()] = TableStats(sum(map(len, rows)), size)
        journals = [row for shard in self._shards for row in shard.journal]
        return EngineStats(
            shards=len(self._shards),
            tables=tables,
            file_bytes=0,
            commits=self._commits,
            batches=self._batches,
            conflicts=self._conflicts,
            journal_rows=len(journals),
            journal_bytes=sum(len(event) for _, event in journals),
            writes_stopped=self._stopped,
        )

    async def close(self) -> None:
        """Apply what is queued and refuse what comes later."""
        self._flush()
        self._stopped = "the store is closed"
        self._watchers.clear()

    def reopened(self) -> MemoryEngine:
        """Return an engine on the same rows, as a start after a crash would find them.

        What was queued but not applied is lost, as it would be.
        """
        self._queue.clear()
        engine = MemoryEngine(len(self._shards))
        engine._shards = self._shards
        return engine

    def _shard(self, key: bytes) -> _MemoryShard:
        return self._shards[shard_of(key, len(self._shards))]
