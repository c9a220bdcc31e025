"""Publishing: brings a new tweet to disk, into its readers' timelines and in front of readers.

Invariant: an id that was opened is settled in the end, whatever happens: stored and delivered, or
failed. Nobody waits for it for ever, and no since_id poller misses it.
"""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from chirp.clock import Clock
from chirp.errors import Unavailable
from chirp.fanout.home import HOME
from chirp.fanout.journal import JournalRunner
from chirp.idgen.watermark import Watermark
from chirp.model import Media, Tweet, TweetId
from chirp.readers.tweets import TweetReader
from chirp.storage.engine import Batch, Engine, Receipt
from chirp.storage.events import TweetPosted
from chirp.tasks import TaskRunner
from chirp.views import CachedTweet, CachedUser

_COME_BACK_S = 1


class _Post(NamedTuple):
    """A tweet on its way; `reserved`: what is committed only decides that it is posted."""

    tweet: Tweet
    author: CachedUser
    stored: asyncio.Future[Receipt | None]
    reserved: bool
    media: tuple[Media, ...] = ()


class Publisher:
    """Commits new tweets and waits until they can be seen."""

    def __init__(
        self,
        engine: Engine,
        watermark: Watermark,
        journal: JournalRunner,
        tweets: TweetReader,
        tasks: TaskRunner,
        clock: Clock,
        *,
        most_lag_s: float,
    ) -> None:
        self._engine = engine
        self._watermark = watermark
        self._journal = journal
        self._tweets = tweets
        self._tasks = tasks
        self._clock = clock
        self._most_lag_s = most_lag_s
        self._begun_s: dict[TweetId, float] = {}
        """When each tweet that is not settled was handed in, the oldest first."""
        self._refused = 0

    async def publish(
        self,
        tweet: Tweet,
        author: CachedUser,
        batch: Batch,
        media: tuple[Media, ...] = (),
    ) -> CachedTweet:
        """Commit a tweet; it is on disk, in its author's timelines and readable when this returns.

        `batch` writes the tweet, or reserves it in its author's partition. To be called without
        an await since its id was taken: ids are submitted in their order.
        Raises: Conflict, Unavailable: nothing is stored; StorageError: it is unknown whether it is.
        """
        self._journal.refuse_if_stopped()
        self._refuse_if_behind()
        self._begun_s[tweet.tweet_id] = self._clock.monotonic_s()
        self._tweets.await_new(tweet.tweet_id)
        self._watermark.open(tweet.tweet_id)
        reserved = batch.partition != tweet.tweet_id
        if not reserved:
            self._journal.tell(batch, TweetPosted(tweet))
        post = _Post(tweet, author, self._engine.commit(batch), reserved, media)
        cached = await self._settle(post)
        await self._watermark.wait_settled(tweet.tweet_id)
        return cached

    @property
    def lag_s(self) -> float:
        """How long the oldest tweet that is not settled has waited; 0 when there is none."""
        oldest_s = next(iter(self._begun_s.values()), None)
        return 0.0 if oldest_s is None else self._clock.monotonic_s() - oldest_s

    def stats(self) -> dict[str, float]:
        """Return how many tweets are under way, for how long, and how many were refused."""
        lag_ms = round(self.lag_s * 1000, 1)
        return {"under_way": len(self._begun_s), "lag_ms": lag_ms, "refused": self._refused}

    def _refuse_if_behind(self) -> None:
        """Refuse a tweet while others wait too long: more would only wait longer."""
        if self.lag_s > self._most_lag_s:
            self._refused += 1
            raise Unavailable("too many tweets are on their way", retry_after_s=_COME_BACK_S)

    def _settled(self, tweet_id: TweetId) -> None:
        self._begun_s.pop(tweet_id, None)
        self._tweets.give_up(tweet_id)
        self._watermark.settle(tweet_id)

    async def _settle(self, post: _Post) -> CachedTweet:
        """Wait until a tweet is on disk and delivered, then settle its id; so too if it fails."""
        try:
            await asyncio.shield(post.stored)
            await self._delivered(post)
            # Before it settles: a reader who may see the tweet then finds it in its author's list.
            cached = self._shown(post)
        except asyncio.CancelledError:
            # Whoever asked is gone, the tweet is not: others wait for its id to settle.
            self._tasks.start(f"settle-{post.tweet.tweet_id}", self._settle_alone(post))
            raise
        except BaseException:
            self._settled(post.tweet.tweet_id)
            raise
        self._settled(post.tweet.tweet_id)
        return cached

    def _shown(self, post: _Post) -> CachedTweet:
        """Put a tweet into its author's cached list, unless it is deleted by now."""
        return self._tweets.remember(post.tweet, post.author, post.media)

    async def _delivered(self, post: _Post) -> None:
        # Home, not only index: an id that settles before it is in its followers' windows is missed
        # for ever by whoever polls with since_id, when a greater one was delivered meanwhile. What
        # an author with push_limit followers adds to the wait is about a millisecond.
        receipt = await post.stored
        assert receipt is not None
        await self._journal.wait_applied(HOME, receipt)
        if post.reserved:
            # The tweet's own row and event are the index consumer's work, and stand by now.
            await self._journal.wait_partition(HOME, post.tweet.tweet_id)

    async def _settle_alone(self, post: _Post) -> None:
        try:
            await self._delivered(post)
            self._shown(post)
        finally:
            self._settled(post.tweet.tweet_id)
