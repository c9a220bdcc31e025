"""A memory engine with bad luck: shards commit and scans answer in an order of their own."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Sequence

from chirp.errors import WritesStopped
from chirp.storage.engine import Batch, Receipt, Row
from chirp.storage.keys import Table
from chirp.storage.memory import MemoryEngine
from chirp.storage.routing import shard_of
from chirp.tasks import Signal

MOST_TURNS = 12


class HeldEngine(MemoryEngine):
    """Commits nothing while `held`: a disk that stands still."""

    def __init__(self, shards: int = 2) -> None:
        super().__init__(shards)
        self.held = False
        self.waiting: list[tuple[Batch, Signal[Receipt | None]]] = []

    def commit(self, batch: Batch) -> asyncio.Future[Receipt | None]:
        if not self.held:
            return super().commit(batch)
        future: Signal[Receipt | None] = Signal()
        self.waiting.append((batch, future))
        return future

    def release(self) -> None:
        """Commit what waits, and hold nothing any more."""
        self.held = False
        self._queue.extend(self.waiting)
        self.waiting.clear()
        self._flush()


class UnevenEngine(MemoryEngine):
    """Each shard applies its queue after a random number of turns of the loop, as disks would.

    Reads see the rows of one moment, and may tell them some turns later, as threads would.
    """

    def __init__(self, shards: int = 8, seed: int = 0) -> None:
        super().__init__(shards)
        self._random = random.Random(seed)
        self._waiting: list[deque[tuple[Batch, Signal[Receipt | None]]]] = [
            deque() for _ in range(shards)
        ]

    def commit(self, batch: Batch) -> asyncio.Future[Receipt | None]:
        loop = asyncio.get_running_loop()
        future: Signal[Receipt | None] = Signal()
        if self._stopped is not None:
            future.set_exception(WritesStopped(self._stopped))
            return future
        shard = shard_of(batch.prefix, self.sources)
        self._waiting[shard].append((batch, future))
        if len(self._waiting[shard]) == 1:
            loop.call_soon(self._turn, shard, self._random.randrange(MOST_TURNS))
        return future

    def _turn(self, shard: int, left: int) -> None:
        if left:
            asyncio.get_running_loop().call_soon(self._turn, shard, left - 1)
            return
        self._queue.extend(self._waiting[shard])
        self._waiting[shard].clear()
        self._flush()

    async def get_many(self, table: Table, addresses: Sequence[bytes]) -> list[bytes | None]:
        rows = await super().get_many(table, addresses)
        await self._dawdle()
        return rows

    async def _dawdle(self) -> None:
        for _ in range(self._random.choice([0, 0, 0, 1, 5])):
            await asyncio.sleep(0)

    async def scan(
        self, table: Table, start: bytes, stop: bytes, limit: int, *, reverse: bool = False
    ) -> list[Row]:
        rows = await super().scan(table, start, stop, limit, reverse=reverse)
        await self._dawdle()
        return rows

    async def close(self) -> None:
        for queue in self._waiting:
            self._queue.extend(queue)
            queue.clear()
        await super().close()

    def reopened(self) -> UnevenEngine:
        """Return an engine on the same rows; what was queued is lost."""
        for queue in self._waiting:
            queue.clear()
        engine = UnevenEngine(self.sources, self._random.randrange(1 << 30))
        engine._shards = self._shards
        return engine


def digest_of_rows(engine: MemoryEngine) -> Sequence[int]:
    """Return how many rows each table has: equal before and after what changes nothing."""
    stats = engine.stats()
    return [table.rows for table in stats.tables.values()] + [stats.journal_rows]
