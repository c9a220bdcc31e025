"""Publishing: brings a new tweet to disk, into its readers' timelines and in front of readers.

Invariant: an id that was opened is settled in the end, whatever happens: stored and delivered, or
failed. Nobody waits for it for ever, and no since_id poller misses it. Whoever asked may be gone by
then: what is left to do hangs on the commit and on the journals, and the asker on the id alone.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import partial

from chirp.clock import Clock
from chirp.errors import ConsumerStopped, Unavailable
from chirp.fanout.home import HOME
from chirp.fanout.journal import JournalRunner
from chirp.idgen.watermark import Watermark
from chirp.model import Media, Tweet, TweetId
from chirp.readers.tweets import TweetReader
from chirp.storage.engine import Batch, Engine, Receipt
from chirp.storage.events import TweetPosted
from chirp.views import CachedTweet, CachedUser

_COME_BACK_S = 1


@dataclass(slots=True)
class _Post:
    """A tweet on its way; `reserved`: what is committed only decides that it is posted."""

    tweet: Tweet
    author: CachedUser
    reserved: bool
    media: tuple[Media, ...]
    outcome: CachedTweet | BaseException | None = field(default=None, init=False)


class Publisher:
    """Commits new tweets and waits until they can be seen."""

    def __init__(
        self,
        engine: Engine,
        watermark: Watermark,
        journal: JournalRunner,
        tweets: TweetReader,
        clock: Clock,
        *,
        most_lag_s: float,
    ) -> None:
        self._engine = engine
        self._watermark = watermark
        self._journal = journal
        self._tweets = tweets
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
        post = _Post(tweet, author, reserved, media)
        self._engine.commit(batch).add_done_callback(partial(self._stored, post))
        await self._watermark.wait_settled(tweet.tweet_id)
        assert post.outcome is not None
        if isinstance(post.outcome, BaseException):
            raise post.outcome
        return post.outcome

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

    def _stored(self, post: _Post, stored: asyncio.Future[Receipt | None]) -> None:
        """Let a tweet that is on disk settle once it is delivered; one that is not, now."""
        try:
            receipt = stored.result()
            assert receipt is not None
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  (told to whoever asked)
            self._settle(post, error)
            return
        # Home, not only index: an id that settles before it is in its followers' windows is missed
        # for ever by whoever polls with since_id, when a greater one was delivered meanwhile. What
        # an author with push_limit followers adds to the wait is about a millisecond.
        self._journal.when_applied(HOME, receipt, partial(self._delivered, post))

    def _delivered(self, post: _Post, refusal: ConsumerStopped | None) -> None:
        if refusal is None and post.reserved:
            # The tweet's own row and event are the index consumer's work, and stand by now.
            told = partial(self._settle, post)
            self._journal.when_partition(HOME, post.tweet.tweet_id, told)
        else:
            self._settle(post, refusal)

    def _settle(self, post: _Post, error: BaseException | None) -> None:
        """Settle an id: its tweet can be seen, or will not be."""
        tweet_id = post.tweet.tweet_id
        try:
            # Before it settles: a reader who may see the tweet then finds it in its author's list.
            # Not there if it is deleted by now.
            post.outcome = error or self._tweets.remember(post.tweet, post.author, post.media)
        except Exception as mistake:  # noqa: BLE001  (told to whoever asked)
            post.outcome = mistake
        self._begun_s.pop(tweet_id, None)
        self._tweets.give_up(tweet_id)
        if isinstance(post.outcome, BaseException):
            self._watermark.fail(tweet_id)
        else:
            self._watermark.settle(tweet_id)
