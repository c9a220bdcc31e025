"""Reads tweets by id and by author, from the linked-list cache and, for the rest, the tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from chirp.cache.flight import SingleFlight
from chirp.cache.loads import Row, Sweep
from chirp.cache.revision import Revision
from chirp.cache.tweets import TweetCache
from chirp.model import MAX_ID, NO_COUNTS, Media, MediaId, Tweet, TweetCounts, TweetId, UserId
from chirp.readers.users import UserReader
from chirp.storage.codec import unpack_tweet
from chirp.storage.store import Store
from chirp.views import CachedTweet, CachedUser

_FIXED_WEIGHT_BYTES = 900
"""A CachedTweet, its Tweet, their ints and strings, and an encoded body without its text."""


_MEDIA_BYTES = 2_500
"""An upload's row, and what it adds to an encoded body."""


class Tweets(NamedTuple):
    """Tweets of one author, newest first. `exhausted`: there are none older."""

    items: list[CachedTweet]
    exhausted: bool


def weight_of(tweet: Tweet) -> int:
    """Return about how many bytes a tweet takes in the cache, bodies included (bench/cache)."""
    return _FIXED_WEIGHT_BYTES + 4 * len(tweet.content) + _MEDIA_BYTES * len(tweet.media_ids)


class TweetReader:
    """Tweets by id and by author."""

    def __init__(
        self,
        store: Store,
        users: UserReader,
        cache: TweetCache[CachedTweet],
        flight: SingleFlight[tuple[int, int | None, int], Tweets],
        revision: Revision,
    ) -> None:
        self._revision = revision
        self._tweets = store.tweets
        self._media = store.media
        self._users = users
        self._cache = cache
        self._flight = flight
        self._refreshes = 0
        self._awaited: dict[TweetId, bool] = {}
        """Tweets on their way, and whether they are still to be remembered."""
        self.changes = 0
        """Grows when a tweet that was there may look different: its text or its counts."""

    async def find_many(self, ids: Sequence[int]) -> list[CachedTweet | None]:
        """Return the tweets in the order of `ids`; None where there is none. O(len(ids))."""
        found = self._cache.get_many(ids)
        if None in found:
            await self._fill(ids, found)
        return found

    def cached(self, ids: Sequence[int]) -> list[CachedTweet | None]:
        """Return the tweets in the order of `ids`; None where one is not in memory. O(len(ids)).

        Nor where one has not been read since it was warmed: `find_many` makes it of its row.
        """
        return self._cache.peek_many(ids)

    def begin_sweep(self) -> Sweep[CachedTweet]:
        """Begin to keep everybody's rows: for whoever warms the cache."""
        return self._cache.begin_sweep()

    async def _fill(self, ids: Sequence[int], found: list[CachedTweet | None]) -> None:
        places = [place for place, cached in enumerate(found) if cached is None]
        with self._cache.begin_point_load() as load:
            rows = await self._rows(await self._unpacked([ids[place] for place in places]))
            load.finish([(row.value.tweet.author_id, row) for row in rows])
        by_id = {row.tweet_id: row.value for row in rows}
        for place in places:
            found[place] = by_id.get(ids[place])

    async def _unpacked(self, ids: Sequence[int]) -> list[Tweet | None]:
        """Return tweets of the rows that the cache keeps packed, and the others of the store's."""
        packed = self._cache.packed_many(ids)
        tweets = [None if raw is None else unpack_tweet(raw) for raw in packed]
        missing = [place for place, tweet in enumerate(tweets) if tweet is None]
        if missing:
            read = await self._tweets.find_many([ids[place] for place in missing])
            for place, tweet in zip(missing, read, strict=True):
                tweets[place] = tweet
        return tweets

    async def by_author(self, author: UserId, below: int | None, limit: int) -> Tweets:
        """Return the author's newest `limit` tweets below an id (None: from the newest)."""
        reading = self._cache.read(author, below, limit)
        values = reading.values
        if None in values:
            await self._fill(self._cache.ids_of(author, below, limit), values)
        items = [value for value in values if value is not None]
        if reading.complete:
            return Tweets(items, exhausted=len(values) < limit)
        wanted = limit - len(values)
        rest_below = reading.rest_below
        rest = await self._flight.get(
            (author, rest_below, wanted), lambda: self._load(author, rest_below, wanted)
        )
        return Tweets(items + rest.items, rest.exhausted)

    async def ids_above(self, author: UserId, above: int, limit: int) -> list[TweetId]:
        """Return up to `limit` ids of an author directly above an id, oldest first."""
        return await self._tweets.ids_above(author, above, limit)

    async def _load(self, author: UserId, below: int | None, limit: int) -> Tweets:
        with self._cache.begin_load(author) as load:
            ids = await self._tweets.ids_of(author, MAX_ID + 1 if below is None else below, limit)
            rows = await self._rows(await self._tweets.find_many(ids))
            exhausted = len(ids) < limit
            load.finish(rows, 0 if exhausted else ids[-1], below=below)
        return Tweets([row.value for row in rows], exhausted)

    async def refresh(self, ids: Sequence[int]) -> None:
        """Take in edits and new counts, which are on disk, of those that are cached. O(len(ids)).

        Others that are being loaded meanwhile get them too.
        """
        self._refreshes += 1
        wanted = [tweet_id for tweet_id in ids if self._cache.concerns(tweet_id)]
        if not wanted:
            self.changes += 1  # it may stand on a page that is kept longer than the tweet
            return
        while True:
            before = self._refreshes
            rows = await self._rows(await self._tweets.find_many(wanted))
            if before == self._refreshes:
                break
        for row in rows:
            known = self._cache.peek(row.tweet_id)
            value = row.value
            if known is not None:
                value = known.succeeded_by(value.tweet, value.counts, value.media)
            self._cache.replace(value.tweet.author_id, row.tweet_id, value, row.weight_bytes)
        self.changes += 1

    async def parents_above(self, ids: Sequence[int]) -> list[TweetId | None]:
        """Return what deleted tweets replied to, in the order of `ids`."""
        return await self._tweets.parents_above(ids)

    async def _rows(self, found: Sequence[Tweet | None]) -> list[Row[CachedTweet]]:
        """Return those tweets that exist, with their authors, ready for the cache."""
        tweets = [tweet for tweet in found if tweet is not None]
        authors = await self._users.find_many([tweet.author_id for tweet in tweets])
        counts = await self._tweets.counts_many([tweet.tweet_id for tweet in tweets])
        media = await self.media_of(tweets)
        return [
            _row(tweet, author, count, media.get(tweet.tweet_id, ()))
            for tweet, author, count in zip(tweets, authors, counts, strict=True)
            if author is not None
        ]

    async def media_of(self, tweets: Sequence[Tweet]) -> dict[TweetId, tuple[Media, ...]]:
        """Return what those tweets show that show something. O(media)."""
        ids = [one for tweet in tweets for one in tweet.media_ids]
        if not ids:
            return {}
        found = {one.media_id: one for one in await self._media.find_many(ids) if one is not None}
        return {
            tweet.tweet_id: tuple(
                found[one] for one in map(MediaId, tweet.media_ids) if one in found
            )
            for tweet in tweets
            if tweet.media_ids
        }

    def await_new(self, tweet_id: TweetId) -> None:
        """Note that a tweet is on its way: `remember` or `give_up` will follow. O(1)."""
        self._awaited[tweet_id] = True

    def give_up(self, tweet_id: TweetId) -> None:
        """Note that a tweet that was awaited will not be remembered. O(1)."""
        self._awaited.pop(tweet_id, None)

    def remember(
        self, tweet: Tweet, author: CachedUser, media: tuple[Media, ...] = ()
    ) -> CachedTweet:
        """Put a new tweet, whose author index row is on disk, into the cache. O(1).

        Unless it was forgotten meanwhile: nobody would tell the cache again that it is deleted.
        """
        row = _row(tweet, author, NO_COUNTS, media)
        if not self._awaited.pop(tweet.tweet_id, True):
            return row.value
        self._cache.push(tweet.author_id, tweet.tweet_id, row.value, row.weight_bytes)
        return self._cache.peek(tweet.tweet_id) or row.value

    def forget(self, author: UserId, tweet_id: TweetId) -> None:
        """Take a deleted tweet out of the cache, and out of loads under way. O(1)."""
        self._revision.bump()
        self._cache.delete(author, tweet_id)
        if tweet_id in self._awaited:
            self._awaited[tweet_id] = False


def _row(
    tweet: Tweet, author: CachedUser, counts: TweetCounts, media: tuple[Media, ...]
) -> Row[CachedTweet]:
    return Row(tweet.tweet_id, CachedTweet(tweet, author, counts, media), weight_of(tweet))
