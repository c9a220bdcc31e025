"""Checks of the counters of users and of tweets, which derive from what they count."""

from __future__ import annotations

from collections.abc import AsyncIterator

from chirp.storage import codec
from chirp.storage.checks.pending import Pending
from chirp.storage.checks.reading import Reading, rows_of
from chirp.storage.checks.relations import RELATIONS
from chirp.storage.engine import Engine
from chirp.storage.keys import Table, Tag, counter_key, everything, partition_of
from chirp.storage.tables.tweets import TweetCounter
from chirp.storage.tables.users import Counter

Counts = AsyncIterator[tuple[int, int]]
"""(owner, value) in the order of owners, each owner once."""

COUNTED: dict[Table, dict[Counter | TweetCounter, Table]] = {
    Table.USER_COUNTS: {
        Counter.FOLLOWERS: Table.FOLLOWERS,
        Counter.FOLLOWING: Table.FOLLOWING,
        Counter.TWEETS: Table.AUTHOR_INDEX,
    },
    Table.TWEET_COUNTS: {
        TweetCounter.FAVORITES: Table.FAVORITED_BY,
        TweetCounter.RETWEETS: Table.RETWEETED_BY,
        TweetCounter.REPLIES: Table.REPLIES,
        TweetCounter.QUOTES: Table.QUOTES,
    },
}
"""By table of counters and counter, what it counts: the members of a relation, or all rows."""


async def check_counters(reading: Reading) -> None:
    """Each counter says what is counted."""
    for counts, counted in COUNTED.items():
        async for rows in reading.chunks(counts):
            for key in (key for key, _ in rows if key[8] not in list(counted)):
                what = f"there is no counter {key[8]}"
                reading.problem(counts, key, what, repairable=True)
        for counter in counted:
            await _check_counter(reading, counts, counter)


async def _check_counter(reading: Reading, counts: Table, counter: Counter | TweetCounter) -> None:
    """Read what is counted and what is said side by side, both in the order of owners."""
    name = counter.name.lower()
    truths = _counted(reading.engine, COUNTED[counts][counter])
    said = _stored(reading.engine, counts, counter)
    async for owner, truth, value in side_by_side(truths, said):
        key = counter_key(owner, counter)
        if truth != value and not counter_awaited(reading.pending, counts, key):
            what = f"{name} of {owner} are {truth}, but the counter says {value}"
            reading.problem(counts, key, what, repairable=True)


def counter_awaited(pending: Pending, counts: Table, key: bytes) -> bool:
    """Say whether an unapplied event moves a counter, or may have."""
    if counts is Table.TWEET_COUNTS:
        return partition_of(key) in pending.tweet_counters
    return (partition_of(key), key[-1]) in pending.counters


async def _stored(engine: Engine, counts: Table, counter: int) -> Counts:
    async for key, raw in rows_of(engine, counts, *everything()):
        if key[8:] == bytes([counter]) and len(raw) == 8:
            yield partition_of(key), codec.unpack_i64(raw)


async def _counted(engine: Engine, table: Table) -> Counts:
    owner = count = 0
    async for key, _ in rows_of(engine, table, *everything()):
        if table in RELATIONS and key[8:9] != bytes([Tag.MEMBER]):
            continue
        if partition_of(key) != owner and count:
            yield owner, count
            count = 0
        owner, count = partition_of(key), count + 1
    if count:
        yield owner, count


async def side_by_side(left: Counts, right: Counts) -> AsyncIterator[tuple[int, int, int]]:
    """Yield (owner, left value, right value) of every owner in either, 0 where there is none."""
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
