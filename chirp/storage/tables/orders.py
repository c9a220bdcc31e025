"""An order: what stands with an owner, by the time of the action, in the owner's partition.

For lists that are only ever paged through: a user's favorites, who favorited a tweet. Whether one
thing is in the list is known elsewhere (the marks table), with the time that its key here needs.
"""

from __future__ import annotations

from chirp.model import UnixMs
from chirp.storage.engine import Batch, Engine
from chirp.storage.keys import Table, partition_range, split_triple_key, triple_key


class Order:
    """One list, such as the favorites of a user."""

    def __init__(self, engine: Engine, table: Table) -> None:
        self._engine = engine
        self.table = table

    async def newest(
        self, owner: int, before: tuple[int, int] | None, limit: int
    ) -> list[tuple[UnixMs, int]]:
        """Return up to `limit` (at, other), newest action first, below `before` if given."""
        start, stop = partition_range(owner)
        if before is not None:
            stop = triple_key(owner, *before)
        rows = await self._engine.scan(self.table, start, stop, limit, reverse=True)
        return [(UnixMs(at), other) for at, other in (split_triple_key(key) for key, _ in rows)]

    async def oldest_after(
        self, owner: int, after: tuple[int, int], limit: int
    ) -> list[tuple[UnixMs, int]]:
        """Return up to `limit` (at, other) directly above `after`, oldest action first."""
        start, stop = triple_key(owner, *after) + b"\x00", partition_range(owner)[1]
        rows = await self._engine.scan(self.table, start, stop, limit)
        return [(UnixMs(at), other) for at, other in (split_triple_key(key) for key, _ in rows)]

    def put(self, batch: Batch, at: int, other: int) -> None:
        """Add `other` to the list of the batch's partition."""
        batch.put(self.table, triple_key(batch.partition, at, other), b"")

    def delete(self, batch: Batch, at: int, other: int) -> None:
        """Take out `other`, which came at `at`."""
        batch.delete(self.table, triple_key(batch.partition, at, other))
