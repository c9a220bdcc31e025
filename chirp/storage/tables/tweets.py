"""The tweets table, the author index, and the newest of each author.

Invariants:
- A tweet's row lies in the tweet's own partition and is never removed: a deleted tweet leaves a
  tombstone, so that the greatest id on disk only grows.
- The author index lies in the author's partition and is derived: it holds exactly the tweets of
  that author whose rows are not tombstones, once the journal's index consumer has caught up.
- No id in an author's index is above their newest, which only rises: one that was deleted may
  have had it.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum, IntFlag

from chirp.model import MAX_ID, NO_COUNTS, Tweet, TweetCounts, TweetId, UserId
from chirp.storage.codec import (
    is_tombstone,
    pack_tombstone,
    pack_tweet,
    tombstone_answered,
    unpack_i64,
    unpack_tweet,
)
from chirp.storage.engine import Batch, Engine
from chirp.storage.keys import Table, counter_key, everything, id_key, last_id, pair_key


class IndexFlag(IntFlag):
    """What an author index row says of its tweet, so that lists filter without reading it."""

    PLAIN = 0
    REPLY = 1
    RETWEET = 2
    QUOTE = 4
    MEDIA = 8


class TweetCounter(IntEnum):
    """Which counter of a tweet; the number is in the key."""

    FAVORITES = 0
    RETWEETS = 1
    REPLIES = 2
    QUOTES = 3


def flags_of(tweet: Tweet) -> IndexFlag:
    """Return the author index flags of a tweet."""
    flags = IndexFlag.PLAIN
    if tweet.in_reply_to_tweet_id is not None:
        flags |= IndexFlag.REPLY
    if tweet.retweet_of is not None:
        flags |= IndexFlag.RETWEET
    if tweet.quote_of is not None:
        flags |= IndexFlag.QUOTE
    if tweet.media_ids:
        flags |= IndexFlag.MEDIA
    return flags


class Tweets:
    """Tweets by id, and ids by author."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def find_many(self, ids: Sequence[int]) -> list[Tweet | None]:
        """Return the tweets in the order of `ids`; None where there is none or it was deleted."""
        raws = await self._engine.get_many(Table.TWEETS, [id_key(i) for i in ids])
        return [None if raw is None or is_tombstone(raw) else unpack_tweet(raw) for raw in raws]

    async def is_deleted(self, tweet_id: int) -> bool:
        """Say whether there was a tweet of that id, and is none any more. O(1)."""
        (raw,) = await self._engine.get_many(Table.TWEETS, [id_key(tweet_id)])
        return raw is not None and is_tombstone(raw)

    async def ids_of(self, author: UserId, below: int, limit: int) -> list[TweetId]:
        """Return up to `limit` ids of an author below an id, newest first.

        One range of one partition: O(log(rows) + limit), about 5 µs for twenty.
        """
        start, stop = pair_key(author, 0), pair_key(author, min(below, MAX_ID + 1))
        rows = await self._engine.scan(Table.AUTHOR_INDEX, start, stop, limit, reverse=True)
        return [TweetId(last_id(key)) for key, _ in rows]

    async def ids_of_many(
        self, authors: Sequence[int], below: int, limit: int
    ) -> list[list[TweetId]]:
        """Return of each author what `ids_of` does, in the order of `authors`, read together."""
        first, end = 0, min(below, MAX_ID + 1)
        return await self._ids_between(authors, first, end, limit, reverse=True)

    async def ids_above_many(
        self, authors: Sequence[int], above: int, limit: int
    ) -> list[list[TweetId]]:
        """Return of each author what `ids_above` does, in the order of `authors`."""
        first, end = min(above, MAX_ID) + 1, MAX_ID + 1
        return await self._ids_between(authors, first, end, limit, reverse=False)

    async def _ids_between(
        self, authors: Sequence[int], first: int, end: int, limit: int, *, reverse: bool
    ) -> list[list[TweetId]]:
        ranges = [(pair_key(author, first), pair_key(author, end)) for author in authors]
        index = Table.AUTHOR_INDEX
        rows_of_each = await self._engine.scan_many(index, ranges, limit, reverse=reverse)
        return [[TweetId(last_id(key)) for key, _ in rows] for rows in rows_of_each]

    async def newest_of(self, authors: Sequence[int]) -> list[int]:
        """Return of each author an id that none of theirs is above; 0: they never wrote.

        In the order of `authors`; one row each, many on a page. O(len(authors)).
        """
        raws = await self._engine.get_many(Table.NEWEST, [id_key(author) for author in authors])
        return [0 if raw is None else unpack_i64(raw) for raw in raws]

    async def ids_above(self, author: UserId, above: int, limit: int) -> list[TweetId]:
        """Return up to `limit` ids of an author directly above an id, oldest first."""
        start, stop = pair_key(author, min(above, MAX_ID) + 1), pair_key(author, MAX_ID + 1)
        rows = await self._engine.scan(Table.AUTHOR_INDEX, start, stop, limit)
        return [TweetId(last_id(key)) for key, _ in rows]

    async def parents_above(self, ids: Sequence[int]) -> list[TweetId | None]:
        """Return what the deleted tweets with these ids replied to; None where that is unknown."""
        raws = await self._engine.get_many(Table.TWEETS, [id_key(i) for i in ids])
        return [
            tombstone_answered(raw) if raw is not None and is_tombstone(raw) else None
            for raw in raws
        ]

    async def newest_ids(self, below: int, limit: int) -> list[TweetId]:
        """Return up to `limit` ids of all authors' tweets below an id, newest first.

        A merge over all shards (R58). Fewer only when there are no more.
        """
        return await self._alive(below, limit, reverse=True)

    async def oldest_ids(self, above: int, limit: int) -> list[TweetId]:
        """Return up to `limit` ids of all authors' tweets directly above an id, oldest first."""
        return await self._alive(above, limit, reverse=False)

    async def _alive(self, bound: int, limit: int, *, reverse: bool) -> list[TweetId]:
        start, stop = id_key(0), id_key(min(bound, MAX_ID + 1))
        if not reverse:
            start, stop = id_key(min(bound, MAX_ID) + 1), everything()[1]
        found: list[TweetId] = []
        while len(found) < limit:
            rows = await self._engine.scatter(Table.TWEETS, start, stop, limit, reverse=reverse)
            found += [TweetId(last_id(key)) for key, raw in rows if not is_tombstone(raw)]
            if len(rows) < limit:
                break
            if reverse:
                stop = rows[-1][0]
            else:
                start = rows[-1][0] + b"\x00"
        return found[:limit]

    async def versions(self, tweet_id: TweetId, below: int, limit: int) -> list[Tweet]:
        """Return up to `limit` earlier versions of a tweet below a version, newest first."""
        start, stop = pair_key(tweet_id, 0), pair_key(tweet_id, below)
        rows = await self._engine.scan(Table.VERSIONS, start, stop, limit, reverse=True)
        return [unpack_tweet(raw) for _, raw in rows]

    async def counts_many(self, ids: Sequence[int]) -> list[TweetCounts]:
        """Return the counters in the order of `ids`; zeros where there are none. O(len(ids))."""
        keys = [counter_key(i, which) for i in ids for which in TweetCounter]
        raws = await self._engine.get_many(Table.TWEET_COUNTS, keys)
        if not any(raws):
            return [NO_COUNTS] * len(ids)
        values = [0 if raw is None else unpack_i64(raw) for raw in raws]
        return [TweetCounts(*values[i : i + 4]) for i in range(0, len(values), 4)]

    @staticmethod
    def expect(batch: Batch, tweet: Tweet) -> None:
        """Make the batch conflict when the row is no longer that of `tweet`."""
        batch.expect(Table.TWEETS, id_key(tweet.tweet_id), pack_tweet(tweet))

    @staticmethod
    def put(batch: Batch, tweet: Tweet) -> None:
        """Write a tweet."""
        batch.put(Table.TWEETS, id_key(tweet.tweet_id), pack_tweet(tweet))

    @staticmethod
    def put_new(batch: Batch, row: bytes) -> None:
        """Write the packed tweet that the batch is for; conflicts when its id was ever used."""
        key = id_key(batch.partition)
        batch.expect(Table.TWEETS, key, None)
        batch.put(Table.TWEETS, key, row)

    @staticmethod
    def keep_version(batch: Batch, tweet: Tweet) -> None:
        """Keep a version of a tweet that is no longer the newest."""
        batch.put(Table.VERSIONS, pair_key(tweet.tweet_id, tweet.version), pack_tweet(tweet))

    @staticmethod
    def delete(batch: Batch, tweet: Tweet) -> None:
        """Leave a tombstone; the earlier versions go too."""
        tombstone = pack_tombstone(tweet.in_reply_to_tweet_id)
        batch.put(Table.TWEETS, id_key(tweet.tweet_id), tombstone)
        for version in range(1, tweet.version):
            batch.delete(Table.VERSIONS, pair_key(tweet.tweet_id, version))

    @staticmethod
    def count(batch: Batch, counter: TweetCounter, amount: int) -> None:
        """Move one counter of the tweet of the batch's partition by `amount`."""
        batch.add(Table.TWEET_COUNTS, counter_key(batch.partition, counter), amount)

    @staticmethod
    def index(batch: Batch, tweet: Tweet) -> None:
        """Add a tweet to its author's index."""
        flags = bytes([flags_of(tweet)])
        batch.put(Table.AUTHOR_INDEX, pair_key(tweet.author_id, tweet.tweet_id), flags)
        Tweets.note_newest(batch, tweet.author_id, tweet.tweet_id)

    @staticmethod
    def note_newest(batch: Batch, author: UserId, tweet_id: TweetId) -> None:
        """Note that an author has written a tweet, whichever was known before."""
        batch.raise_to(Table.NEWEST, id_key(author), tweet_id)

    @staticmethod
    def unindex(batch: Batch, author: UserId, tweet_id: TweetId) -> None:
        """Take a tweet out of its author's index."""
        batch.delete(Table.AUTHOR_INDEX, pair_key(author, tweet_id))
