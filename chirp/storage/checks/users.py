"""Checks of profiles and of the counters, which derive from relations and the author index."""

from __future__ import annotations

from collections.abc import AsyncIterator

from chirp.storage import codec
from chirp.storage.checks.reading import Reading, rows_of
from chirp.storage.engine import Engine
from chirp.storage.keys import (
    DIRECTORY,
    Table,
    Tag,
    counter_key,
    everything,
    pair_key,
    partition_of,
)
from chirp.storage.tables.users import Counter

_Counts = AsyncIterator[tuple[int, int]]
"""(user, value) in the order of users, each user once."""

COUNTED: dict[int, Table] = {
    Counter.FOLLOWERS: Table.FOLLOWERS,
    Counter.FOLLOWING: Table.FOLLOWING,
    Counter.TWEETS: Table.AUTHOR_INDEX,
}
"""What each counter counts: the members of a relation, or an author's tweets."""


async def check_users(reading: Reading) -> None:
    """Each profile is its user's and has an account."""
    async for rows in reading.chunks(Table.USERS):
        accounts = [pair_key(DIRECTORY, partition_of(key)) for key, _ in rows]
        found = await reading.engine.get_many(Table.ACCOUNTS, accounts)
        for (key, raw), account in zip(rows, found, strict=True):
            user_id = partition_of(key)
            user = reading.record(Table.USERS, (key, raw), codec.unpack_user, codec.pack_user)
            if user is not None and user.user_id != user_id:
                reading.problem(Table.USERS, key, "the row is that of another user")
            # A closed account's profile has no name, and stays until the sweep is done.
            if account is None and not (user is not None and user.suspended and not user.username):
                reading.problem(Table.USERS, key, f"user {user_id} has a profile, but no account")


async def check_counters(reading: Reading) -> None:
    """Each counter says what is counted. Both are read in the order of users, side by side."""
    async for rows in reading.chunks(Table.USER_COUNTS):
        for key, _ in rows:
            if key[8] not in list(Counter):
                what = f"there is no counter {key[8]}"
                reading.problem(Table.USER_COUNTS, key, what, repairable=True)
    for counter, table in COUNTED.items():
        name = Counter(counter).name.lower()
        truths, said = _counted(reading.engine, table), _stored(reading.engine, counter)
        async for user, truth, value in _side_by_side(truths, said):
            if truth != value and (user, counter) not in reading.pending.counters:
                what = f"{name} of {user} are {truth}, but the counter says {value}"
                key = counter_key(user, counter)
                reading.problem(Table.USER_COUNTS, key, what, repairable=True)


async def _stored(engine: Engine, counter: int) -> _Counts:
    async for key, raw in rows_of(engine, Table.USER_COUNTS, *everything()):
        if key[8:] == bytes([counter]) and len(raw) == 8:
            yield partition_of(key), codec.unpack_i64(raw)


async def _counted(engine: Engine, table: Table) -> _Counts:
    user = count = 0
    async for key, _ in rows_of(engine, table, *everything()):
        if table is not Table.AUTHOR_INDEX and key[8:9] != bytes([Tag.MEMBER]):
            continue
        if partition_of(key) != user and count:
            yield user, count
            count = 0
        user, count = partition_of(key), count + 1
    if count:
        yield user, count


async def _side_by_side(left: _Counts, right: _Counts) -> AsyncIterator[tuple[int, int, int]]:
    """Yield (user, left value, right value) of everybody in either, 0 where there is none."""
    one, two = await anext(left, None), await anext(right, None)
    while one is not None or two is not None:
        if two is None or (one is not None and one[0] < two[0]):
            assert one is not None
            yield one[0], one[1], 0
            one = await anext(left, None)
        elif one is None or two[0] < one[0]:
            yield two[0], 0, two[1]
            two = await anext(right, None)
        else:
            yield one[0], one[1], two[1]
            one, two = await anext(left, None), await anext(right, None)
