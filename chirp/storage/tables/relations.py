"""A relation: who stands in it with an owner, and since when, in the owner's partition.

Invariant: for each member row (owner, other) → since there is exactly one order row
(owner, since, other), and no others. Follow lists page by the order rows.
"""

from __future__ import annotations

from array import array
from collections.abc import AsyncIterator

from chirp.model import UnixMs
from chirp.storage.codec import pack_i64, unpack_i64
from chirp.storage.engine import Batch, Engine
from chirp.storage.keys import (
    PARTITION_BYTES,
    Table,
    Tag,
    everything,
    last_id,
    member_key,
    member_range,
    order_key,
    order_range,
    partition_of,
    split_order_key,
)


class Relation:
    """One relation, such as who follows an owner."""

    def __init__(self, engine: Engine, table: Table) -> None:
        self._engine = engine
        self.table = table

    async def find(self, owner: int, other: int) -> UnixMs | None:
        """Return since when `other` stands in the relation with `owner`, or None. O(log n)."""
        raw = (await self._engine.get_many(self.table, [member_key(owner, other)]))[0]
        return None if raw is None else UnixMs(unpack_i64(raw))

    async def find_many(self, pairs: list[tuple[int, int]]) -> list[bool]:
        """Say of each (owner, other) whether the relation holds. O(len(pairs))."""
        keys = [member_key(owner, other) for owner, other in pairs]
        return [raw is not None for raw in await self._engine.get_many(self.table, keys)]

    async def members(self, owner: int) -> array[int]:
        """Return all others by ascending id. O(members), off the loop when there are many."""
        rows = await self._engine.scan(self.table, *member_range(owner), 1 << 62)
        return array("q", [last_id(key) for key, _ in rows])

    async def newest(
        self, owner: int, before: tuple[int, int] | None, limit: int
    ) -> list[tuple[UnixMs, int]]:
        """Return up to `limit` (since, other), newest action first, below `before` if given."""
        start, stop = order_range(owner)
        if before is not None:
            stop = order_key(owner, *before)
        rows = await self._engine.scan(self.table, start, stop, limit, reverse=True)
        return [(UnixMs(at), other) for at, other in (split_order_key(key) for key, _ in rows)]

    async def oldest_after(
        self, owner: int, after: tuple[int, int], limit: int
    ) -> list[tuple[UnixMs, int]]:
        """Return up to `limit` (since, other) directly above `after`, oldest action first."""
        start, stop = order_key(owner, *after) + b"\x00", order_range(owner)[1]
        rows = await self._engine.scan(self.table, start, stop, limit)
        return [(UnixMs(at), other) for at, other in (split_order_key(key) for key, _ in rows)]

    async def owners_of(self, other: int, limit: int) -> AsyncIterator[tuple[int, UnixMs]]:
        """Yield (owner, since) of everybody who has `other` in their relation. O(all rows).

        Reads `limit` rows at a time. For what has no mirror: who is muted must not be told.
        """
        start, stop = everything()
        while rows := await self._engine.scatter(self.table, start, stop, limit):
            for key, raw in rows:
                if key[PARTITION_BYTES] == Tag.MEMBER and last_id(key) == other:
                    yield partition_of(key), UnixMs(unpack_i64(raw))
            start = rows[-1][0] + b"\x00"

    def expect(self, batch: Batch, other: int, since: UnixMs | None) -> None:
        """Make the batch conflict unless the relation stands as told (None: does not stand)."""
        value = None if since is None else pack_i64(since)
        batch.expect(self.table, member_key(batch.partition, other), value)

    def put(self, batch: Batch, other: int, since: UnixMs) -> None:
        """Make `other` a member of the relation of the batch's partition."""
        batch.put(self.table, member_key(batch.partition, other), pack_i64(since))
        batch.put(self.table, order_key(batch.partition, since, other), b"")

    def delete(self, batch: Batch, other: int, since: UnixMs) -> None:
        """End the membership that began at `since`."""
        batch.delete(self.table, member_key(batch.partition, other))
        batch.delete(self.table, order_key(batch.partition, since, other))
