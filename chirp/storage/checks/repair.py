"""Repair: writes derived rows anew from the rows that they derive from.

Derived are the lists of tweets (an author's, replies, quotes, retweets), followers and blockers,
all orders of time, counters, and the lists of keys by user. Each is recomputed from what the store
holds now, not from what the check saw, so a repair may be repeated, cut off anywhere, and given
problems that are no longer there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from chirp.errors import StorageError
from chirp.storage.checks.answers import is_time, time_stands
from chirp.storage.checks.counters import COUNTED, counter_awaited
from chirp.storage.checks.listings import LISTS, is_id, listing_of, live_tweet, tweet_in
from chirp.storage.checks.marks import ORDERS, mark_key, stands
from chirp.storage.checks.pending import Pending, read_pending
from chirp.storage.checks.reading import Problem, has_key_size, rows_of, typed
from chirp.storage.checks.relations import MIRRORS, RELATIONS
from chirp.storage.codec import pack_i64, unpack_i64, unpack_key
from chirp.storage.engine import Batch, Engine
from chirp.storage.keys import (
    Table,
    Tag,
    counter_key,
    everything,
    id_key,
    last_id,
    member_key,
    member_range,
    order_key,
    partition_of,
    partition_range,
    split_order_key,
    triple_key,
)
from chirp.storage.store import Store
from chirp.storage.tables.answers import answer_row_key, digest_in

WAVE_BATCHES = 500

MEMBER_TAG = bytes([Tag.MEMBER])


async def repair_store(store: Store, problems: Sequence[Problem]) -> int:
    """Write the derived rows that `problems` names; return how many were changed.

    A problem that is not `repairable` is left alone, and so is what an unapplied event will write
    in any case. O(problems, and what their counters count). Nobody else may write meanwhile.
    Raises: StorageError: some of the rows may be written; repair again.
    """
    repair = _Repair(store.engine, await read_pending(store.engine))
    rows = {problem.row() for problem in problems if problem.repairable}
    await repair.read_digests({key for table, key in rows if table is Table.USER_KEYS})
    rows |= {row for each in rows for row in _counters_of(*each)}
    changed = 0
    for phase in (_is_member, _is_other, _is_last):
        changed += await repair.run(sorted(row for row in rows if phase(*row)))
    return changed


def _counters_of(table: Table, key: bytes) -> list[tuple[Table, bytes]]:
    """Return the counters that count a row: lost with it, they agreed with what was left."""
    owner = partition_of(key)
    newest = [(Table.NEWEST, id_key(owner))] if table is Table.AUTHOR_INDEX else []
    return newest + [
        (counts, counter_key(owner, counter))
        for counts, counters in COUNTED.items()
        for counter, counted in counters.items()
        if counted is table
    ]


def _is_member(table: Table, key: bytes) -> bool:
    """Member rows go first: each takes its order row with it."""
    return table in RELATIONS and key[8:9] == MEMBER_TAG


def _is_last(table: Table, _key: bytes) -> bool:
    """Counters go last, and what is the newest: they derive from the others."""
    return table in COUNTED or table is Table.NEWEST


def _counters(counts: Table) -> dict[int, Table]:
    return {int(counter): table for counter, table in COUNTED.get(counts, {}).items()}


def _is_counted(table: Table, key: bytes) -> bool:
    """Say whether a row is that of a counter that there is: no row and 0 are then the same."""
    return has_key_size(table, key) and key[-1] in _counters(table)


def _is_other(table: Table, key: bytes) -> bool:
    return not (_is_member(table, key) or _is_last(table, key))


class _Repair:
    """Recomputes rows one by one: one method a table."""

    def __init__(self, engine: Engine, pending: Pending) -> None:
        self._engine = engine
        self._pending = pending
        self._digests: dict[bytes, bytes] = {}

    async def read_digests(self, wanted: set[bytes]) -> None:
        """Find the digests that the wanted rows of `user_keys` should hold. O(keys)."""
        if not wanted:
            return
        async for key, raw in rows_of(self._engine, Table.KEYS, *everything()):
            with suppress(StorageError):  # one that cannot be read is listed nowhere
                api_key = typed(unpack_key(raw))
                listed = triple_key(partition_of(key), api_key.user_id, api_key.key_id)
                self._digests |= {listed: api_key.digest} if listed in wanted else {}

    async def run(self, rows: Sequence[tuple[Table, bytes]]) -> int:
        """Recompute rows, in waves of batches; return how many were changed."""
        changed = 0
        for first in range(0, len(rows), WAVE_BATCHES):
            made = [await self._batch(*row) for row in rows[first : first + WAVE_BATCHES]]
            batches = [batch for batch in made if batch is not None]
            await asyncio.gather(*(self._engine.commit(batch) for batch in batches))
            changed += len(batches)
        return changed

    async def _batch(self, table: Table, key: bytes) -> Batch | None:
        """Return what makes a row right; None when it is right, or must wait for an event."""
        if self._awaited(table, key):
            return None
        old = await self._get(table, key)
        try:
            new = await self._truth(table, key)
        except StorageError:
            return None  # what it derives from cannot be read, and that is a problem of its own
        if old == new or (_is_counted(table, key) and {old, new} == {None, pack_i64(0)}):
            return None
        batch = Batch(partition_of(key))
        batch.expect(table, key, old)
        if _is_member(table, key):
            _move_order(batch, table, last_id(key), old, new)
        _set(batch, table, key, new)
        return batch

    def _awaited(self, table: Table, key: bytes) -> bool:
        pending, owner = self._pending, partition_of(key)
        if table in COUNTED:
            return counter_awaited(pending, table, key)
        if not has_key_size(table, key):
            return False
        if table in LISTS:
            return tweet_in(table, key) in pending.tweets
        if table in MIRRORS:
            return (last_id(key), owner) in pending.edges
        return table is Table.FAVORITED_BY and (last_id(key), owner) in pending.marks

    async def _truth(self, table: Table, key: bytes) -> bytes | None:
        """Return what the row should hold. Raises: StorageError: what it derives from is bad."""
        if not has_key_size(table, key):
            return None
        if table in LISTS:
            return await self._listing(table, key)
        if table in RELATIONS:
            return await self._relation(table, key)
        if _is_last(table, key):
            return await self._last(table, key)
        if table is Table.USER_KEYS:
            return self._digests.get(key)
        return b"" if await self._has_place(table, key) else None

    async def _last(self, table: Table, key: bytes) -> bytes | None:
        return await (self._newest(key) if table is Table.NEWEST else self._count(table, key))

    async def _has_place(self, table: Table, key: bytes) -> bool:
        if table in ORDERS:
            return stands(table, key, await self._get(Table.MARKS, mark_key(table, key)))
        if table is Table.ANSWERS and is_time(key):
            row = answer_row_key(partition_of(key), digest_in(key))
            return time_stands(key, await self._get(table, row))
        raise StorageError(f"{table.name.lower()} is not derived")

    async def _get(self, table: Table, key: bytes) -> bytes | None:
        return (await self._engine.get_many(table, [key]))[0]

    async def _listing(self, table: Table, key: bytes) -> bytes | None:
        tweet = live_tweet(await self._get(Table.TWEETS, id_key(tweet_in(table, key))))
        listing = None if tweet is None else listing_of(table, tweet)
        return listing[1] if listing is not None and listing[0] == key else None

    async def _relation(self, table: Table, key: bytes) -> bytes | None:
        owner, other = partition_of(key), last_id(key)
        truth = member_key(other, owner) if table in MIRRORS else member_key(owner, other)
        since = await self._get(MIRRORS.get(table, table), truth)
        if key[8] == Tag.MEMBER:
            return since
        stands_since = None if since is None else unpack_i64(since)
        return b"" if stands_since == split_order_key(key)[0] else None

    async def _count(self, counts: Table, key: bytes) -> bytes | None:
        if not _is_counted(counts, key):
            return None
        owner, table = partition_of(key), _counters(counts)[key[-1]]
        if table not in RELATIONS and not is_id(owner):
            return None  # what such a list held was derived, and went before
        bounds = member_range(owner) if table in RELATIONS else partition_range(owner)
        count = 0
        async for _ in rows_of(self._engine, table, *bounds, scatter=False):
            count += 1
        return pack_i64(count) if count else None

    async def _newest(self, key: bytes) -> bytes | None:
        """Return the newest tweet of an author that is listed, or was once."""
        noted, bounds = await self._get(Table.NEWEST, key), partition_range(partition_of(key))
        rows = await self._engine.scan(Table.AUTHOR_INDEX, *bounds, 1, reverse=True)
        listed = pack_i64(last_id(rows[0][0])) if rows else None
        known = [one for one in (noted, listed) if one is not None and len(one) == 8]
        return max(known, key=unpack_i64, default=None)


def _set(batch: Batch, table: Table, key: bytes, value: bytes | None) -> None:
    if value is None:
        batch.delete(table, key)
    else:
        batch.put(table, key, value)


def _move_order(
    batch: Batch, table: Table, other: int, old: bytes | None, new: bytes | None
) -> None:
    """Let the order row go with the member row from the old `since` to the new one."""
    for value, content in ((old, None), (new, b"")):
        if value is not None and len(value) == 8 and unpack_i64(value) >= 0:
            _set(batch, table, order_key(batch.partition, unpack_i64(value), other), content)
