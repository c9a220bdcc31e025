"""Checks of the tweets table and of the author index, which derives from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from chirp.errors import StorageError
from chirp.model import MAX_ID, Tweet, UserId
from chirp.storage import codec
from chirp.storage.checks.reading import Reading
from chirp.storage.engine import Row
from chirp.storage.keys import Table, id_key, last_id, pair_key, partition_of
from chirp.storage.tables.tweets import flags_of


async def check_tweets(reading: Reading) -> None:
    """Each live tweet has an author, and its row with the right flags in the author's index."""
    async for rows in reading.chunks(Table.TWEETS):
        read = [_tweet(reading, row) for row in rows if not codec.is_tombstone(row[1])]
        tweets = [tweet for tweet in read if tweet is not None]
        await _check_authors(reading, tweets)
        keys = [pair_key(tweet.author_id, tweet.tweet_id) for tweet in tweets]
        found = await reading.engine.get_many(Table.AUTHOR_INDEX, keys)
        for tweet, key, raw in zip(tweets, keys, found, strict=True):
            right = raw == bytes([flags_of(tweet)])
            if not right and tweet.tweet_id not in reading.pending.tweets:
                how = "is missing from" if raw is None else "has the wrong flags in"
                what = f"tweet {tweet.tweet_id} {how} the index of its author {tweet.author_id}"
                reading.problem(Table.AUTHOR_INDEX, key, what, repairable=True)


def _tweet(reading: Reading, row: Row) -> Tweet | None:
    tweet = reading.record(Table.TWEETS, row, codec.unpack_tweet, codec.pack_tweet)
    if tweet is None:
        return None
    if tweet.tweet_id == last_id(row[0]) and 0 < tweet.author_id <= MAX_ID:
        return tweet
    reading.problem(Table.TWEETS, row[0], "the row is that of another tweet, or of no author")
    return None


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


async def check_author_index(reading: Reading) -> None:
    """Each row of the author index has a live tweet of that author."""
    async for rows in reading.chunks(Table.AUTHOR_INDEX):
        tweet_keys = [id_key(last_id(key)) for key, _ in rows]
        found = await reading.engine.get_many(Table.TWEETS, tweet_keys)
        for (key, _), raw in zip(rows, found, strict=True):
            author, tweet_id = partition_of(key), last_id(key)
            if tweet_id not in reading.pending.tweets and not _is_by(author, raw):
                what = f"the index of author {author} holds {tweet_id}, no live tweet of theirs"
                reading.problem(Table.AUTHOR_INDEX, key, what, repairable=True)


def _is_by(author: int, raw: bytes | None) -> bool:
    """Say whether a row is a live tweet of `author`; one that cannot be read might be."""
    if raw is None or codec.is_tombstone(raw):
        return False
    try:
        return codec.unpack_tweet(raw).author_id == author
    except StorageError:
        return True
