"""Checks of the tweets table, of their earlier versions and of the lists that derive from them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from chirp.errors import StorageError
from chirp.model import Tweet, UserId
from chirp.storage import codec
from chirp.storage.checks.listings import (
    LISTS,
    is_id,
    listing_of,
    live_tweet,
    may_be_listed,
    tweet_in,
)
from chirp.storage.checks.marks import check_marked
from chirp.storage.checks.reading import Reading
from chirp.storage.engine import Row
from chirp.storage.keys import Table, id_key, last_id, pair_key, partition_of, partition_range

_NAMES = {
    Table.AUTHOR_INDEX: "index of author",
    Table.REPLIES: "replies to",
    Table.QUOTES: "quotes of",
    Table.RETWEETED_BY: "retweets of",
}


async def check_tweets(reading: Reading) -> None:
    """Each live tweet has an author, its versions and its row in each list that it belongs to."""
    async for rows in reading.chunks(Table.TWEETS):
        read = [_tweet(reading, row) for row in rows if not codec.is_tombstone(row[1])]
        tweets = [tweet for tweet in read if tweet is not None]
        await _check_authors(reading, tweets)
        for table in LISTS:
            await _check_listed(reading, table, tweets)
        await check_marked(reading, tweets)
        for tweet in tweets:
            if tweet.version != 1:
                await _check_versions_of(reading, tweet)


def _tweet(reading: Reading, row: Row) -> Tweet | None:
    tweet = reading.record(Table.TWEETS, row, codec.unpack_tweet, codec.pack_tweet)
    if tweet is None:
        return None
    ids = (tweet.tweet_id, tweet.author_id)
    if tweet.tweet_id != last_id(row[0]) or not all(map(is_id, ids)):
        reading.problem(Table.TWEETS, row[0], "the row is that of another tweet, or of no author")
        return None
    others = (tweet.in_reply_to_tweet_id, tweet.quote_of, tweet.retweet_of)
    if not all(other is None or is_id(other) for other in others):
        reading.problem(Table.TWEETS, row[0], "the tweet refers to an impossible id")
    return tweet


async def _check_authors(reading: Reading, tweets: Sequence[Tweet]) -> None:
    missing = await _missing(reading, {tweet.author_id for tweet in tweets})
    for tweet in tweets:
        if tweet.author_id in missing:
            what = f"the author {tweet.author_id} of tweet {tweet.tweet_id} does not exist"
            reading.problem(Table.TWEETS, id_key(tweet.tweet_id), what)


async def _missing(reading: Reading, users: Iterable[UserId]) -> set[UserId]:
    ids = [user for user in users if user not in reading.pending.users]
    found = await reading.engine.get_many(Table.USERS, [id_key(i) for i in ids])
    return {user for user, raw in zip(ids, found, strict=True) if raw is None}


async def _check_listed(reading: Reading, table: Table, tweets: Sequence[Tweet]) -> None:
    listings = [(tweet.tweet_id, listing_of(table, tweet)) for tweet in tweets]
    wanted = [(tweet_id, *listing) for tweet_id, listing in listings if listing is not None]
    found = await reading.engine.get_many(table, [key for _, key, _ in wanted])
    for (tweet_id, key, right), raw in zip(wanted, found, strict=True):
        if raw != right and tweet_id not in reading.pending.tweets:
            how = "is missing from" if raw is None else "has the wrong flags in"
            what = f"tweet {tweet_id} {how} the {_NAMES[table]} {partition_of(key)}"
            reading.problem(table, key, what, repairable=True)


async def check_lists(reading: Reading) -> None:
    """Each row of a list has the live tweet that it is about."""
    for table in LISTS:
        async for rows in reading.chunks(table):
            await _check_entries(reading, table, [key for key, _ in rows])


async def _check_entries(reading: Reading, table: Table, keys: Sequence[bytes]) -> None:
    ids = [tweet_in(table, key) for key in keys]
    found = await reading.engine.get_many(Table.TWEETS, [id_key(i) for i in ids])
    for key, tweet_id, raw in zip(keys, ids, found, strict=True):
        if tweet_id not in reading.pending.tweets and not may_be_listed(table, key, raw):
            where = f"{_NAMES[table]} {partition_of(key)}"
            what = f"the {where} holds {tweet_id}, no live tweet of theirs"
            reading.problem(table, key, what, repairable=True)


async def _check_versions_of(reading: Reading, tweet: Tweet) -> None:
    """Look for all versions before the newest."""
    rows = await reading.engine.scan(Table.VERSIONS, *partition_range(tweet.tweet_id), 1 << 62)
    kept = {last_id(key) for key, _ in rows}
    missing = next((n for n in range(1, tweet.version) if n not in kept), None)
    if missing is not None:
        key = pair_key(tweet.tweet_id, missing)
        reading.problem(Table.VERSIONS, key, f"tweet {tweet.tweet_id} has no version {missing}")
    if tweet.version < 1:
        reading.problem(Table.TWEETS, id_key(tweet.tweet_id), "the version is not positive")


async def check_versions(reading: Reading) -> None:
    """Each kept version is that of its key, and has a live tweet with a greater one."""
    async for rows in reading.chunks(Table.VERSIONS):
        tweets = [id_key(partition_of(key)) for key, _ in rows]
        found = await reading.engine.get_many(Table.TWEETS, tweets)
        for row, newest in zip(rows, found, strict=True):
            tweet_id, number = partition_of(row[0]), last_id(row[0])
            kept = reading.record(Table.VERSIONS, row, codec.unpack_tweet, codec.pack_tweet)
            if kept is not None and (kept.tweet_id, kept.version) != (tweet_id, number):
                reading.problem(Table.VERSIONS, row[0], "the row is that of another version")
            if not _may_have(newest, number):
                what = f"version {number} of tweet {tweet_id} is not before that of a live tweet"
                reading.problem(Table.VERSIONS, row[0], what)


def _may_have(raw: bytes | None, number: int) -> bool:
    """Say whether a tweet's row has this one before it; one that cannot be read might."""
    try:
        tweet = live_tweet(raw)
    except StorageError:
        return True
    return tweet is not None and 1 <= number < tweet.version
