"""Checks of marks: their orders, who favorited, and the retweets that they decide on."""

from __future__ import annotations

from collections.abc import Sequence

from chirp.errors import StorageError
from chirp.model import Tweet
from chirp.storage.checks.listings import is_id, live_tweet
from chirp.storage.checks.reading import Reading
from chirp.storage.keys import (
    Table,
    id_key,
    last_id,
    pair_key,
    partition_of,
    split_triple_key,
    triple_key,
)
from chirp.storage.tables.marks import UNMARKED, Mark, MarkKind, unpack_mark

ORDERS = {
    Table.FAVORITES: MarkKind.FAVORITE,
    Table.RETWEETS: MarkKind.RETWEET,
    Table.BOOKMARKS: MarkKind.BOOKMARK,
    Table.FAVORITED_BY: MarkKind.FAVORITE,
}
"""The tables that order one kind of mark by time: by user, and the last one by tweet."""

_Marked = tuple[bytes, Mark]


def mark_key(table: Table, key: bytes) -> bytes:
    """Return the key of the mark that a row of one of the ORDERS is about."""
    if table is Table.FAVORITED_BY:
        return pair_key(last_id(key), partition_of(key))
    return pair_key(partition_of(key), last_id(key))


def stands(table: Table, key: bytes, raw: bytes | None) -> bool:
    """Say whether a mark's row entails this row of its order. Raises: StorageError."""
    at = split_triple_key(key)[0]
    return raw is not None and at > 0 and unpack_mark(raw).at(ORDERS[table]) == at


async def check_marks(reading: Reading) -> None:
    """Each mark says something, has its places in the orders of time, and its retweet."""
    async for rows in reading.chunks(Table.MARKS):
        marks = [(key, unpack_mark(raw)) for key, raw in rows]
        for key, mark in marks:
            if mark == UNMARKED:
                reading.problem(Table.MARKS, key, "the mark says nothing")
            if not (is_id(partition_of(key)) and is_id(last_id(key))):
                reading.problem(Table.MARKS, key, "the mark is of an impossible id")
        for table in ORDERS:
            await _check_ordered(reading, table, marks)
        await _check_retweets(reading, [each for each in marks if each[1].retweet_id])


async def _check_ordered(reading: Reading, table: Table, marks: Sequence[_Marked]) -> None:
    keys = [_order_of(table, *each) for each in marks if each[1].at(ORDERS[table])]
    found = await reading.engine.get_many(table, keys)
    for key, raw in zip(keys, found, strict=True):
        if raw is None and not _awaited(reading, table, key):
            what = f"{_mark(table, key)} is missing from the order of time"
            reading.problem(table, key, what, repairable=True)


def _order_of(table: Table, key: bytes, mark: Mark) -> bytes:
    user, tweet, at = partition_of(key), last_id(key), mark.at(ORDERS[table])
    return (
        triple_key(tweet, at, user) if table is Table.FAVORITED_BY else triple_key(user, at, tweet)
    )


def _awaited(reading: Reading, table: Table, key: bytes) -> bool:
    """Say whether an event will write the row; those of the mark's partition came with it."""
    return (
        table is Table.FAVORITED_BY and (last_id(key), partition_of(key)) in reading.pending.marks
    )


async def _check_retweets(reading: Reading, marks: Sequence[_Marked]) -> None:
    found = await reading.engine.get_many(
        Table.TWEETS, [id_key(mark.retweet_id) for _, mark in marks]
    )
    for (key, mark), raw in zip(marks, found, strict=True):
        user, tweet = partition_of(key), last_id(key)
        if (user, tweet) not in reading.pending.marks and not _may_retweet(raw, user, tweet):
            what = f"retweet {mark.retweet_id} of {tweet} by {user} is marked, but is no such tweet"
            reading.problem(Table.MARKS, key, what)


def _may_retweet(raw: bytes | None, user: int, tweet: int) -> bool:
    """Say whether a row is that user's live retweet; one that cannot be read might be."""
    try:
        retweet = live_tweet(raw)
    except StorageError:
        return True
    return retweet is not None and (retweet.author_id, retweet.retweet_of) == (user, tweet)


async def check_orders(reading: Reading) -> None:
    """Each place in an order of time has the mark that was made then."""
    for table in ORDERS:
        async for rows in reading.chunks(table):
            await _check_places(reading, table, [key for key, _ in rows])


async def _check_places(reading: Reading, table: Table, keys: Sequence[bytes]) -> None:
    found = await reading.engine.get_many(Table.MARKS, [mark_key(table, key) for key in keys])
    for key, raw in zip(keys, found, strict=True):
        if not _may_stand(table, key, raw) and not _awaited(reading, table, key):
            what = f"{_mark(table, key)} is in the order of time, but was not made then"
            reading.problem(table, key, what, repairable=True)


def _may_stand(table: Table, key: bytes, raw: bytes | None) -> bool:
    try:
        return stands(table, key, raw)
    except StorageError:
        return True


def _mark(table: Table, key: bytes) -> str:
    user, tweet = partition_of(mark_key(table, key)), last_id(mark_key(table, key))
    return f"the {ORDERS[table].name.lower()} of {tweet} by {user} in {table.name.lower()}"


async def check_marked(reading: Reading, tweets: Sequence[Tweet]) -> None:
    """Each of the live tweets that is a retweet is marked as such by its author."""
    keys = [
        (tweet, pair_key(tweet.author_id, tweet.retweet_of))
        for tweet in tweets
        if tweet.retweet_of is not None and is_id(tweet.retweet_of)
    ]
    found = await reading.engine.get_many(Table.MARKS, [key for _, key in keys])
    for (tweet, key), raw in zip(keys, found, strict=True):
        awaited = (tweet.author_id, tweet.retweet_of) in reading.pending.marks
        if not awaited and not _may_mark(raw, tweet.tweet_id):
            what = f"retweet {tweet.tweet_id} of {tweet.retweet_of} is not marked by its author"
            reading.problem(Table.MARKS, key, what)


def _may_mark(raw: bytes | None, retweet: int) -> bool:
    try:
        return raw is not None and unpack_mark(raw).retweet_id == retweet
    except StorageError:
        return True
