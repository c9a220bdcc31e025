"""Tweets: post, delete, one tweet, and the user and public side of showing them."""

from __future__ import annotations

import asyncio

from chirp.clock import Clock
from chirp.commands import PostTweet, entities_of
from chirp.errors import Conflict, Forbidden, NotFound
from chirp.fanout.home import HOME
from chirp.fanout.index import INDEX
from chirp.fanout.journal import JournalRunner
from chirp.idgen.generator import IdGenerator
from chirp.idgen.watermark import Watermark
from chirp.metrics import Metrics
from chirp.model import Entity, Tweet, TweetId, UserId
from chirp.policy import may_delete, visible
from chirp.readers.tweets import TweetReader
from chirp.readers.users import UserReader
from chirp.storage.changes import tweet_deleted, tweet_posted
from chirp.storage.engine import Receipt
from chirp.storage.store import Store
from chirp.tasks import TaskRunner
from chirp.text import TweetText
from chirp.views import CachedTweet, CachedUser, TweetView, Viewer


class TweetService:
    """Posting, deleting and reading single tweets."""

    def __init__(
        self,
        store: Store,
        ids: IdGenerator,
        watermark: Watermark,
        journal: JournalRunner,
        tweets: TweetReader,
        users: UserReader,
        tasks: TaskRunner,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._store = store
        self._ids = ids
        self._watermark = watermark
        self._journal = journal
        self._tweets = tweets
        self._users = users
        self._tasks = tasks
        self._clock = clock
        self._metrics = metrics

    async def post(self, viewer: Viewer, command: PostTweet) -> TweetView:
        """Post a tweet; it is on disk, in its author's timelines and readable when this returns.

        Raises: StorageError: it is unknown whether it is stored, and it is not acknowledged.
        """
        started_s = self._clock.monotonic_s()
        self._journal.refuse_if_stopped()
        author = await self._users.get(viewer.user_id)
        entities = await self._entities(command.text)
        tweet_id = TweetId(await self._ids.next())
        # From here to the commit nothing waits: ids are submitted in their order.
        tweet = self._build(tweet_id, viewer.user_id, command, entities)
        batch = tweet_posted(self._store, tweet)
        self._watermark.open(tweet_id)
        cached = await self._settle(tweet, author, self._store.engine.commit(batch))
        await self._watermark.wait_settled(tweet_id)
        self._metrics.tweets_posted += 1
        self._metrics.post_s.observe(self._clock.monotonic_s() - started_s)
        return TweetView(cached, own=True)

    async def _entities(self, text: TweetText) -> tuple[Entity, ...]:
        """Return the spans of a text, mentions with the ids of those who exist."""
        names = [mention.username for mention in text.entities.mentions]
        return entities_of(text, await self._users.find_names(names) if names else [])

    def _build(
        self, tweet_id: TweetId, author: UserId, command: PostTweet, entities: tuple[Entity, ...]
    ) -> Tweet:
        return Tweet(
            tweet_id,
            author,
            command.text.text,
            self._ids.layout.time_of(tweet_id),
            conversation_id=tweet_id,
            lang=command.lang,
            tweet_location=command.tweet_location,
            latitude=command.latitude,
            longitude=command.longitude,
            user_location=command.user_location,
            entities=entities,
        )

    async def _settle(
        self, tweet: Tweet, author: CachedUser, stored: asyncio.Future[Receipt | None]
    ) -> CachedTweet:
        """Wait until a tweet is on disk and delivered, then settle its id; so too if it fails."""
        try:
            await asyncio.shield(stored)
            await self._delivered(stored)
        except asyncio.CancelledError:
            # Whoever asked is gone, the tweet is not: others wait for its id to settle.
            alone = self._settle_alone(tweet, author, stored)
            self._tasks.start(f"settle-{tweet.tweet_id}", alone)
            raise
        except BaseException:
            self._watermark.settle(tweet.tweet_id)
            raise
        # Before it settles: a reader who may see the tweet then finds it in its author's list.
        cached = self._tweets.remember(tweet, author)
        self._watermark.settle(tweet.tweet_id)
        return cached

    async def _delivered(self, stored: asyncio.Future[Receipt | None]) -> None:
        # Home, not only index: an id that settles before it is in its followers' windows is missed
        # for ever by whoever polls with since_id, when a greater one was delivered meanwhile. What
        # an author with push_limit followers adds to the wait is about a millisecond.
        receipt = await stored
        assert receipt is not None
        await self._journal.wait_applied(HOME, receipt)

    async def _settle_alone(
        self, tweet: Tweet, author: CachedUser, stored: asyncio.Future[Receipt | None]
    ) -> None:
        try:
            await self._delivered(stored)
            self._tweets.remember(tweet, author)
        finally:
            self._watermark.settle(tweet.tweet_id)

    async def get(self, viewer: Viewer | None, tweet_id: TweetId) -> TweetView:
        """Return one tweet. Raises: NotFound: none, deleted, not settled or not visible."""
        if tweet_id > self._watermark.value:
            raise NotFound("no such tweet")
        cached = (await self._tweets.find_many([tweet_id]))[0]
        viewer_id = None if viewer is None else viewer.user_id
        if cached is None or not visible(viewer_id, cached.tweet, cached.author.user):
            raise NotFound("no such tweet")
        return TweetView(cached, own=viewer_id == cached.tweet.author_id)

    async def delete(self, viewer: Viewer, tweet_id: TweetId) -> None:
        """Delete one of the viewer's tweets. Raises: NotFound, Forbidden, StorageError."""
        view = await self.get(viewer, tweet_id)
        tweet = view.cached.tweet
        if not may_delete(viewer.user_id, tweet):
            raise Forbidden("this tweet is somebody else's")
        await self.remove(tweet)

    async def remove(self, tweet: Tweet) -> None:
        """Delete a tweet for who may: that is decided. Raises: NotFound, StorageError."""
        self._journal.refuse_if_stopped()
        batch = tweet_deleted(self._store, tweet, self._clock.now_ms())
        try:
            receipt = await self._store.engine.commit(batch)
        except Conflict:
            self._tweets.forget(tweet)
            raise NotFound("no such tweet") from None
        self._tweets.forget(tweet)
        assert receipt is not None
        await self._journal.wait_applied(INDEX, receipt)
        self._metrics.tweets_deleted += 1
