"""Checks of counters, which derive from what they count, and of what is the newest of authors."""

from __future__ import annotations

from collections.abc import AsyncIterator

from chirp.storage import codec
from chirp.storage.checks.pending import Pending
from chirp.storage.checks.reading import Reading, rows_of
from chirp.storage.checks.relations import RELATIONS
from chirp.storage.engine import Engine
from chirp.storage.keys import Table, Tag, counter_key, everything, id_key, last_id, partition_of
from chirp.storage.tables.tweets import TweetCounter
from chirp.storage.tables.users import Counter

_Counts = AsyncIterator[tuple[int, int]]
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
    await _check_newest(reading)


async def _check_newest(reading: Reading) -> None:
    """Find authors with a tweet above what is noted as their newest: it would not be found.

    One that is noted and not listed was deleted.
    """
    async for rows in reading.chunks(Table.NEWEST):
        del rows  # only their sizes matter
    listed, noted = _newest_listed(reading.engine), _newest_noted(reading.engine)
    async for author, newest, said in _side_by_side(listed, noted):
        if said < newest and not newest_awaited(reading.pending, author):
            what = f"the newest tweet of {author} is {newest}, but noted is {said}"
            reading.problem(Table.NEWEST, id_key(author), what, repairable=True)


def newest_awaited(pending: Pending, author: int) -> bool:
    """Say whether an unapplied event raises what is the newest of an author, or may have."""
    return (author, Counter.TWEETS) in pending.counters


async def _newest_noted(engine: Engine) -> _Counts:
    async for key, raw in rows_of(engine, Table.NEWEST, *everything()):
        if len(key) == len(raw) == 8:
            yield partition_of(key), codec.unpack_i64(raw)


async def _newest_listed(engine: Engine) -> _Counts:
    author = newest = 0
    async for key, _ in rows_of(engine, Table.AUTHOR_INDEX, *everything()):
        if partition_of(key) != author and author:
            yield author, newest
        author, newest = partition_of(key), last_id(key)
    if author:
        yield author, newest


async def _check_counter(reading: Reading, counts: Table, counter: Counter | TweetCounter) -> None:
    """Read what is counted and what is said side by side, both in the order of owners."""
    name = counter.name.lower()
    truths = _counted(reading.engine, COUNTED[counts][counter])
    said = _stored(reading.engine, counts, counter)
    async for owner, truth, value in _side_by_side(truths, said):
        key = counter_key(owner, counter)
        if truth != value and not counter_awaited(reading.pending, counts, key):
            what = f"{name} of {owner} are {truth}, but the counter says {value}"
            reading.problem(counts, key, what, repairable=True)


def counter_awaited(pending: Pending, counts: Table, key: bytes) -> bool:
    """Say whether an unapplied event moves a counter, or may have."""
    if counts is Table.TWEET_COUNTS:
        return partition_of(key) in pending.tweet_counters
    return (partition_of(key), key[-1]) in pending.counters


async def _stored(engine: Engine, counts: Table, counter: int) -> _Counts:
    async for key, raw in rows_of(engine, counts, *everything()):
        if key[8:] == bytes([counter]) and len(raw) == 8:
            yield partition_of(key), codec.unpack_i64(raw)


async def _counted(engine: Engine, table: Table) -> _Counts:
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


async def _side_by_side(left: _Counts, right: _Counts) -> AsyncIterator[tuple[int, int, int]]:
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
